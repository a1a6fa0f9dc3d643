"""Lines of a web server: what is an event, what is not, and times in other zones."""

import time

import pandas as pd
import pytest

from avrec_lib.collect.event import EventError
from avrec_lib.collect.log import ingest
from avrec_lib.collect.query import read_events
from avrec_lib.collect.server_log import parse_server_line, parse_server_log
from avrec_lib.tables import check

CLICK = '203.0.113.9 - u1 [05/Jan/2026:00:07:06 +0100] "GET /clips/c1?slot=5&sid=s1 HTTP/1.1" 200 51 "-" "Me"'
WATCH = CLICK.replace("07:06", "07:16").replace("GET /clips/c1?slot=5", "POST /beacon/watch?clip=c1&seconds=2.5")


def test_a_click_and_a_watch_are_read_and_their_times_put_in_utc():
    events, bad = parse_server_log([CLICK + "\n", (WATCH + "\r\n").encode()])
    assert bad.empty and check(events, "events")["kind"].tolist() == ["click", "watch"]
    assert events["time"].tolist() == [pd.Timestamp("2026-01-04T23:07:06Z"), pd.Timestamp("2026-01-04T23:07:16Z")]
    assert events["watch_seconds"].tolist()[1] == 2.5 and events["position"].tolist()[0] == 5


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (CLICK[:60], "not Combined Log Format"),
        (CLICK + ' "more"', "not Combined Log Format"),
        (CLICK.replace('"Me"', '"M"e"'), "not Combined Log Format"),
        (CLICK.replace("05/Jan", "31/Feb"), "bad time"),
        (CLICK.replace("05/Jan", "05/Jän"), "bad time"),
        (CLICK.replace("2026", "0000"), "bad time"),
        (CLICK.replace("2026", "0001"), "time out of range"),
        (CLICK.replace("+0100", "+9900"), "bad time"),
        (CLICK.replace("GET ", ""), "bad request"),
        (CLICK.replace(" HTTP/1.1", ""), "bad request"),
        (CLICK.replace("/clips", "http://[x/clips"), "bad request"),
        (CLICK.replace("?slot", "?" + "a=1&" * 30 + "slot"), "bad request"),
        (CLICK.replace("slot=5", "slot=%ff"), "bad request"),
        (CLICK.replace("slot=5", "slot=50"), "bad value"),
        (CLICK.replace("slot=5", "slot=five"), "bad value"),
        (CLICK.replace("sid=s1", "sid=a%00b"), "bad id"),
        (CLICK.replace("/clips/c1", "/clips/c%201"), "bad id"),
        (CLICK.replace("/clips/c1", "/clips/"), "no event"),
        (CLICK.replace("/clips/c1", "/clips/c1/edit"), "no event"),
        (CLICK.replace("GET", "HEAD"), "no event"),
        (CLICK.replace("GET", "POST"), "no event"),
        (CLICK.replace("200 51", "304 -"), "failed request"),
        (CLICK.replace("200 51", "404 51"), "failed request"),
        (CLICK.replace("u1", "-"), "no user"),
        (WATCH.replace("seconds=2.5", "seconds=nan"), "not finite"),
        (WATCH.replace("seconds=2.5", "seconds=1e999"), "bad value"),
        (WATCH.replace("seconds=2.5&", ""), "missing field"),
        (WATCH.replace("clip=c1&", ""), "missing field"),
        ("", "empty line"),
    ],
)
def test_other_lines_are_set_aside_for_their_own_reason(line, reason):
    events, bad = parse_server_log([line, CLICK])
    assert bad["reason"].tolist() == ([] if reason == "ok" else [reason])
    assert len(events) + len(bad) == 2
    check(events, "events")
    if reason != "ok":
        assert bad[["line", "raw"]].to_numpy().tolist() == [[1, line]]


def test_bytes_that_are_no_utf8_are_set_aside_and_shown():
    _, bad = parse_server_log([CLICK.encode().replace(b"Me", b"caf\xe9")])
    assert bad["reason"].tolist() == ["not UTF-8"] and "caf\\xe9" in bad["raw"][0]


@pytest.mark.parametrize("piece", ["\\", '\\"', "a ", '"', "[", "%41", "=", "/"])
def test_no_line_makes_the_parser_slow(piece):
    for line in (piece * 30_000, CLICK[:-3] + piece * 30_000, CLICK.replace("?slot", "?" + piece * 30_000)):
        began = time.perf_counter()
        try:
            parse_server_line(line.encode()[:65_536])
        except EventError as error:
            assert error.reason
        assert time.perf_counter() - began < 1.0


def test_a_line_that_is_too_long_is_not_parsed():
    with pytest.raises(EventError, match="line too long"):
        parse_server_line(CLICK.encode().ljust(65_537))


def test_a_server_log_is_taken_in_like_any_other(tmp_path):
    (tmp_path / "access.log").write_text("\n".join([CLICK, "nonsense", WATCH]) + "\n")
    report = ingest([tmp_path / "access.log"], tmp_path / "log", form="server", progress=False)
    assert (report.read, report.kept, report.by_reason.to_dict()) == (3, 2, {"not Combined Log Format": 1})
    pd.testing.assert_frame_equal(read_events(tmp_path / "log"), parse_server_log([CLICK, WATCH])[0])
