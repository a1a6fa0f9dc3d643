"""Hostile logs: each ends in rows that are sound and lines that are set aside with a reason, soon, in little memory."""

import bz2
import gzip
import json
import os
import time
import zlib

import hypothesis.strategies as st
import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings

from avrec_lib.collect.event import decode_events
from avrec_lib.collect.event_schema import find_faults
from avrec_lib.collect.lines import DamagedLogError, LogLimits, read_blocks
from avrec_lib.collect.log import ingest
from avrec_lib.collect.query import open_events, read_events
from avrec_lib.tables import check

GOOD = (
    b'{"user_id":"u1","kind":"watch","time":"2026-01-05T12:00:00Z","session_id":"s1","clip_id":"c1",'
    b'"watch_seconds":2.5}'
)
ACCESS = b'203.0.113.9 - u1 [05/Jan/2026:00:07:06 +0100] "GET /clips/c1?slot=5&sid=s1 HTTP/1.1" 200 51 "-" "Me"'
SOON = 5.0


def taken(path, folder, **options):
    """Take a file in, and check what must hold whatever it is; return the report and the rows."""
    began, before = time.monotonic(), psutil.Process().memory_info().rss
    report = ingest([path], folder, progress=False, **options)
    assert time.monotonic() - began < SOON
    assert psutil.Process().memory_info().rss - before < 200e6
    events = check(read_events(folder), "events")
    bad = report.quarantined
    told = int(report.by_reason.sum())
    kept_aside = sum(file.stat().st_size for file in (folder / "quarantine").glob("*"))
    assert len(bad) == told or (len(bad) < told and kept_aside >= 1_000_000)  # beyond that they are counted only
    assert report.read == report.kept + told and report.kept == len(events)
    assert bad["reason"].ne("").all() and bad["detail"].ne("").all() and (bad["raw"].str.len() <= 8_000).all()
    assert (
        open_events(folder, threads=1).execute("SELECT count(*), count(time) FROM events").fetchone()
        == (len(events),) * 2
    )
    assert np.isfinite(events[["watch_seconds", "value", "propensity"]].astype("float64").fillna(0)).all(axis=None)
    assert ingest([path], folder, progress=False, **options).read == 0
    return report, events


def spoil(line, rng):
    """Do one random evil to a line."""
    at, to = sorted(rng.integers(0, len(line) + 1, 2).tolist())
    number = rng.choice(
        [b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"-0", b"0x10", b"1_000", b"+1", b".5", b"1.", b"007"]
    )
    word = rng.choice(
        [b"null", b"[]", b"{}", b'""', b"true", b'"\\ud800"', b'"\\u0000"', b'"\\udead\\ubeef"', b'"\xc0\x80"']
    )
    ways = [
        lambda: line[:at] + line[to:],
        lambda: line[:at] + line[at:to] * 3 + line[to:],
        lambda: line[:at] + rng.bytes(to - at) + line[to:],
        lambda: line[:at] + bytes([rng.integers(256)]) + line[at + 1 :],
        lambda: line.replace(b"2.5", number),
        lambda: line.replace(b'"c1"', word),
        lambda: line.replace(b'"u1"', word),
        lambda: line[:-1] + b',"position":' + number + b"}",
        lambda: line[:-1] + b',"text":' + word + b"}",
        lambda: line[:-1] + b',"clip_id" : "c2"}',
        lambda: line[:-1] + b',"x":' + b'{"a":' * int(rng.integers(1, 5000)) + b"1",
        lambda: line.replace(
            b"2026-01-05T12:00:00Z", rng.choice([b"0000-01-01T00:00:00Z", b"2026-13-01T00:00:00Z", b"1e9"])
        ),
        lambda: line.replace(
            b"Z", rng.choice([b"", b"+99:99", b"-00:00", b"z", b"[Europe/Paris]", b".9999999999999Z"])
        ),
        lambda: line.decode().encode(str(rng.choice(["utf-16", "utf-32", "utf-8-sig", "cp037"]))),
        lambda: line.replace(b'"', b"'"),
        lambda: line + line,
        lambda: rng.permutation(np.frombuffer(line, dtype=np.uint8)).tobytes(),
        lambda: b"\0" * int(rng.integers(1, 2000)),
    ]
    return ways[rng.integers(len(ways))]()


@pytest.mark.parametrize("seed", range(60))
def test_spoiled_lines_harm_no_line_beside_them(tmp_path, seed):
    rng = np.random.default_rng([seed, 5])
    lines = [GOOD if n % 3 == 0 else spoil(GOOD, rng) for n in range(60)]
    path = tmp_path / ("x.gz" if seed % 2 else "x.ndjson")
    content = b"\n".join(lines)
    path.write_bytes(gzip.compress(content) if seed % 2 else content)
    report, events = taken(path, tmp_path / "log")
    assert report.read == len((content[:-1] if content.endswith(b"\n") else content).split(b"\n"))
    untouched = events[(events["user_id"] == "u1") & (events["clip_id"] == "c1") & (events["watch_seconds"] == 2.5)]
    assert len(untouched) >= 20 and len(report.quarantined) > 0


@pytest.mark.parametrize("seed", range(24))
def test_spoiled_lines_of_a_server_harm_no_line_beside_them(tmp_path, seed):
    rng = np.random.default_rng([seed, 6])
    content = b"\n".join(ACCESS if n % 3 == 0 else spoil(ACCESS, rng) for n in range(60))
    (tmp_path / "x").write_bytes(content)
    report, events = taken(tmp_path / "x", tmp_path / "log", form="server")
    assert (events["user_id"] == "u1").sum() >= 20 and len(report.quarantined) > 0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([GOOD, b"{}", b'{"user_id":', b"\xef\xbb\xbf" + GOOD]), max_size=9
    )
)
def test_any_bytes_are_either_events_or_bad(lines):
    lines = [line.replace(b"\n", b"") for line in lines]
    decoded = decode_events(lines)
    assert sorted([*decoded.rows.tolist(), *(bad.row for bad in decoded.bad)]) == list(range(len(lines)))
    assert len(decoded.events) == decoded.table.num_rows == len(decoded.rows)
    assert {row for row, line in enumerate(lines) if line == GOOD} <= set(decoded.rows.tolist())


KEYS = st.sampled_from(["user_id", "kind", "time", "session_id", "clip_id", "watch_seconds", "text", "us\\u0065r_id"])
GAPS = st.sampled_from(["", "", " ", "\t", "\r"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(KEYS, GAPS, st.booleans()), max_size=4), st.sampled_from(["", '\\":', ' \\" :', "null"]))
def test_no_repeated_key_slips_through(extra, text):
    value = {"user_id": '"u1"', "us\\u0065r_id": '"u1"', "kind": '"watch"', "watch_seconds": "1", "clip_id": '"c1"'}
    value |= {"time": '"2026-01-05T12:00:00Z"', "session_id": '"s1"', "text": f'"{text}"'}
    pairs = [
        f'"{key}"{gap}:{"null" if null and key in ("clip_id", "text") else value[key]}' for key, gap, null in extra
    ]
    line = GOOD[:-1] + "".join("," + pair for pair in pairs).encode() + b"}"
    keys = json.loads(line, object_pairs_hook=lambda pairs: [key for key, _ in pairs])
    reasons = [bad.reason for bad in decode_events([line]).bad]
    assert reasons == (["repeated key"] if len(set(keys)) < len(keys) else [])


def bomb(size, level=9):
    pack = zlib.compressobj(level, wbits=31)
    block = b"\0" * (1 << 20)
    return b"".join(pack.compress(block) for _ in range(size >> 20)) + pack.flush()


LONG = GOOD[:-1] + b',"text":"' + b"a" * 200_000 + b'"}'
PLAIN = GOOD + b"\n"
FILES = {
    "empty": (b"", 0, None),
    "one-newline": (b"\n", 0, "empty line"),
    "no-newline-at-the-end": (PLAIN + GOOD, 2, None),
    "byte-order-mark": (b"\xef\xbb\xbf" + PLAIN, 1, None),
    "windows-line-ends": (GOOD + b"\r\n" + GOOD + b"\r\n", 2, None),
    "old-mac-line-ends": (GOOD + b"\r" + GOOD + b"\r", 0, "not JSON"),
    "line-too-long": (PLAIN + LONG + b"\n" + PLAIN, 2, "line too long"),
    "line-of-many-megabytes": (PLAIN + b"[" * 9_000_000 + b"\n" + PLAIN, 2, "line too long"),
    "line-without-end": (PLAIN + b"x" * 9_000_000, 1, "line too long"),
    "too-long-at-the-end-of-a-block": (PLAIN + b"x" * ((1 << 20) - len(PLAIN)) + b"\n" + PLAIN, 2, "line too long"),
    "two-long-lines": (LONG + b"\n" + LONG * 7 + b"\n" + PLAIN, 1, "line too long"),
    "gzip": (gzip.compress(PLAIN * 2), 2, None),
    "gzip-in-two-members": (gzip.compress(PLAIN) + gzip.compress(PLAIN), 2, None),
    "gzip-member-ends-within-a-line": (gzip.compress(PLAIN + GOOD[:20]) + gzip.compress(GOOD[20:] + b"\n"), 2, None),
    "gzip-padded-with-zeros": (gzip.compress(PLAIN) + b"\0" * 512, 1, None),
    "gzip-of-nothing": (gzip.compress(b""), 0, None),
    "gzip-cut-short": (gzip.compress(PLAIN * 2, 0)[:-60], 1, "damaged archive"),
    "gzip-header-only": (gzip.compress(PLAIN)[:8], 0, "damaged archive"),
    "gzip-magic-only": (b"\x1f\x8b", 0, "damaged archive"),
    "gzip-wrong-checksum": (gzip.compress(PLAIN)[:-8] + b"\0" * 8, 0, "damaged archive"),
    "gzip-garbage-inside": (gzip.compress(b"")[:10] + b"\xff" * 100, 0, "damaged archive"),
    "gzip-garbage-after": (gzip.compress(PLAIN) + b"garbage", 1, "damaged archive"),
    "gzip-in-gzip": (gzip.compress(gzip.compress(PLAIN)), 0, "not UTF-8"),
    "gzip-bomb": (bomb(300 << 20), 0, "too large"),
    "gzip-bomb-after-a-line": (gzip.compress(PLAIN) + bomb(300 << 20), 1, "too large"),
    "gzip-bomb-of-empty-lines": (gzip.compress(b"\n" * (40 << 20)), 0, "too many bad lines"),
    "bzip2": (bz2.compress(PLAIN), 0, "not UTF-8"),
    "parquet-by-mistake": (b"PAR1\x15\x04\x15" + bytes(range(256)) * 4, 0, "not UTF-8"),
    "one-array-of-events": (b"[" + GOOD + b",\n" + GOOD + b"]", 0, "not an object"),
    "pretty-printed": (json.dumps(json.loads(GOOD), indent=1).encode(), 0, "cut line"),
    "utf-16": ((PLAIN * 2).decode().encode("utf-16"), 0, "not UTF-8"),
    "concatenated-without-newlines": (GOOD * 50, 0, "not JSON"),
    "control-characters": (PLAIN + b"\x00\x1b[2J\x07\n", 1, "not JSON"),
    "deep-nesting": (PLAIN + b'{"a":' * 12_000 + b"\n" + b"[" * 60_000 + b"\n", 1, "unknown field"),
    "thousands-of-keys": (b"{" + b",".join(b'"k%d":1' % n for n in range(5_000)) + b"}\n" + PLAIN, 1, "unknown field"),
    "every-key-a-thousand-times": (GOOD[:-1] + b',"kind":"watch"' * 3_000 + b"}\n" + PLAIN, 1, "repeated key"),
    "names-of-paths": (PLAIN + GOOD.replace(b"u1", b"../../etc/passwd") + b"\n", 1, "bad id"),
    "markup": (PLAIN + GOOD.replace(b'"u1"', b'"<script>alert(1)</script>"') + b"\n", 1, "bad id"),
    "sql": (PLAIN + GOOD.replace(b'"u1"', b'"\';DROP--"') + b"\n", 1, "bad id"),
}


@pytest.mark.timeout(30)  # unpacking a bomb to its end takes minutes
@pytest.mark.parametrize("case", FILES)
def test_a_strange_file_ends_in_rows_and_reasons(tmp_path, case):
    content, kept, reason = FILES[case]
    path = tmp_path / "x"
    path.write_bytes(content)
    limits = LogLimits(ratio=100.0, bad_lines=10_000)
    report, events = taken(path, tmp_path / "log", limits=limits)
    assert len(events) == kept
    assert (reason in report.by_reason.index) if reason else report.quarantined.empty


def test_blank_lines_in_a_small_archive_cannot_fill_the_disk(tmp_path):
    (tmp_path / "x").write_bytes(gzip.compress(b"\n" * (1 << 17)))  # 150 bytes, and 13 MB of reasons
    report, _ = taken(tmp_path / "x", tmp_path / "log", limits=LogLimits(bad_lines=1 << 30))
    assert report.by_reason.sum() == 1 << 17

    limits = LogLimits(bad_lines=100_000)
    report, _ = taken(tmp_path / "x", tmp_path / "other", limits=limits)
    assert report.quarantined["reason"].iloc[-1] == "too many bad lines"  # what ended the reading is always told
    assert sum(path.stat().st_size for path in (tmp_path / "log").rglob("*") if path.is_file()) < 1_200_000


def test_lines_are_numbered_as_an_editor_numbers_them_around_long_ones(tmp_path):
    (tmp_path / "x").write_bytes(PLAIN + b"?\n" + LONG * 20 + b"\n" + PLAIN + b"?\n" + b"y" * 70_000 + b"\n?")
    report, _ = taken(tmp_path / "x", tmp_path / "log")
    assert report.quarantined[["line", "reason"]].to_numpy().tolist() == [
        [2, "not JSON"], [3, "line too long"], [5, "not JSON"], [6, "line too long"], [7, "not JSON"],
    ]  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 90), max_size=30), st.booleans(), st.integers(1, 50), st.integers(1, 7))
def test_lines_come_whole_wherever_blocks_end(tmp_path, monkeypatch, lengths, ended, limit, chunk):
    monkeypatch.setattr("avrec_lib.collect.lines._CHUNK", chunk * 8)
    lines = [bytes([97 + n % 26]) * length for n, length in enumerate(lengths)]
    content = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    plain = (content[:-1] if content.endswith(b"\n") else content).split(b"\n") if content else []
    for packed in (False, True):
        (tmp_path / "x").write_bytes(gzip.compress(content) if packed else content)
        blocks = list(read_blocks(tmp_path / "x", LogLimits(line_bytes=limit)))
        whole = {n: line for block in blocks for n, line in zip(block.numbers, block.lines, strict=True)}
        long = {n for block in blocks for n, _ in block.too_long}
        assert whole == {n: line for n, line in enumerate(plain, 1) if len(line) <= limit}
        assert long == {n for n, line in enumerate(plain, 1) if len(line) > limit}


def test_a_damaged_file_says_at_which_line(tmp_path):
    (tmp_path / "x").write_bytes(gzip.compress(PLAIN * 3, 0)[:-60])
    with pytest.raises(DamagedLogError, match="cut short") as caught:
        list(read_blocks(tmp_path / "x"))
    assert (caught.value.line, caught.value.reason) == (3, "damaged archive")


def test_too_many_days_do_not_make_too_many_files(tmp_path):
    lines = [
        GOOD.replace(b"2026-01-05", b"%d-%02d-%02d" % (2000 + n // 336, 1 + n // 28 % 12, 1 + n % 28))
        for n in range(9_000)
    ]
    (tmp_path / "x").write_bytes(b"\n".join(lines))
    report, events = taken(tmp_path / "x", tmp_path / "log", limits=LogLimits(days=500))
    assert report.by_reason.to_dict() == {"too many days": 8_500} and len(events) == 500


def test_by_default_a_small_file_of_ten_years_does_not_cost_a_file_a_day(tmp_path):
    days = [np.datetime64("2016-01-01") + n for n in range(3_600)]
    (tmp_path / "x").write_bytes(b"\n".join(GOOD.replace(b"2026-01-05", str(day).encode()) for day in days))
    report, _ = taken(tmp_path / "x", tmp_path / "log")
    assert len(list((tmp_path / "log").glob("day=*"))) == report.kept == 400


def test_bad_lines_are_kept_up_to_a_bound_and_all_counted(tmp_path):
    line = b"\x01" * 1_990 + b"\n"
    (tmp_path / "x.gz").write_bytes(gzip.compress(line * 3_000 + PLAIN))
    limits = LogLimits(quarantine_bytes=200_000, ratio=2_000.0)
    report = ingest([tmp_path / "x.gz"], tmp_path / "log", limits=limits, progress=False)
    size = sum(path.stat().st_size for path in (tmp_path / "log" / "quarantine").iterdir())
    assert size < 210_000
    assert (report.kept, report.by_reason.sum()) == (1, 3_000)
    assert 40 < len(report.quarantined) < 200
    assert report.quarantined["line"].tolist() == list(range(1, len(report.quarantined) + 1))


def test_what_is_kept_of_a_bad_line_is_short_however_it_is_written(tmp_path):
    (tmp_path / "x").write_bytes(b"\x01" * 5_000 + b"\n" + b"\xff" * 5_000 + b"\n" + b"a" * 5_000)
    ingest([tmp_path / "x"], tmp_path / "log", limits=LogLimits(raw_bytes=300), progress=False)
    (quarantine,) = (tmp_path / "log" / "quarantine").iterdir()
    sizes = [len(json.dumps(json.loads(row)["raw"])) for row in quarantine.read_text().splitlines()]
    assert len(sizes) == 3 and max(sizes) <= 602 and sizes[2] == 302


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_read_up_to_its_limit(tmp_path, packed):
    content = PLAIN * 30_000
    (tmp_path / "x").write_bytes(gzip.compress(content) if packed else content)
    limits = LogLimits(file_bytes=2 << 20, ratio=2_000.0)
    report, events = taken(tmp_path / "x", tmp_path / "log", limits=limits)
    assert report.by_reason.to_dict() == {"too large": 1}
    assert 0 < len(events) <= (2 << 20) // len(PLAIN)


def test_a_thousand_repeated_keys_and_a_thousand_members_keep_nobody_busy(tmp_path):
    many = b"{" + b",".join(b'"text":""' for _ in range(5_000)) + b"," + GOOD[1:]
    distinct = b"{" + b",".join(b'"k%d":""' % n for n in range(5_000)) + b"," + GOOD[1:]
    (tmp_path / "keys").write_bytes(b"\n".join([many] * 200 + [distinct] * 5))
    (tmp_path / "members").write_bytes(gzip.compress(PLAIN) + gzip.compress(b"\n", 1) * 12_000)
    began = time.process_time()
    assert taken(tmp_path / "keys", tmp_path / "log")[0].by_reason.index[0] in ("repeated key", "unknown field")
    assert taken(tmp_path / "members", tmp_path / "log")[0].kept == 1
    assert time.process_time() - began < 4.0


def test_a_name_that_is_no_utf8_is_shown_with_escapes(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff.log")
    path.write_bytes(b"?\n" + PLAIN)
    report, _ = taken(path, tmp_path / "log")
    assert report.quarantined["file"].tolist() == ["\\xff.log"]
    assert ingest([path], tmp_path / "log", progress=False).skipped == ["\\xff.log"]


def test_faults_of_no_events_are_none():
    assert find_faults(decode_events([]).table) == []
