r"""Events from the lines of a web server, in the Combined Log Format.

::

    203.0.113.9 - u0000109 [05/Jan/2026:12:07:06 +0100] "GET /clips/c0000060?slot=5&sid=s0 HTTP/1.1" 200 51 "-" "Me"

A page of a clip that was asked for, and given, is a click; ``/beacon/watch?clip=...&seconds=...`` is what a player
sends when it stops. All other lines are set aside too, with their reason, so that every line is accounted for. A
server log knows less than an event log: whole seconds, no impressions, no propensities.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa

from avrec_lib.collect.event import Decoded, faults_of
from avrec_lib.collect.event_schema import Bad, Event, EventError, events_frame, events_table

__all__ = ["decode_server_lines", "parse_server_line", "parse_server_log"]

# Each part can match in one way only, so that no line makes the search slow.
_QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_LINE = re.compile(
    rf"(\S+) (\S+) (\S+) \[([^\]]+)\] {_QUOTED} (\d{{3}}) (\d+|-) {_QUOTED} {_QUOTED}", re.ASCII | re.DOTALL
)
_TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII)
_REQUEST = re.compile(r"([A-Z]+) (\S+) HTTP/\d(?:\.\d)?", re.ASCII)
_CLIP_PAGE = re.compile(r"/clips/([^/]+)", re.ASCII)
_MONTHS = dict(
    zip(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), range(1, 13), strict=True)
)
_LONGEST = 65_536


def _time(text: str) -> datetime:
    parts = _TIME.fullmatch(text)
    if not parts or parts[2] not in _MONTHS:
        raise EventError("bad time", f"{text[:40]!r} is not like 05/Jan/2026:12:07:06 +0100")
    day, month, year, hour, minute, second, sign, hours, minutes = parts.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    try:
        moment = datetime(
            int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=timezone(offset)
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise EventError("bad time", f"{text!r}: {error}") from error


def parse_server_line(line: bytes) -> Event:
    """Read the event in one line.

    Parameters
    ----------
    line : bytes
        One line in the Combined Log Format.

    Returns
    -------
    Event
        A click or a watch; the time in UTC.

    Raises
    ------
    EventError
        If the line is malformed, or is no event: another page, a request that failed, nobody logged in.
    """
    if len(line) > _LONGEST:
        raise EventError("line too long", f"a line may hold {_LONGEST:,} bytes")
    try:
        text = line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise EventError("not UTF-8", f"byte 0x{line[error.start]:02x} at {error.start}") from error
    if not text.strip():
        raise EventError("empty line", "there is nothing on this line")
    parts = _LINE.fullmatch(text)
    if not parts:
        raise EventError(
            "not Combined Log Format", 'expected: host - user [time] "request" status bytes "from" "agent"'
        )
    _, _, user, stamp, wanted, status, *_ = parts.groups()
    time = _time(stamp)
    request = _REQUEST.fullmatch(wanted)
    if not request:
        raise EventError("bad request", f"{wanted[:80]!r} is not like GET /clips/c0000060 HTTP/1.1")
    method, target = request.groups()
    try:
        address = urlsplit(target)
        asked = dict(parse_qsl(address.query, max_num_fields=20, errors="strict"))
    except (ValueError, UnicodeDecodeError) as error:
        raise EventError("bad request", f"{target[:80]!r}: {error}") from error
    clip_page = _CLIP_PAGE.fullmatch(address.path)
    values: dict[str, Any] = {"user_id": user, "time": time, "session_id": asked.get("sid", "-")}
    if method == "GET" and clip_page:
        values |= {"kind": "click", "clip_id": clip_page[1]}
    elif method == "POST" and address.path == "/beacon/watch":
        values |= {"kind": "watch", "clip_id": asked.get("clip"), "watch_seconds": asked.get("seconds")}
    else:
        raise EventError("no event", f"{method} {address.path[:80]} is neither a click nor a watch")
    if not status.startswith("2"):
        raise EventError("failed request", f"the server answered {status}")
    if user == "-":
        raise EventError("no user", "nobody was logged in")
    if "slot" in asked:
        values["position"] = asked["slot"]
    try:
        return msgspec.convert(values, Event, strict=False)
    except msgspec.ValidationError as error:
        raise EventError("bad value", str(error)) from error


def decode_server_lines(lines: Sequence[bytes]) -> Decoded:
    """Read many lines; those that are no events are put aside with their reasons.

    Parameters
    ----------
    lines : sequence of bytes
        One request a line.

    Returns
    -------
    Decoded
        As :func:`avrec_lib.collect.event.decode_events` returns it.
    """
    events: list[Event] = []
    rows: list[int] = []
    bad: list[Bad] = []
    for row, line in enumerate(lines):
        try:
            events.append(parse_server_line(line))
        except EventError as error:
            bad.append(Bad(row, error.reason, error.detail))
        else:
            rows.append(row)
    table, wrong = events_table(events)
    places = np.asarray(rows, dtype=np.int64)
    if wrong:
        bad += [Bad(rows[at], "time out of range", "the year is not one that a clock can show") for at in wrong]
        kept = np.setdiff1d(np.arange(len(events)), wrong)
        events, table, places = [events[at] for at in kept], table.take(pa.array(kept)), places[kept]
    return Decoded(events, table, places, sorted(bad))


def parse_server_log(lines: Iterable[str | bytes]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the events in the lines of a web server.

    Parameters
    ----------
    lines : iterable of str or bytes
        In the Combined Log Format: an open file, or a list.

    Returns
    -------
    events : DataFrame
        Clicks and watches, in the ``events`` schema.
    bad : DataFrame
        ``line`` (counted from 1), ``reason``, ``raw``: every other line.

    Notes
    -----
    Holds all lines in memory; :func:`avrec_lib.collect.log.ingest` with ``form="server"`` does not.
    """
    raw = [line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line for line in lines]
    raw = [line.rstrip(b"\n") for line in raw]
    decoded = decode_server_lines(raw)
    bad, kept = faults_of(decoded)
    aside = pd.DataFrame(
        {
            "line": pd.Series([row + 1 for row, *_ in bad], dtype="int64"),
            "reason": pd.Series([reason for _, reason, _ in bad], dtype=str),
            "raw": pd.Series([raw[row].decode("utf-8", "backslashreplace") for row, *_ in bad], dtype=str),
        }
    )
    return events_frame(decoded.table.take(pa.array(kept))), aside
