"""What runs again, what does not, and what a killed, second or starved build leaves."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

SMOKE = ("book", "--profile", "smoke")


def pages(root: Path) -> dict[str, str]:
    """Hash every built file; the search index is ordered by the run, so its bytes do not count."""
    html = root / "_build" / "html-smoke"
    return {
        path.relative_to(html).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(html.rglob("*"))
        if path.is_file() and path.name not in (".avrec-stamp.json", "searchindex.js")
    }


def test_a_book_is_built_from_what_papermill_wrote(recorded_book):
    said = recorded_book.run(*SMOKE)
    assert "built in" in said
    assert "Twice the number is" in recorded_book.page("chapters/01_first.html")
    assert ">42<" in recorded_book.page("chapters/01_first.html").replace("\n", "")
    assert "twice-the-number" in recorded_book.page("book/ledger.html")


def test_only_what_changed_runs_again(recorded_book):
    book = recorded_book
    assert "0 to run" in book.run(*SMOKE)
    said = book.run(*SMOKE)
    assert "0 to run" in said and "nothing changed" in said, "a second build did something"

    os.utime(book.root / "avrec_lib" / "match" / "top_k.py")
    assert "0 to run" in book.run(*SMOKE), "a new date is not a new content"

    book.edit("chapters/02_second.md", "There are", "We count")
    said = book.run(*SMOKE)
    assert "1 to run" in said and "02_second: ran" in said
    assert "We count" in book.page("chapters/02_second.html")

    path = book.root / "avrec_lib" / "match" / "top_k.py"
    path.write_text(path.read_text() + "# changed\n")
    assert "01_first: ran" in (said := book.run(*SMOKE)) and "1 to run" in said, "a direct import decides"

    path = book.root / "avrec_lib" / "evaluate" / "uncertainty.py"
    path.write_text(path.read_text() + "# changed\n")
    assert "2 to run" in book.run(*SMOKE), "an indirect import decides"

    path = book.root / "avrec_lib" / "publish" / "prose.py"
    path.write_text(path.read_text() + "# changed\n")
    assert "0 to run" in book.run(*SMOKE), "a module that no chapter imports decides nothing"


def test_a_fresh_clone_with_the_same_cache_runs_nothing(recorded_book):
    clone = recorded_book.root.parent / "clone"
    shutil.copytree(recorded_book.root, clone, ignore=shutil.ignore_patterns("_build"))
    other = type(recorded_book)(clone)
    said = other.run(*SMOKE, AVREC_CACHE=str(recorded_book.root / "_build" / "cache"))
    assert "0 to run" in said and "built in" in said


def test_a_damaged_kept_run_is_run_again(recorded_book):
    kept = sorted((recorded_book.root / "_build" / "cache" / "executed").glob("*/notebook.ipynb"))
    kept[0].write_text(kept[0].read_text().replace("First", "Forged").replace("Second", "Forged"))
    said = recorded_book.run(*SMOKE)
    assert "damaged" in said and "1 to run" in said
    assert "Forged" not in recorded_book.page("chapters/01_first.html")


def test_a_second_build_in_one_checkout_says_so_and_stops(recorded_book):
    with (recorded_book.root / "_build" / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = recorded_book.run(*SMOKE, status=1)
    assert "another build is running" in said and len(said.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("sign", "wait"), [("chapters:", 0.0), ("chapters:", 2.0), ("cell", 0.0), ("pages", 0.2), ("pages", 1.8)]
)
def test_killed_in_any_stage_the_next_build_ends_with_the_same_book(recorded_book, sign, wait):
    book = recorded_book
    book.run(*SMOKE)
    whole = pages(book.root)
    shutil.rmtree(book.root / "_build" / "html-smoke")
    if sign != "pages":
        shutil.rmtree(book.root / "_build" / "cache" / "executed")
    process = book.start(*SMOKE)
    said = ""
    while sign not in said:
        piece = process.stdout.read(1)
        assert piece, f"the build ended before {sign!r}: {said}"
        said += piece
    time.sleep(wait)
    process.send_signal(signal.SIGKILL)
    process.wait()
    html = book.root / "_build" / "html-smoke"
    assert not html.exists() or pages(book.root) == whole, "half a book stands in the place of a whole one"
    book.run(*SMOKE)
    assert pages(book.root) == whole


@pytest.mark.parametrize(
    ("sign", "wait"),
    [("chapters:", 0.0), ("01_first:", 0.0), ("01_first:", 4.0)],
    ids=["before the queue", "before its process is up", "while it runs"],
)
def test_ctrl_c_ends_what_runs_and_drops_what_waits(small_book, sign, wait):
    small_book.edit("chapters/01_first.md", "made = double", "import time\ntime.sleep(60)\nmade = double")
    process = small_book.start(*SMOKE, "--jobs", "1")
    said = ""
    while sign not in said:
        piece = process.stdout.read(1)
        assert piece, f"the build ended early: {said}"
        said += piece
    time.sleep(wait)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 130 and "stopped; the next call goes on from here" in rest
    assert not list((small_book.root / "_build" / "cache" / "executed").glob("*/run.json")), "the queue went on"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_build_that_is_ended_takes_with_it_what_its_kernels_started(small_book, tmp_path, how):
    note = tmp_path / "note"
    small_book.edit(
        "chapters/01_first.md",
        "made = double(number=21)\n",
        "import subprocess\nimport time\nfrom pathlib import Path\n\nmade = double(number=21)\n"
        f"Path({str(note)!r}).write_text(f\"{{subprocess.Popen(['sleep', '600']).pid}}\\n\")\ntime.sleep(600)\n",
    )
    process = small_book.start(*SMOKE)
    while not (note.exists() and note.read_text().endswith("\n")):
        assert process.poll() is None
        time.sleep(0.05)
    started = psutil.Process(int(note.read_text()))
    process.send_signal(how)
    process.wait(timeout=20)
    _, left = psutil.wait_procs([started], timeout=10)
    for one in left:
        one.kill()
    assert not left


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (("book", "--profile", "huge"), "there is no profile 'huge'; choose one of: smoke, full"),
        (("chapter", "99"), "there is no chapter '99'; there are: 01_first, 02_second"),
        (("serve", "--profile", "smoke"), "there is no book in"),
    ],
)
def test_a_wrong_word_ends_in_one_clear_line(small_book, words, sign):
    said = small_book.run(*words, status=1)
    assert sign in said and len(said.strip().splitlines()) == 1


def test_one_chapter_and_its_page_are_built_alone(recorded_book):
    said = recorded_book.run("chapter", "2", "--profile", "smoke")
    page = recorded_book.root / "_build" / "chapter" / "02_second" / "html" / "chapters" / "02_second.html"
    assert page.exists() and str(page) in said
    assert not (page.parent / "01_first.html").exists()


def test_another_seed_is_built_and_not_held_against_the_record(recorded_book):
    recorded_book.edit("chapters/01_first.md", "number=21", "number=seed")
    assert "differ" in recorded_book.run(*SMOKE, status=1)
    said = recorded_book.run(*SMOKE, "--seed", "8")
    assert "built in" in said and "2 to run" in said, "another seed took the kept run of this one"
    assert "16" in recorded_book.page("chapters/01_first.html")


def test_what_a_chapter_leaves_behind_ends_with_its_run(small_book, tmp_path):
    note = tmp_path / "note"
    small_book.edit(
        "chapters/01_first.md",
        "made = double(number=21)\n",
        "import subprocess\nimport tempfile\nfrom pathlib import Path\n\nmade = double(number=21)\n"
        "left = tempfile.mkdtemp(), subprocess.Popen(['sleep', '600']).pid\n"
        f"Path({str(note)!r}).write_text(f'{{left[0]}}\\n{{left[1]}}')\n",
    )
    small_book.run("claims", "--profile", "smoke", "--record")
    folder, number = note.read_text().splitlines()
    assert not Path(folder).exists()
    with contextlib.suppress(psutil.NoSuchProcess):
        assert psutil.Process(int(number)).status() == psutil.STATUS_ZOMBIE


def test_a_chapter_finds_room_for_its_sockets_however_long_the_name_of_the_cache(small_book, tmp_path):
    short = Path(tempfile.mkdtemp(dir="/tmp"))  # what pytest makes may be too long itself
    note = tmp_path / "note"
    small_book.edit(
        "chapters/01_first.md",
        "made = double(number=21)\n",
        "from multiprocessing.connection import Listener\nfrom pathlib import Path\n\nmade = double(number=21)\n"
        "with Listener(family='AF_UNIX') as listener:\n"
        f"    Path({str(note)!r}).write_text(listener.address)\n",
    )
    try:
        for folder in (short / "c", short / ("a" * 100) / ("long " * 20)):
            small_book.run("claims", "--profile", "smoke", "--record", AVREC_CACHE=str(folder), TMPDIR=str(short))
            address = Path(note.read_text())
            assert (folder in address.parents) == (folder.name == "c")
            assert not address.parent.exists() and not list(short.glob("avrec-*"))
    finally:
        shutil.rmtree(short)


def _can_mount() -> bool:
    return subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("unshare") is None or not _can_mount(),
    reason="a full disk is made with a small tmpfs in a mount namespace, which this machine does not allow",
)
def test_a_full_disk_ends_in_one_clear_line(small_book, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        f"mount -t tmpfs -o size=24k none '{disk}' && exec '{sys.executable}' -m avrec_lib.publish book --profile smoke"
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=small_book.root,
        env=small_book.environment(AVREC_CACHE=str(disk / "cache"), TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("avrec: the disk") and "free some space" in last, done.stderr
