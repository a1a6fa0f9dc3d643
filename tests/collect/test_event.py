"""One event: what is accepted, what is refused and why, and the append-only file."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args, get_type_hints

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from avrec_lib.collect.event import Event, EventError, EventLog, decode_events, decode_line, encode_event
from avrec_lib.collect.event_schema import EVENT_COLUMNS, events_frame, events_table
from avrec_lib.tables import EVENT_KINDS, SCHEMAS, check

NOON = datetime(2026, 1, 5, 12, 0, 0, 123456, tzinfo=UTC)
CLICK = {"user_id": "u1", "kind": "click", "time": "2026-01-05T12:00:00.123456Z", "session_id": "s1", "clip_id": "c1"}


def line(**changes):
    record = {**CLICK, **changes}
    return json.dumps({key: value for key, value in record.items() if value is not ...}).encode()


def reason(raw):
    with pytest.raises(EventError) as caught:
        decode_line(raw)
    assert caught.value.detail
    return caught.value.reason


def test_fields_and_kinds_are_those_of_the_schema():
    assert list(EVENT_COLUMNS) == list(SCHEMAS["events"].columns) and set(Event.__struct_fields__) == set(EVENT_COLUMNS)
    assert get_args(get_type_hints(Event)["kind"]) == EVENT_KINDS


def test_a_click_is_read():
    assert decode_line(line()) == Event(user_id="u1", kind="click", time=NOON, session_id="s1", clip_id="c1")


def test_a_time_in_another_zone_is_the_same_moment():
    assert decode_line(line(time="2026-01-05T13:00:00.123456+01:00")).time == NOON


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (line(user_id=7), "wrong type"),
        (line(user_id=None), "wrong type"),
        (line(user_id=...), "missing field"),
        (line(user_id=""), "bad id"),
        (line(user_id="u 1"), "bad id"),
        (line(user_id="u1\n"), "bad id"),
        (line(user_id="u" * 65), "bad id"),
        (line(session_id="с1"), "bad id"),
        (line(clip_id=...), "missing field"),
        (line(clip_id=None), "missing field"),
        (line(kind="Click"), "unknown kind"),
        (line(kind="watch"), "missing field"),
        (line(kind="rating"), "missing field"),
        (line(kind="rating", value=6), "number out of range"),
        (line(position=0), "number out of range"),
        (line(position=11), "number out of range"),
        (line(position=True), "wrong type"),
        (line(position=2.5), "wrong type"),
        (line(position=10**30), "number out of range"),
        (line(propensity=0.0), "number out of range"),
        (line(propensity=1.1), "number out of range"),
        (line(watch_seconds="3"), "wrong type"),
        (line(watch_seconds=float("inf")), "not finite"),
        (line(watch_seconds=float("nan")), "not finite"),
        (line().replace(b"}", b',"watch_seconds":-1e400}'), "number out of range"),
        (line(time="yesterday"), "bad time"),
        (line(time=1767614400), "bad time"),
        (line(time="2026-02-30T00:00:00Z"), "bad time"),
        (line(time="2026-01-05T12:00:00"), "bad time"),
        (line(time="0001-01-01T00:00:00+23:59"), "time out of range"),
        (line(time="9999-12-31T23:59:59-23:59"), "time out of range"),
        (line(extra=1), "unknown field"),
        (line(text="a\0b"), "null character"),
        (line()[:-1] + b',"text":"\\ud800"}', "lone surrogate"),
        (line()[:-1] + b',"text":"\\udc00\\ud800"}', "lone surrogate"),
        (line()[:-1] + b',"text":"caf\xe9"}', "not UTF-8"),
        (line()[:-1] + b',"text":"\xed\xa0\x80"}', "not UTF-8"),
        (line()[:-1] + b',"text":"a\x01"}', "not JSON"),
        (line()[:-1] + b',"kind":"click"}', "repeated key"),
        (line()[:-1] + b',"kind" :"click"}', "repeated key"),
        (line()[:-1] + b',"kind"\t :"click"}', "repeated key"),
        (line()[:-1] + b',"k\\u0069nd":"click"}', "repeated key"),
        (line()[:-1] + b',"text":null,"text":"a"}', "repeated key"),
        (line()[:-1] + b',"text":"\\":","text" :"a"}', "repeated key"),
        (line()[:-5], "cut line"),
        (line() + line(), "not JSON"),
        (b"", "empty line"),
        (b"  \r", "empty line"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b"hello", "not JSON"),
        (b"\xff\xfe{\0", "not UTF-8"),
        (b"[" * 100_000, "not an object"),
        (b'{"user_id":' + b"[" * 100_000, "wrong type"),
    ],
)
def test_a_bad_line_is_refused_for_its_own_reason(raw, expected):
    assert reason(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        line(text='he said "kind": no'),
        line(text="rain :)"),
        line(text='{"a":1,"a":2}'),
        line(position=None, text=None),
        b"  " + line().replace(b",", b" , ").replace(b":", b" : ").replace(b"12 : 00 : 00", b"12:00:00") + b"  \r",
        line(text="\U0001f631").replace(b"\\ud83d\\ude31", "😱".encode()),
        line(watch_seconds=-3.0),
        line(kind="search", clip_id=..., text="rain"),
    ],
)
def test_an_unusual_but_sound_line_is_read(raw):
    assert decode_line(raw).user_id == "u1"


def test_bad_lines_are_told_by_their_places_and_the_good_ones_keep_theirs():
    decoded = decode_events([line(), b"", line(user_id="u2"), line()[:-1] + b',"kind":"like"}', line(user_id="u3")])
    assert [event.user_id for event in decoded.events] == ["u1", "u2", "u3"]
    assert decoded.rows.tolist() == [0, 2, 4] and decoded.table["user_id"].to_pylist() == ["u1", "u2", "u3"]
    assert [(bad.row, bad.reason) for bad in decoded.bad] == [(1, "empty line"), (3, "repeated key")]


def test_a_table_of_events_is_in_the_schema():
    table, wrong = events_table([decode_line(line()), decode_line(line(kind="watch", watch_seconds=2, text="é"))])
    assert not wrong
    frame = check(events_frame(table), "events")
    assert frame["time"].tolist() == [NOON, NOON] and frame["watch_seconds"].tolist()[1] == 2.0


IDS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,63}", fullmatch=True)
TIMES = st.datetimes(
    datetime(2000, 1, 2),
    datetime(2099, 1, 1),
    timezones=st.integers(-14, 14).map(lambda h: timezone(timedelta(hours=h))),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
EVENTS = st.builds(
    Event,
    user_id=IDS,
    kind=st.sampled_from(EVENT_KINDS),
    time=TIMES,
    session_id=IDS,
    clip_id=IDS,
    position=st.none() | st.integers(1, 10),
    watch_seconds=FLOATS,
    propensity=st.none() | st.floats(0, 1, exclude_min=True),
    value=st.floats(1, 5),
    text=st.none() | TEXTS,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_every_sound_event_survives_being_written_and_read(event):
    assert decode_line(encode_event(event)) == event


def test_a_log_gives_back_what_was_appended(tmp_path):
    log = EventLog(tmp_path / "log.ndjson")
    events = [decode_line(line(user_id=f"u{n}", text="line\nbreak")) for n in range(5)]
    for event in events:
        log.append(event)
    assert log.read() == events == EventLog(tmp_path / "log.ndjson").read()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"user_id": ""}, "bad id"),
        ({"user_id": 7}, "wrong type"),
        ({"kind": "teleport"}, "unknown kind"),
        ({"clip_id": None}, "missing field"),
        ({"position": 11}, "number out of range"),
        ({"watch_seconds": float("nan")}, "not finite"),
        ({"watch_seconds": float("inf")}, "not finite"),
        ({"text": "\ud800"}, "lone surrogate"),
        ({"time": datetime(2026, 1, 5)}, "bad time"),
        ({"time": datetime(1, 1, 1, tzinfo=UTC)}, "time out of range"),
    ],
)
def test_a_bad_event_is_not_appended(tmp_path, changes, expected):
    log = EventLog(tmp_path / "log.ndjson")
    good = decode_line(line())
    log.append(good)
    with pytest.raises(EventError) as caught:
        log.append(
            Event(**{"user_id": "u1", "kind": "click", "time": NOON, "session_id": "s", "clip_id": "c", **changes})
        )
    assert caught.value.reason == expected
    assert log.read() == [good]


def test_an_event_after_half_a_line_is_not_lost(tmp_path):
    log = EventLog(tmp_path / "log.ndjson")
    log.append(decode_line(line()))
    with log.path.open("ab") as file:
        file.write(b'{"user_id":"u2","ki')  # the writer was killed here
    log.append(decode_line(line(user_id="u3")))
    with pytest.raises(EventError, match=r"log\.ndjson, line 2"):
        log.read()
    lines = log.path.read_bytes().splitlines()
    assert decode_line(lines[2]).user_id == "u3"
