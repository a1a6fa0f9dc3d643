"""Real data sets: found, checked, fetched from a server of our own, and told about when absent."""

import errno
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest

from avrec_lib.collect import __main__ as command
from avrec_lib.collect.dataset_tables import esc10_tables, lastfm_tables, movielens_tables
from avrec_lib.collect.datasets import (
    DataAbsentError,
    DataDamagedError,
    available_datasets,
    fetch_dataset,
    has_dataset,
    load_dataset,
)
from avrec_lib.collect.fetching import FetchFailedError
from avrec_lib.collect.registry import read_checked, read_registry
from avrec_lib.tables import check

CONTENTS = {
    "README.txt": b"made for this test",
    "a sound (live).ogg": bytes(range(256)) * 40,
    "deep/er/b.ogg": b"b" * 5000,
}


@pytest.fixture
def server() -> Iterator[SimpleNamespace]:
    """Serve CONTENTS below /good/, and spoil an answer by ``spoil[path] = [what, ...]``, one word a request."""
    state = SimpleNamespace(asked=[], spoil={}, archive=b"")

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            path = unquote(self.path).removeprefix("/")
            state.asked.append(path)
            words = state.spoil.get(path, [])
            word = words.pop(0) if len(words) > 1 else (words[0] if words else "")
            body = state.archive if path == "all.zip" else CONTENTS.get(path.removeprefix("good/"))
            if body is None or word == "404":
                self.send_error(404)
            elif word == "503":
                self.send_error(503)
            elif word == "wrong":
                self._send(body[:-1] + b"!", len(body))
            elif word == "cut":
                self._send(body[: len(body) // 2], len(body))
            elif word == "endless":
                self.send_response(200)
                self.end_headers()
                try:
                    for _ in range(2000):
                        self.wfile.write(b"x" * 65536)
                except OSError:
                    state.spoil["stopped"] = ["yes"]
            elif word == "packed":
                packed = gzip.compress(gzip.compress(bytes(5_000_000)))
                self._send(packed, len(packed), "gzip, gzip")
            elif word == "drip":
                self.send_response(200)
                self.end_headers()
                try:
                    for _ in range(400):
                        self.wfile.write(b"x")
                        time.sleep(0.05)
                except OSError:
                    state.spoil["stopped"] = ["yes"]
            elif word == "silent":
                time.sleep(1.5)
            else:
                self._send(body, len(body))

        def _send(self, body: bytes, length: int, packing: str | None = None) -> None:
            self.send_response(200)
            if packing:
                self.send_header("Content-Encoding", packing)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    threading.Thread(target=web.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{web.server_port}/"
    yield state
    web.shutdown()
    web.server_close()


def register(home: Path, url: str, **changes: object) -> dict:
    """Write a register with one data set, and read it."""
    files = {name: {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()} for name, body in CONTENTS.items()}
    entry = {
        "title": "Three files",
        "folder": "three",
        "address": "https://example.org/three",
        "licence": "CC0",
        "licence_address": "https://example.org/licence",
        "citation": "Nobody (2025)",
        "bases": [f"{url}good/"],
        "archives": [],
        "files": files,
    }
    path = home / "registry.json"
    path.write_text(json.dumps({"three": entry | changes}), encoding="utf-8")
    return dict(read_registry(path))


def fetch(home: Path, known: dict, **options: object) -> tuple[Path, list[str]]:
    """Fetch quietly; give the folder and what was shown."""
    shown: list[str] = []
    given = {"retries": 1, "pause_seconds": 0.5, "progress": False, "show": shown.append} | options
    return fetch_dataset("three", home=home, registry=known, **given), shown


def held(home: Path) -> dict[str, bytes]:
    """Give every file below a folder, hidden ones too."""
    return {str(p.relative_to(home / "three")): p.read_bytes() for p in (home / "three").rglob("*") if p.is_file()}


def test_a_fetched_data_set_is_complete_found_and_not_fetched_twice(tmp_path, server):
    known = register(tmp_path, server.url)
    assert not has_dataset("three", home=tmp_path, registry=known)
    folder, shown = fetch(tmp_path, known)
    assert folder == tmp_path / "three"
    assert held(tmp_path) == CONTENTS
    assert "CC0" in shown[0] and "Nobody (2025)" in shown[0]
    assert has_dataset("three", home=tmp_path, registry=known)
    assert available_datasets(home=tmp_path, registry=known)["here"].tolist() == [True]
    asked = len(server.asked)
    assert fetch(tmp_path, known) == (folder, [])
    assert len(server.asked) == asked == len(CONTENTS)
    loaded = load_dataset("three", home=tmp_path, registry=known)
    assert loaded.files["deep/er/b.ogg"].read_bytes() == CONTENTS["deep/er/b.ogg"]
    assert loaded.licence == "CC0"


def test_the_licence_is_shown_before_the_first_request(tmp_path, server):
    def show(_: str) -> None:
        assert server.asked == []

    fetch(tmp_path, register(tmp_path, server.url), show=show)
    assert server.asked


@pytest.mark.parametrize("word", ["wrong", "cut", "503", "silent"])
def test_a_passing_fault_is_tried_again_and_leaves_no_trace(tmp_path, server, word):
    server.spoil["good/deep/er/b.ogg"] = [word, ""]
    fetch(tmp_path, register(tmp_path, server.url))
    assert held(tmp_path) == CONTENTS
    assert server.asked.count("good/deep/er/b.ogg") == 2


@pytest.mark.parametrize(
    ("word", "told"),
    [("wrong", "sha256"), ("cut", "RemoteProtocolError"), ("503", "status 503"), ("404", "status 404")],
)
def test_a_lasting_fault_names_file_address_and_cause_and_leaves_no_half_file(tmp_path, server, word, told):
    server.spoil["good/deep/er/b.ogg"] = [word]
    with pytest.raises(FetchFailedError, match=told) as caught:
        fetch(tmp_path, register(tmp_path, server.url))
    assert "deep/er/b.ogg" in str(caught.value)
    assert "https://example.org/three" in str(caught.value)
    whole = {name: body for name, body in CONTENTS.items() if name != "deep/er/b.ogg"}
    assert held(tmp_path) == whole
    assert server.asked.count("good/deep/er/b.ogg") == (1 if word == "404" else 2)


def test_a_file_that_is_not_the_published_one_stays_until_the_right_one_is_here(tmp_path, server):
    known = register(tmp_path, server.url)
    fetch(tmp_path, known)
    notes = tmp_path / "three" / "README.txt"
    notes.write_bytes(b"my notes of a year")
    server.spoil["good/README.txt"] = ["404"]
    with pytest.raises(FetchFailedError, match="status 404"):
        fetch(tmp_path, known)
    assert notes.read_bytes() == b"my notes of a year"
    server.spoil.clear()
    fetch(tmp_path, known)
    assert held(tmp_path) == CONTENTS


def test_an_endless_answer_is_stopped_at_the_known_size(tmp_path, server):
    server.spoil["good/README.txt"] = ["endless"]
    with pytest.raises(FetchFailedError, match="more than the 18 bytes"):
        fetch(tmp_path, register(tmp_path, server.url))
    for _ in range(50):
        if "stopped" in server.spoil:
            break
        time.sleep(0.1)
    assert "stopped" in server.spoil, "the client read on to the end"


@pytest.mark.parametrize(("word", "told"), [("packed", "came packed"), ("drip", "bytes in")])
def test_a_packed_or_dripping_answer_is_refused_soon(tmp_path, server, word, told):
    server.spoil["good/deep/er/b.ogg"] = [word]
    began = time.monotonic()
    with pytest.raises(FetchFailedError, match=told):
        fetch(tmp_path, register(tmp_path, server.url))
    assert time.monotonic() - began < 4.0
    assert server.asked.count("good/deep/er/b.ogg") == 1
    assert "deep/er/b.ogg" not in held(tmp_path)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_a_folder_in_the_place_of_a_file_is_named(tmp_path, server, make):
    known = register(tmp_path, server.url)
    fetch(tmp_path, known)
    (tmp_path / "three" / "README.txt").unlink()
    make(tmp_path / "three" / "README.txt")
    with pytest.raises(FetchFailedError, match=r"README\.txt is no ordinary file"):
        fetch(tmp_path, known)
    with pytest.raises(DataAbsentError, match="no ordinary file"):
        read_checked(tmp_path / "three", known["three"].files["README.txt"], command="x")


def test_a_cut_off_fetch_goes_on_with_what_is_lacking(tmp_path, server):
    known = register(tmp_path, server.url)
    server.spoil["good/deep/er/b.ogg"] = ["404"]
    with pytest.raises(FetchFailedError):
        fetch(tmp_path, known)
    server.spoil.clear()
    server.asked.clear()
    fetch(tmp_path, known)
    assert server.asked == ["good/deep/er/b.ogg"]
    assert held(tmp_path) == CONTENTS


def test_a_damaged_file_is_fetched_anew(tmp_path, server):
    known = register(tmp_path, server.url)
    fetch(tmp_path, known)
    (tmp_path / "three" / "README.txt").write_bytes(b"made for this tesT")
    with pytest.raises(DataDamagedError, match=r"README.txt is not the published file: its sha256"):
        load_dataset("three", home=tmp_path, registry=known)
    server.asked.clear()
    fetch(tmp_path, known)
    assert server.asked == ["good/README.txt"]
    assert held(tmp_path) == CONTENTS


@pytest.mark.parametrize(("body", "found"), [(b"short", "5"), (b"x" * 100, "more than 18")])
def test_a_file_of_another_size_is_told_by_its_size(tmp_path, body, found):
    (tmp_path / "README.txt").write_bytes(body)
    file = register(tmp_path, "http://127.0.0.1/")["three"].files["README.txt"]
    with pytest.raises(DataDamagedError, match=f"README.txt has {found} bytes instead of 18"):
        read_checked(tmp_path, file, command="the command")


def test_the_second_address_is_tried_when_the_first_has_gone(tmp_path, server):
    known = register(tmp_path, server.url, bases=[f"{server.url}gone/", f"{server.url}good/"])
    fetch(tmp_path, known)
    assert held(tmp_path) == CONTENTS


def zipped(contents: dict[str, bytes], top: str = "three-main/") -> bytes:
    """Pack files below one folder, as a forge does."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in contents.items():
            archive.writestr(top + name, body)
    return packed.getvalue()


def damaged(whole: bytes, place: int, value: int) -> bytes:
    """Change a byte of the first member's header or body, and of its entry in the directory where it has one."""
    spoiled = bytearray(whole)
    spoiled[place] = value
    if place < 30:
        spoiled[whole.index(b"PK\x01\x02") + place + 2] = value
    return bytes(spoiled)


def test_an_archive_gives_the_known_files_and_no_others(tmp_path, server):
    server.archive = zipped({**CONTENTS, "extra.txt": b"unknown", "../../out.txt": b"escape"})
    known = register(tmp_path, server.url, bases=[], archives=[f"{server.url}all.zip"])
    fetch(tmp_path, known)
    assert held(tmp_path) == CONTENTS
    assert not list(tmp_path.rglob("out.txt"))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda whole: whole[:-40], "no whole zip file"),
        (lambda _: zipped({name: body for name, body in CONTENTS.items() if "deep" not in name}), "has no deep/er/b"),
        (lambda _: zipped({**CONTENTS, "README.txt": b"0" * 10_000_000}), "has no README.txt of 18 bytes"),
        (lambda _: b"<html>moved</html>", "no whole zip file"),
        (lambda whole: damaged(whole, 8, 99), "cannot be unpacked"),  # a method of packing that there is not
        (lambda whole: damaged(whole, 6, 1), "cannot be unpacked"),  # encrypted
        (lambda whole: damaged(whole, 30 + len("three-main/README.txt"), 255), "cannot be unpacked"),
    ],
)
def test_a_bad_archive_is_refused_with_its_reason(tmp_path, server, spoil, told):
    server.archive = spoil(zipped(CONTENTS))
    known = register(tmp_path, server.url, bases=[], archives=[f"{server.url}all.zip"])
    with pytest.raises(FetchFailedError, match=told):
        fetch(tmp_path, known)
    assert all(CONTENTS[name] == body for name, body in held(tmp_path).items())


def test_a_full_disk_is_not_called_a_damaged_archive(tmp_path, server, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    server.archive = zipped(CONTENTS)
    known = register(tmp_path, server.url, bases=[], archives=[f"{server.url}all.zip"])
    monkeypatch.setattr("avrec_lib.collect.fetching.shutil.copyfileobj", full)
    with pytest.raises(OSError, match="No space left on device"):
        fetch(tmp_path, known)
    assert held(tmp_path) == {}


def test_an_archive_with_other_contents_is_refused(tmp_path, server):
    server.archive = zipped({**CONTENTS, "README.txt": b"made for this tesT"})
    known = register(tmp_path, server.url, bases=[], archives=[f"{server.url}all.zip"])
    with pytest.raises(FetchFailedError, match=r"README.txt is not the published file"):
        fetch(tmp_path, known)
    assert "README.txt" not in held(tmp_path)


@pytest.mark.parametrize("name", ["../out.txt", "/etc/x", "a/../../b", "a\\b", ""])
def test_a_register_cannot_name_a_file_outside_its_folder(tmp_path, name):
    files = {name: {"size": 1, "sha256": "0" * 64}}
    with pytest.raises(ValueError, match="no file name inside"):
        register(tmp_path, "http://127.0.0.1/", files=files)


@pytest.mark.parametrize("folder", ["../../..", "/tmp/x", "", "a/../b", "a\\b", ".."])
def test_a_register_cannot_name_a_folder_outside_the_data_home(tmp_path, folder):
    with pytest.raises(ValueError, match="no folder inside the data home"):
        register(tmp_path, "http://127.0.0.1/", folder=folder)


@pytest.mark.parametrize("sha256", ["", "0" * 63, "g" * 64, None, 7])
def test_a_register_names_a_hash_for_every_file(tmp_path, sha256):
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        register(tmp_path, "http://127.0.0.1/", files={"x": {"size": 1, "sha256": sha256}})


def test_an_entry_without_a_licence_is_refused(tmp_path):
    path = tmp_path / "registry.json"
    path.write_text('{"x": {"title": "X", "files": {}}}', encoding="utf-8")
    with pytest.raises(ValueError, match="data set 'x' lacks the field"):
        read_registry(path)


def test_a_killed_fetch_leaves_no_half_file_under_a_final_name(tmp_path, server):
    register(tmp_path, server.url)
    server.spoil["good/deep/er/b.ogg"] = ["silent"]
    code = (
        "import sys; from avrec_lib.collect.datasets import fetch_dataset; "
        "from avrec_lib.collect.registry import read_checked, read_registry; "
        "fetch_dataset('three', home=sys.argv[1], registry=read_registry(sys.argv[1] + '/registry.json'), "
        "pause_seconds=20, progress=False)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.DEVNULL)
    for _ in range(200):
        if "good/deep/er/b.ogg" in server.asked:
            break
        time.sleep(0.05)
    child.kill()
    child.wait()
    assert "good/deep/er/b.ogg" in server.asked
    kept = {name: body for name, body in held(tmp_path).items() if not name.startswith(".fetching-")}
    assert kept and all(CONTENTS[name] == body for name, body in kept.items())
    assert "deep/er/b.ogg" not in kept
    # A later fetch sweeps what the killed one left, once it is old enough to be nobody's.
    old = time.time() - 200_000
    for left in (tmp_path / "three").glob(".fetching-*"):
        os.utime(left, (old, old))
    server.spoil.clear()
    server.asked.clear()
    fetch(tmp_path, dict(read_registry(tmp_path / "registry.json")))
    assert server.asked == ["good/deep/er/b.ogg"]
    assert held(tmp_path) == CONTENTS


def test_an_absent_data_set_names_address_licence_and_command(tmp_path):
    with pytest.raises(DataAbsentError) as caught:
        load_dataset("movielens-100k", home=tmp_path)
    told = str(caught.value)
    for words in (
        "https://grouplens.org/datasets/movielens/100k/",
        "research use",
        "python -m avrec_lib.collect fetch movielens-100k",
        str(tmp_path / "ml-100k"),
    ):
        assert words in told


def test_an_incomplete_copy_says_which_file_is_lacking(tmp_path, server):
    known = register(tmp_path, server.url)
    fetch(tmp_path, known)
    (tmp_path / "three" / "README.txt").unlink()
    assert not has_dataset("three", home=tmp_path, registry=known)
    with pytest.raises(DataAbsentError, match=r"1 of 3 files are absent or of another size, first 'README.txt'"):
        load_dataset("three", home=tmp_path, registry=known)


def test_the_data_home_is_looked_in_before_the_cache(tmp_path, server, monkeypatch):
    known = register(tmp_path, server.url)
    monkeypatch.setenv("AVREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("AVREC_DATA_HOME", str(tmp_path / "home"))
    fetch(tmp_path / "cache" / "data", known)
    assert load_dataset("three", registry=known).folder == tmp_path / "cache" / "data" / "three"
    fetch(tmp_path / "home", known)
    assert load_dataset("three", registry=known).folder == tmp_path / "home" / "three"


def test_an_unknown_name_is_answered_by_the_known_ones():
    for ask in (has_dataset, load_dataset, fetch_dataset):
        with pytest.raises(KeyError, match="esc10"):
            ask("esc-10")


def test_the_register_is_complete_and_names_only_secure_addresses():
    known = read_registry()
    assert set(known) == {"movielens-100k", "lastfm-2k", "esc10", "librosa-examples", "video-examples"}
    for entry in known.values():
        assert entry.licence and entry.citation and entry.address.startswith("https://")
        for file in entry.files.values():
            urls = [*file.urls, *entry.bases, *entry.archives]
            assert urls and all(url.startswith("https://") for url in urls), file.name
            assert len(file.sha256) == 64 and file.size > 0
        assert all(base.endswith("/") for base in entry.bases)
    assert known["movielens-100k"].files["u.data"].md5 == "6e47046882bad158b0efbb84cd5cb987"
    assert len(known["esc10"].files) == 401


def test_the_command_lists_every_data_set_and_fails_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("AVREC_DATA_HOME", str(tmp_path))
    assert command.main(["list"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in read_registry())
    assert command.main(["fetch", "no-such-set"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: no data set named 'no-such-set'") and said.count("\n") == 1


def test_the_command_fetches_and_checks(tmp_path, server, capsys, monkeypatch):
    known = register(tmp_path, server.url)
    for module in ("datasets", "fetching"):
        monkeypatch.setattr(f"avrec_lib.collect.{module}.read_registry", lambda: known)
    assert command.main(["fetch", "three", "--home", str(tmp_path), "--quiet"]) == 0
    told = capsys.readouterr()
    assert "every file checked" in told.out
    assert "licence: CC0" in told.err
    server.spoil["good/README.txt"] = ["404"]
    shutil.rmtree(tmp_path / "three")
    assert command.main(["fetch", "three", "--home", str(tmp_path), "--quiet"]) == 1
    assert "error: three is not complete" in capsys.readouterr().err


def test_movielens_is_read_from_a_few_lines_of_its_format():
    item = "3|Déjà Vu (1995)|01-Jan-1995||http://x|0|1|1\n267|unknown||||1|0|0\n".encode("latin-1")
    contents = {
        "u.genre": b"unknown|0\nAction|1\nSci-Fi|2\n\n",
        "u.item": item,
        "u.user": b"1|24|M|technician|08571\n",
        "u.data": b"196\t3\t4\t881250949\n22\t267\t1\t878887116\n",
        "u1.base": b"1\t3\t5\t874965758\n",
        "u1.test": b"1\t267\t3\t874965759\n",
    }
    tables = movielens_tables(contents)
    items = tables["items"]
    assert items["title"].tolist() == ["Déjà Vu (1995)", "unknown"]
    assert items["genres"].tolist() == ["Action|Sci-Fi", "unknown"]
    assert items["release_date"].isna().tolist() == [False, True]
    assert tables["users"]["zip_code"].tolist() == ["08571"]
    assert tables["interactions"]["user_id"].tolist() == [196, 22]
    assert str(tables["interactions"]["time"].iloc[0]) == "1997-12-04 15:55:49+00:00"


def test_a_matrix_that_lacks_an_artist_is_refused():
    def saved(rows: int) -> bytes:
        stream = io.BytesIO()
        np.save(stream, np.zeros((rows, 2)))
        return stream.getvalue()

    contents = {"lfm2k.inter": b"userID\titemID\trating\tx_label\n0\t2\t1\t0\n", "vggish.npy": saved(2)}
    contents |= {"whisper.npy": saved(3), "all-MiniLM-L6-v2.npy": saved(3)}
    with pytest.raises(ValueError, match=r"vggish.npy has 2 rows, but item 2"):
        lastfm_tables(contents)


def test_a_sound_with_a_strange_name_is_refused():
    with pytest.raises(ValueError, match=r"'001 - Dog bark/dog.ogg' is not named"):
        esc10_tables(["001 - Dog bark/dog.ogg"])


def test_movielens_100k_is_the_published_one(needs_dataset):
    data = load_dataset(needs_dataset("movielens-100k"))
    ratings = check(data.tables["interactions"], "interactions")
    assert (len(ratings), ratings["user_id"].nunique(), ratings["item_id"].nunique()) == (100_000, 943, 1682)
    assert ratings["value"].value_counts().sort_index().tolist() == [6110, 11370, 27145, 34174, 21201]
    assert (len(data.tables["fold1_train"]), len(data.tables["fold1_test"])) == (80_000, 20_000)
    assert data.tables["items"].shape == (1682, 24)
    assert data.tables["items"]["title"].str.contains("é").any()
    together = {tuple(row) for part in ("fold1_train", "fold1_test") for row in data.tables[part].to_numpy().tolist()}
    assert together == {tuple(row) for row in ratings.to_numpy().tolist()}


def test_lastfm_2k_has_its_fixed_split_and_a_row_for_every_artist(needs_dataset):
    data = load_dataset(needs_dataset("lastfm-2k"))
    table = data.tables["interactions"]
    assert (len(table), table["user_id"].nunique(), table["item_id"].nunique()) == (56_345, 1858, 1425)
    assert set(table["part"]) == {"train", "validation", "test"}
    assert {name: matrix.shape for name, matrix in data.arrays.items()} == {
        "whisper": (1425, 512),
        "vggish": (1425, 128),
        "minilm": (1425, 384),
    }
    assert all(matrix.dtype == np.float32 and np.isfinite(matrix).all() for matrix in data.arrays.values())


def test_esc10_has_forty_clips_a_class_and_keeps_a_recording_in_one_fold(needs_dataset):
    clips = load_dataset(needs_dataset("esc10")).tables["clips"]
    assert clips.groupby("category").size().tolist() == [40] * 10
    assert clips.groupby("label")["category"].nunique().tolist() == [1] * 10
    assert clips.groupby(["fold", "label"]).size().tolist() == [8] * 50
    assert clips.groupby("source")["fold"].nunique().max() == 1


def test_the_recordings_come_with_their_licences(needs_dataset):
    clips = load_dataset(needs_dataset("librosa-examples")).tables["clips"]
    assert len(clips) == 9
    assert clips["about"].str.contains("CC|[Pp]ublic|creativecommons").all()


def test_the_videos_are_the_pinned_ones(needs_dataset):
    files = load_dataset(needs_dataset("video-examples")).files
    assert set(files) == {"big_buck_bunny_0_30.webm", "nasa_13013.mp4", "car-detection.mp4", "corrupted.mp4"}
