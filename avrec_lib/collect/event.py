"""One event: what it must hold, how it is written as a line of JSON, and what is wrong with a line that is none."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from avrec_lib.collect.event_schema import Bad, Event, EventError, events_table, find_faults

__all__ = ["Decoded", "Event", "EventError", "EventLog", "decode_events", "decode_line", "encode_event", "faults_of"]

_DECODER = msgspec.json.Decoder(Event)
_ENCODER = msgspec.json.Encoder()
# From words of msgspec's messages to a reason; the first that fits wins.
_REASONS = (
    ("Expected `object`", "not an object"),
    ("missing required field", "missing field"),
    ("unknown field", "unknown field"),
    ("Invalid enum value", "unknown kind"),
    ("`datetime`", "bad time"),
    ("RFC3339", "bad time"),
    ("$.time", "bad time"),
    ("out of range", "number out of range"),
    (">", "number out of range"),
    ("<", "number out of range"),
)


def encode_event(event: Event) -> bytes:
    """Write an event as one line of JSON, without the line's end; absent fields are left out.

    Parameters
    ----------
    event : Event
        What to write; it is not checked here.

    Returns
    -------
    bytes
        UTF-8.
    """
    return _ENCODER.encode(event)


def decode_line(line: bytes) -> Event:
    """Read one line of JSON, and say what is wrong with it if it is no event.

    Parameters
    ----------
    line : bytes
        One line, with or without its end.

    Returns
    -------
    Event
        What the line says.

    Raises
    ------
    EventError
        If it is not one JSON object in UTF-8 with the fields of :class:`Event`, each once, and no others, or if the
        values break the schema.
    """
    decoded = decode_events([line])
    bad, _ = faults_of(decoded)
    if bad:
        raise EventError(bad[0].reason, bad[0].detail)
    return decoded.events[0]


class Decoded(NamedTuple):
    """What :func:`decode_events` returns; ``rows`` are the good lines' places among those given."""

    events: list[Event]
    table: pa.Table
    rows: np.ndarray
    bad: list[Bad]


def faults_of(decoded: Decoded, **rules: Any) -> tuple[list[Bad], np.ndarray]:
    """Join what the decoder refused and what breaks the rules of an event.

    Parameters
    ----------
    decoded : Decoded
        From :func:`decode_events`, or another decoder.
    **rules
        As :func:`avrec_lib.collect.event_schema.find_faults` takes them.

    Returns
    -------
    bad : list of Bad
        In the order of the lines given.
    good : ndarray of int64
        Rows of ``decoded.table`` that are events.
    """
    faults = find_faults(decoded.table, **rules)
    bad = [*decoded.bad, *(Bad(int(decoded.rows[row]), *why) for row, *why in faults)]
    return sorted(bad), np.delete(np.arange(decoded.table.num_rows), [row for row, *_ in faults])


def decode_events(lines: Sequence[bytes]) -> Decoded:
    """Read many lines of JSON; the bad ones are put aside with their reasons.

    A strict decoder reads each line into an :class:`Event`. It takes the last of two equal keys without a word, so
    keys are counted in the raw line and compared with the fields that were filled; only lines where the two differ
    are looked at again.

    Parameters
    ----------
    lines : sequence of bytes
        One event a line.

    Returns
    -------
    Decoded
        Good events as structs and as an Arrow table, with their places, and the bad lines.
    """
    decode = _DECODER.decode
    events: list[Event] = []
    rows: list[int] = []
    bad: list[Bad] = []
    for row, line in enumerate(lines):
        try:
            events.append(decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            bad.append(Bad(row, *_why(line, error)))
        else:
            rows.append(row)
    places = np.asarray(rows, dtype=np.int64)
    table, wrong = events_table(events)
    repeated = _repeated_keys([lines[row] for row in rows], table)
    repeated = {at: key for at, key in repeated.items() if at not in set(wrong)}
    bad += [Bad(rows[at], "time out of range", "the year is not one that a clock can show") for at in wrong]
    bad += [Bad(rows[at], "repeated key", f"the key {key!r} is there more than once") for at, key in repeated.items()]
    if wrong or repeated:
        kept = np.setdiff1d(np.arange(len(events)), [*wrong, *repeated])
        events, table, places = [events[at] for at in kept], table.take(pa.array(kept)), places[kept]
    return Decoded(events, table, places, sorted(bad))


def _why(line: bytes, error: Exception) -> tuple[str, str]:
    """Name the fault of a line that the decoder refused."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8", f"byte 0x{error.object[error.start]:02x}; text must be UTF-8"
    message = str(error)
    if isinstance(error, msgspec.ValidationError):
        return next((reason for words, reason in _REASONS if words in message), "wrong type"), message
    if not line.strip():
        return "empty line", "there is nothing on this line"
    try:
        text = line.decode()
    except UnicodeDecodeError as second:
        return "not UTF-8", f"byte 0x{line[second.start]:02x} at {second.start}; text must be UTF-8"
    # Python's own reader is more lenient: what it accepts tells which rule was broken.
    constants: list[str] = []
    try:
        json.loads(text, parse_constant=constants.append)
    except (ValueError, RecursionError):
        whole = text.lstrip().startswith("{") and text.rstrip().endswith("}")
        return ("not JSON", message) if whole or not text.lstrip().startswith("{") else ("cut line", message)
    if constants:
        return "not finite", f"{constants[0]} is not a number in JSON"
    return "lone surrogate", "half of a surrogate pair is no character"


def _repeated_keys(lines: list[bytes], table: pa.Table) -> dict[int, str]:
    r"""Find lines in which a key is there twice, by place.

    Every key of an object ends in a quotation mark, perhaps spaces, and a colon. So where no colon follows a space,
    a line holds at least as many ``":`` as keys, and as many as filled fields only if no key is repeated.
    """
    filled = np.zeros(len(lines), dtype=np.int64)
    for column in table.columns:
        filled += column.is_valid().to_numpy()
    counted = np.fromiter((line.count(b'":') for line in lines), dtype=np.int64, count=len(lines))
    suspect = counted != filled
    block = b"\n".join(lines)
    for gap in (b" :", b"\t:", b"\r:"):
        if gap in block:
            suspect |= np.fromiter((gap in line for line in lines), dtype=bool, count=len(lines))
    found: dict[int, str] = {}
    for at in np.flatnonzero(suspect).tolist():
        keys: list[str] = json.loads(lines[at], object_pairs_hook=lambda pairs: [key for key, _ in pairs])
        seen: set[str] = set()
        for key in keys:
            if key in seen:
                found[at] = key
                break
            seen.add(key)
    return found


class EventLog:
    """An append-only file of events, one line of JSON each.

    Parameters
    ----------
    path : str or Path
        The file; it is made at the first event.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def append(self, event: Event) -> None:
        """Add one event at the end.

        Parameters
        ----------
        event : Event
            What happened.

        Raises
        ------
        EventError
            If the event breaks the schema; nothing is written then.
        """
        try:
            msgspec.convert(msgspec.structs.asdict(event), Event)
            table, wrong = events_table([event])
            line = encode_event(event)
        except UnicodeEncodeError as error:
            raise EventError("lone surrogate", f"half of a surrogate pair is no character ({error.reason})") from error
        except msgspec.ValidationError as error:
            raise EventError(*_why(b"", error)) from error
        faults = find_faults(table)
        if wrong or faults:
            raise EventError(*(faults[0][1:] if faults else ("time out of range", f"{event.time} is no time in UTC")))
        with self.path.open("ab+") as file:
            # A writer that was killed may have left half a line: the new one must not be glued to it.
            if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                line = b"\n" + line
            file.write(line + b"\n")

    def read(self) -> list[Event]:
        """Read the whole log.

        Returns
        -------
        list of Event
            In the order in which they were appended.

        Raises
        ------
        EventError
            If a line is no event; the message names the file and the line. (:func:`avrec_lib.collect.log.ingest`
            puts such lines aside instead.)
        FileNotFoundError
            If nothing was ever appended.
        """
        lines = self.path.read_bytes().split(b"\n")
        decoded = decode_events(lines[:-1] if not lines[-1] else lines)
        bad, _ = faults_of(decoded)
        if bad:
            row, reason, detail = bad[0]
            raise EventError(reason, f"{self.path}, line {row + 1}: {detail}")
        return decoded.events
