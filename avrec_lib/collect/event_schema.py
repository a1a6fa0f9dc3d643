"""What an event must hold: its fields, its columns, and the rules that no single field can show."""

from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["EVENT_COLUMNS", "Bad", "Event", "EventError", "events_frame", "events_table", "find_faults"]

# Ids become parts of file names and pages: none that is markup or a path.
_ID = r"\A[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,63}\z"
_ID_SAID = "1 to 64 letters, digits or _.:@+-, the first a letter, digit or underscore"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that happened on the platform; fields and units as the ``events`` schema of ``avrec_lib.tables``."""

    user_id: str
    kind: Literal["impression", "click", "watch", "like", "share", "comment", "search", "rating"]
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    session_id: str
    clip_id: str | None = None
    position: Annotated[int, msgspec.Meta(ge=1, le=10)] | None = None
    watch_seconds: float | None = None
    propensity: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] | None = None
    value: Annotated[float, msgspec.Meta(ge=1.0, le=5.0)] | None = None
    text: str | None = None


class EventError(ValueError):
    """Raised for an event that breaks the schema.

    Attributes
    ----------
    reason : str
        In two or three words, the same for all events with this fault.
    detail : str
        What is wrong with this one.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Bad(NamedTuple):
    """A line that is no event: which of the lines given, and why."""

    row: int
    reason: str
    detail: str


EVENT_COLUMNS: dict[str, pa.DataType] = {
    "user_id": pa.string(),
    "clip_id": pa.string(),
    "kind": pa.string(),
    "time": pa.timestamp("us", "UTC"),
    "position": pa.int8(),
    "watch_seconds": pa.float64(),
    "propensity": pa.float64(),
    "session_id": pa.string(),
    "value": pa.float64(),
    "text": pa.string(),
}
"""Arrow types of the columns of ``events``, in the schema's order."""

_LATEST_POSSIBLE = datetime.max.year - 1


def events_table(events: Sequence[Event]) -> tuple[pa.Table, list[int]]:
    """Turn events into columns.

    Parameters
    ----------
    events : sequence of Event
        What happened.

    Returns
    -------
    table : pyarrow.Table
        Columns :data:`EVENT_COLUMNS`; times in UTC.
    wrong : list of int
        Places of events whose time no table can hold (the years 1 and 9999 with an offset); their time is null.
    """
    wrong: list[int] = []
    columns = []
    for name, kind in EVENT_COLUMNS.items():
        values: list[Any] = list(map(attrgetter(name), events))
        if name == "time":
            # A leap over the ends of the calendar by an offset would raise, for all of them.
            if any(not 1 < moment.year <= _LATEST_POSSIBLE for moment in values):
                wrong = [at for at, moment in enumerate(values) if not 1 < moment.year <= _LATEST_POSSIBLE]
                values = [moment if 1 < moment.year <= _LATEST_POSSIBLE else None for moment in values]
        columns.append(pa.array(values, kind))
    return pa.Table.from_arrays(columns, names=list(EVENT_COLUMNS)), wrong


def events_frame(table: pa.Table) -> pd.DataFrame:
    """Turn columns into the ``events`` schema of ``avrec_lib.tables``.

    Parameters
    ----------
    table : pyarrow.Table
        Columns :data:`EVENT_COLUMNS`, perhaps among others.

    Returns
    -------
    DataFrame
        The same rows, numbered from 0.
    """
    table = table.select(list(EVENT_COLUMNS)).cast(pa.schema(EVENT_COLUMNS))
    return table.to_pandas(types_mapper={pa.int8(): pd.Int8Dtype()}.get).astype(
        {name: str for name, kind in EVENT_COLUMNS.items() if kind == pa.string()}
    )


def find_faults(
    table: pa.Table,
    *,
    earliest: pd.Timestamp | None = None,
    latest: pd.Timestamp | None = None,
    known_users: Collection[str] | None = None,
    known_clips: Collection[str] | None = None,
) -> list[Bad]:
    """Find events whose fields are each of the right type but do not make an event.

    Looked at are the form of the ids, what each kind must bring (a clip unless it is a search, the seconds of a
    watch, the value of a rating), finite numbers, the time, and whether the person and the clip are known. What is
    possible in form but odd, such as a negative watch, is left to cleaning: it happened in the log.

    Parameters
    ----------
    table : pyarrow.Table
        As :func:`events_table` makes it.
    earliest, latest : Timestamp, optional
        First and last moment allowed, with a time zone.
    known_users, known_clips : collection of str, optional
        The ids there are; without it any id will do. Give sets.

    Returns
    -------
    list of Bad
        At most one an event, the first fault found; in the order of the rows.
    """
    code = np.zeros(table.num_rows, dtype=np.int64)
    said: list[tuple[str, str]] = [("", "")]

    def mark(mask: np.ndarray, reason: str, detail: str) -> None:
        said.append((reason, detail))
        code[(code == 0) & mask] = len(said) - 1

    known = {"user_id": known_users, "clip_id": known_clips, "session_id": None}
    for name, there in known.items():
        coded = table[name].combine_chunks().dictionary_encode()
        ids, place = coded.dictionary, coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        sound = np.append(pc.match_substring_regex(ids, _ID).to_numpy(zero_copy_only=False), True)
        mark(~sound.astype(bool)[place], "bad id", f"{name} must be {_ID_SAID}")
        if there is not None:
            met = np.asarray([identity in there for identity in ids.to_pylist()] + [True], dtype=bool)
            what = name.removesuffix("_id")
            mark(~met[place], f"unknown {what}", f"there is no {what} of this id")
    kind = table["kind"].to_numpy()
    absent = {name: table[name].is_null().to_numpy() for name in ("clip_id", "watch_seconds", "value")}
    mark((kind != "search") & absent["clip_id"], "missing field", "every event but a search needs a clip_id")
    mark((kind == "watch") & absent["watch_seconds"], "missing field", "a watch needs watch_seconds")
    mark((kind == "rating") & absent["value"], "missing field", "a rating needs a value")
    for name in ("watch_seconds", "propensity", "value"):
        finite = pc.is_finite(table[name]).fill_null(True).to_numpy()
        mark(~finite, "not finite", f"{name} must be a finite number")
    null = pc.match_substring(table["text"], "\0").fill_null(False).to_numpy()
    mark(null, "null character", "text holds U+0000, which many readers take for its end")
    time = table["time"].to_numpy().astype("datetime64[us]")
    for bound, outside in ((earliest, np.less), (latest, np.greater)):
        if bound is not None:
            moment = bound.tz_convert("UTC").tz_localize(None).to_datetime64()
            side = "before" if outside is np.less else "after"
            mark(outside(time, moment), "time out of range", f"the event is {side} {bound.isoformat()}")
    return [Bad(row, *said[code[row]]) for row in np.flatnonzero(code).tolist()]
