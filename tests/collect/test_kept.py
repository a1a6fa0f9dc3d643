"""A file of ours says what is wrong with it: taken, full, a folder, or somebody else's."""

import errno
import sqlite3
import subprocess
import sys

import pytest

from avrec_lib.collect.kept import explained, open_store

SCHEMA = "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB);"

NO_ROOM = """
import resource, signal, sys
from pathlib import Path
from avrec_lib.collect.kept import open_store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    open_store(Path(sys.argv[1]), "CREATE TABLE IF NOT EXISTS facts (name TEXT);", "crawl")
except OSError as error:
    print(error.filename, error)
"""


def test_what_is_committed_is_there_when_it_is_opened_again(tmp_path):
    path = tmp_path / "new" / "a.sqlite"
    for known in range(2):
        store = open_store(path, SCHEMA, "crawl")
        assert store.execute("SELECT COUNT(*) FROM facts").fetchone() == (known,)
        store.execute("INSERT INTO facts VALUES (?, 'b')", (known,))
        store.close()


def test_a_file_that_another_holds_is_told_as_taken_and_free_afterwards(tmp_path):
    holder = open_store(tmp_path / "a.sqlite", SCHEMA, "crawl")
    with pytest.raises(RuntimeError, match=r"a\.sqlite is in use by another crawl"):
        open_store(tmp_path / "a.sqlite", SCHEMA, "crawl")
    holder.close()
    open_store(tmp_path / "a.sqlite", SCHEMA, "crawl").close()


@pytest.mark.parametrize("room", [0, 4096])
def test_a_full_disk_is_not_blamed_on_another_process(tmp_path, room):
    path = tmp_path / "a.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM, str(path), str(room)], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith(f"{path} [Errno"), done
    assert "in use" not in done.stdout


def test_a_disk_that_fills_up_later_names_the_file(tmp_path):
    path = tmp_path / "a.sqlite"
    store = open_store(path, SCHEMA, "download")
    store.execute("PRAGMA max_page_count=5")
    with pytest.raises(OSError, match="database or disk is full") as caught, explained(path, "download"):
        store.execute("INSERT INTO facts VALUES ('a', zeroblob(100000))")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    store.close()


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path):
    (tmp_path / "a.sqlite").mkdir()
    with pytest.raises(IsADirectoryError, match=r"a\.sqlite"):
        open_store(tmp_path / "a.sqlite", SCHEMA, "crawl")


@pytest.mark.parametrize("content", [b"not a database" * 99, None])
def test_a_file_of_another_kind_is_told(tmp_path, content):
    path = tmp_path / "a.sqlite"
    if content is None:
        other = sqlite3.connect(path)
        other.execute("CREATE VIEW facts AS SELECT 1 AS one")
        other.close()
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match="is not a crawl's file"):
        open_store(path, SCHEMA + "CREATE INDEX IF NOT EXISTS by_name ON facts (name);", "crawl")


def test_a_mistake_of_the_program_is_not_blamed_on_the_file(tmp_path):
    store = open_store(tmp_path / "a.sqlite", SCHEMA, "crawl")
    with pytest.raises(sqlite3.ProgrammingError), explained(tmp_path / "a.sqlite", "crawl"):
        store.execute("SELECT ?", (1, 2))
    store.close()
