"""Taking in logs: nothing lost, nothing twice, whatever happens in between; memory that does not grow."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avrec_lib.collect import log_store
from avrec_lib.collect.log import LogLimits, ingest
from avrec_lib.collect.log_store import read_sources
from avrec_lib.collect.query import open_events, read_events
from avrec_lib.tables import check

START = pd.Timestamp("2026-01-05", tz="UTC")


def make_lines(count, begin=0, every=600):
    return [
        json.dumps(
            {
                "user_id": f"u{n % 7}",
                "kind": "click",
                "time": (START + pd.Timedelta(seconds=n * every)).isoformat(),
                "session_id": "s1",
                "clip_id": f"c{n}",
            }
        ).encode()
        for n in range(begin, begin + count)
    ]


def write(path, lines):
    content = b"".join(line + b"\n" for line in lines)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def clips_in(folder):
    return read_events(folder)["clip_id"].tolist()


def names(count, begin=0):
    return [f"c{n}" for n in range(begin, begin + count)]


def test_events_come_back_in_the_order_of_arrival_from_files_by_day(tmp_path):
    lines = make_lines(500)
    shuffled = np.random.default_rng(0).permutation(500)
    paths = [write(tmp_path / "b.ndjson", [lines[n] for n in shuffled[:250]])]
    paths += [write(tmp_path / "a.ndjson.gz", [lines[n] for n in shuffled[250:]])]
    report = ingest(paths, tmp_path / "log", progress=False)
    events = check(read_events(tmp_path / "log"), "events")
    assert events["clip_id"].tolist() == [f"c{n}" for n in shuffled]
    assert (report.read, report.kept, report.by_reason.sum()) == (500, 500, 0)
    days = sorted(path.name for path in (tmp_path / "log").glob("day=*"))
    assert days == [f"day=2026-01-0{n}" for n in range(5, 9)]
    for path in (tmp_path / "log").glob("day=*/*.parquet"):
        dates = set(pd.Series(pq.ParquetFile(path).read()["time"].to_pandas()).dt.strftime("day=%Y-%m-%d"))
        assert dates == {path.parent.name}
    open_events(tmp_path / "log").execute("SELECT count(*) FROM events").fetchall()


def test_bad_lines_are_kept_aside_with_file_line_reason_and_words(tmp_path):
    lines = [*make_lines(2), b"\xff\xfe", *make_lines(1), b'{"user_id":"<script>"', b"", *make_lines(1)]
    report = ingest([write(tmp_path / "x.ndjson", lines)], tmp_path / "log", progress=False)
    bad = report.quarantined
    assert bad[["file", "line", "reason", "raw"]].to_numpy().tolist() == [
        ["x.ndjson", 3, "not UTF-8", "\\xff\\xfe"],
        ["x.ndjson", 5, "cut line", '{"user_id":"<script>"'],
        ["x.ndjson", 6, "empty line", ""],
    ]
    assert report.by_reason.to_dict() == {"not UTF-8": 1, "cut line": 1, "empty line": 1}
    assert (report.read, report.kept) == (7, 4)
    on_disk = [json.loads(row) for path in (tmp_path / "log" / "quarantine").iterdir() for row in path.open()]
    assert [row["line"] for row in on_disk] == [3, 5, 6]


def test_unknown_people_and_clips_and_times_outside_the_limits_are_set_aside(tmp_path):
    path = write(tmp_path / "x.ndjson", make_lines(10))
    limits = LogLimits(earliest=START + pd.Timedelta("10min"), latest=START + pd.Timedelta("80min"))
    report = ingest(
        [path],
        tmp_path / "log",
        known_users=[f"u{n}" for n in range(6)],
        known_clips=names(5),
        limits=limits,
        progress=False,
    )
    # c6 is of u6 and of no known clip; the person is looked at first.
    clip, user = "unknown clip", "unknown user"
    reasons = {1: "time out of range", 6: clip, 7: user, 8: clip, 9: clip, 10: clip}
    assert report.quarantined.set_index("line")["reason"].to_dict() == reasons
    assert clips_in(tmp_path / "log") == names(4, 1)


def test_a_file_is_taken_in_once_under_whatever_name(tmp_path):
    path = write(tmp_path / "x.ndjson", make_lines(10))
    first = ingest([path, path], tmp_path / "log", progress=False)
    path.rename(tmp_path / "rotated.1")
    second = ingest([tmp_path / "rotated.1"], tmp_path / "log", progress=False)
    assert (len(first.sources), first.skipped, second.read, second.skipped) == (1, ["x.ndjson"], 0, ["rotated.1"])
    assert clips_in(tmp_path / "log") == names(10)


def test_a_file_that_has_grown_takes_the_place_of_its_shorter_self(tmp_path):
    lines = make_lines(30)
    path, other = tmp_path / "x.ndjson", write(tmp_path / "y.ndjson", make_lines(5, begin=100))
    path.write_bytes(b"\n".join(lines[:10]) + b"\n" + lines[10][:20])  # read while a line was being written
    ingest([path, other], tmp_path / "log", progress=False)
    assert clips_in(tmp_path / "log") == names(10) + names(5, 100)
    early = tmp_path / "early.copy"
    early.write_bytes(path.read_bytes())
    for stop in (20, 30):
        report = ingest([write(path, lines[:stop])], tmp_path / "log", progress=False)
        assert report.read == stop
        assert clips_in(tmp_path / "log") == names(stop) + names(5, 100)
    assert ingest([early], tmp_path / "log", progress=False).skipped == ["early.copy"]
    assert clips_in(tmp_path / "log") == names(30) + names(5, 100)
    assert len(list((tmp_path / "log" / "sources").glob("*.json"))) == 2
    assert not list((tmp_path / "log" / "quarantine").iterdir())


def test_a_new_file_of_the_same_name_replaces_nothing(tmp_path):
    ingest([write(tmp_path / "x.ndjson", make_lines(5))], tmp_path / "log", progress=False)
    ingest([write(tmp_path / "x.ndjson", make_lines(5, begin=5))], tmp_path / "log", progress=False)
    assert clips_in(tmp_path / "log") == names(10)


class KilledError(BaseException):
    """Not an Exception: nothing may catch it."""


RENAME = Path.replace


class Dying:
    """Renames files, and dies before or after the one of a number; every step of taking in ends in a renaming."""

    def __init__(self, step, moment):
        self.step, self.moment, self.at = step, moment, -1

    def __call__(self, path, target):
        self.at += 1
        if (self.at, self.moment) == (self.step, "before"):
            raise KilledError
        done = RENAME(path, target)
        if (self.at, self.moment) == (self.step, "after"):
            raise KilledError
        return done


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_any_step_and_called_again_nothing_is_lost_or_doubled(tmp_path, monkeypatch, moment):
    monkeypatch.setattr(log_store, "_BUFFERED_ROWS", 40)
    paths = [write(tmp_path / "a.ndjson", make_lines(60)), write(tmp_path / "b.gz", [b"?", *make_lines(60, begin=60)])]
    seen = []
    for step in range(100):
        folder = tmp_path / f"log-{step}"
        dying = Dying(step, moment)
        monkeypatch.setattr(Path, "replace", lambda path, target, dying=dying: dying(path, target))
        try:
            ingest(paths, folder, progress=False)
            break
        except KilledError:
            monkeypatch.setattr(Path, "replace", RENAME)
        seen.append(len(read_events(folder)))  # what is there meanwhile is whole files
        report = ingest(paths, folder, progress=False)
        assert clips_in(folder) == names(120), f"killed {moment} step {step}"
        assert len(report.sources) + len(report.skipped) == 2
        assert not list(folder.rglob("*.unfinished"))
        there = {path.relative_to(folder).as_posix() for path in folder.glob("day=*/*")}
        assert there == {name for source in read_sources(folder) for name in source.files}
    assert len(seen) > 4 and sorted(set(seen)) == ([0, 60] if moment == "before" else [0, 60, 120])


def test_what_a_kill_left_behind_is_gone_even_if_that_file_never_comes_again(tmp_path, monkeypatch):
    dying = Dying(1, "after")
    monkeypatch.setattr(Path, "replace", lambda path, target: dying(path, target))
    with pytest.raises(KilledError):
        ingest([write(tmp_path / "a.ndjson", make_lines(300))], tmp_path / "log", progress=False)
    monkeypatch.setattr(Path, "replace", RENAME)
    left = set((tmp_path / "log").rglob("*.parquet*"))
    ingest([write(tmp_path / "b.ndjson", make_lines(3))], tmp_path / "log", progress=False)
    assert left and not left & set((tmp_path / "log").rglob("*"))
    assert not list((tmp_path / "log").rglob("*.unfinished"))


def test_a_real_kill_costs_at_most_the_file_at_work(tmp_path):
    paths = [write(tmp_path / f"{n}.ndjson", make_lines(4_000, begin=n * 4_000, every=60)) for n in range(12)]
    words = f"from avrec_lib.collect.log import ingest; ingest({[str(p) for p in paths]}, {str(tmp_path / 'log')!r})"
    child = subprocess.Popen([sys.executable, "-c", words], env={**os.environ, "TQDM_DISABLE": "1"})
    records = tmp_path / "log" / "sources"
    deadline = time.monotonic() + 60
    while not list(records.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    before = len(read_events(tmp_path / "log"))
    assert before % 4_000 == 0 and 0 < before < 48_000
    report = ingest(paths, tmp_path / "log", progress=False)
    assert report.read == 48_000 - before
    assert clips_in(tmp_path / "log") == names(48_000)


def test_two_at_once_take_each_file_in_once(tmp_path):
    paths = [write(tmp_path / f"{n}.ndjson", make_lines(500, begin=n * 500)) for n in range(6)]
    words = f"from avrec_lib.collect.log import ingest; ingest({[str(p) for p in paths]}, {str(tmp_path / 'log')!r})"
    children = [
        subprocess.Popen([sys.executable, "-c", words], env={**os.environ, "TQDM_DISABLE": "1"}, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [child.wait() for child in children] == [0, 0]
    for child in children:
        child.stdout.close()
    assert clips_in(tmp_path / "log") == names(3_000)


def test_what_others_put_into_the_folder_is_left_alone(tmp_path):
    path = write(tmp_path / "x.ndjson", make_lines(5))
    ingest([path], tmp_path / "log", progress=False)
    notes = [tmp_path / "log" / "day=2026-01-05" / "notes.txt", tmp_path / "log" / "quarantine" / "todo.txt"]
    for note in notes:
        note.write_text("mine")
    ingest([write(path, make_lines(9))], tmp_path / "log", progress=False)
    assert all(note.read_text() == "mine" for note in notes)


@pytest.mark.parametrize("name", ["plain", "packed.gz"])
def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch, name):
    monkeypatch.setattr(log_store, "_BUFFERED_ROWS", 5_000)
    block = make_lines(10_000, every=30)
    most = []
    for times in (1, 2, 6):  # the first is to warm up
        lines = [line.replace(b': "u', b': "u%d-' % (times * 10 + n)) for n in range(times) for line in block]
        path = write(tmp_path / f"{times}-{name}", lines)
        del lines
        outer, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
        pa.set_memory_pool(pool)
        tracemalloc.start()
        try:
            assert ingest([path], tmp_path / "log", progress=False).kept == times * 10_000
            most.append((pool.max_memory() / 1e6, tracemalloc.get_traced_memory()[1] / 1e6))
        finally:
            tracemalloc.stop()
            pa.set_memory_pool(outer)
    _, small, large = most
    for what, less, more in zip(("Arrow", "Python"), small, large, strict=True):
        assert more < 1.25 * less + 0.5, f"{what}: {less:.1f} MB, and {more:.1f} MB for three times the lines"


@pytest.mark.parametrize("name", ["absent.ndjson", "."])
def test_a_path_that_is_no_file_is_named_before_anything_is_done(tmp_path, name):
    good = write(tmp_path / "x.ndjson", make_lines(1))
    with pytest.raises(FileNotFoundError, match="is not a file; nothing was taken in"):
        ingest([good, tmp_path / name], tmp_path / "log", progress=False)
    assert not (tmp_path / "log").exists()


def test_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(ValueError, match="form must be one of 'json', 'server'"):
        ingest([], tmp_path, form="xml")


def test_a_copy_of_a_record_is_refused_and_strangers_files_are_left_alone(tmp_path):
    log = tmp_path / "log"
    first = write(tmp_path / "x.ndjson", make_lines(1))
    ingest([first], log, progress=False)
    notes = log / "sources" / "notes.json.txt"
    notes.write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (log / "day=2001-01-01").symlink_to(tmp_path / "elsewhere")
    ingest([first, write(tmp_path / "y.ndjson", make_lines(2))], log, progress=False)
    assert notes.read_text() == "mine" and (log / "day=2001-01-01").is_symlink()
    record = next((log / "sources").glob("*.json"))
    record.with_stem(f"{record.stem} copy").write_bytes(record.read_bytes())
    with pytest.raises(ValueError, match=r"copy\.json: the record of a source is named by its hash"):
        read_events(log)


def test_a_damaged_record_is_named(tmp_path):
    ingest([write(tmp_path / "x.ndjson", make_lines(1))], tmp_path / "log", progress=False)
    (record,) = (tmp_path / "log" / "sources").glob("*.json")
    record.write_text('{"number": 1')
    with pytest.raises(ValueError, match=rf"{record.name}: the record of a source is damaged"):
        read_events(tmp_path / "log")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"line_bytes": 0}, "line_bytes must be more than 0"),
        ({"ratio": -1.0}, "ratio must be more than 0"),
        ({"latest": pd.Timestamp("2026-01-01")}, "latest needs a time zone"),
        ({"latest": pd.Timestamp("1990-01-01", tz="UTC")}, "must be before latest"),
    ],
)
def test_limits_that_are_none_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        LogLimits(**changes)
