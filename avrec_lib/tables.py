"""The schemas of the tables that the stages hand to each other.

Each table is a :class:`pandas.DataFrame`; each schema names its columns, their
types, ranges and units once. ``check(table, name)`` validates one;
``require_columns`` asks for no more than the columns that a function reads.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype

__all__ = ["EVENT_KINDS", "SCHEMAS", "check", "microseconds", "require_columns"]

EVENT_KINDS: tuple[str, ...] = (
    "impression",
    "click",
    "watch",
    "like",
    "share",
    "comment",
    "search",
    "rating",
)
"""What a row of ``events`` can be, in the order in which a person can cause them."""

_UTC = pd.DatetimeTZDtype("us", "UTC")


def _is_number(column: pd.Series) -> bool:
    kind = column.dtype
    return is_numeric_dtype(kind) and not is_bool_dtype(kind) and not is_complex_dtype(kind)


def _is_moment(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.DatetimeTZDtype)


SCHEMAS: dict[str, pa.DataFrameSchema] = {
    "clips": pa.DataFrameSchema(
        {
            "clip_id": pa.Column(str, unique=True),
            "title": pa.Column(str),
            "description": pa.Column(str, nullable=True),
            "tags": pa.Column(str, nullable=True, description="words separated by '|'"),
            "transcript": pa.Column(str, nullable=True),
            "creator_id": pa.Column(str),
            "release_time": pa.Column(_UTC),
            "duration_seconds": pa.Column("float64", pa.Check.gt(0.0), description="seconds"),
            "path": pa.Column(str, description="file name inside the world's media folder"),
        },
        strict=True,
    ),
    "users": pa.DataFrameSchema(
        {
            "user_id": pa.Column(str, unique=True),
            "age_band": pa.Column(str, pa.Check.isin(["13-17", "18-24", "25-34", "35-49", "50+"])),
            "region": pa.Column(str),
            "joined": pa.Column(_UTC),
        },
        strict=True,
    ),
    "events": pa.DataFrameSchema(
        {
            "user_id": pa.Column(str),
            "clip_id": pa.Column(str, nullable=True, description="absent for a search"),
            "kind": pa.Column(str, pa.Check.isin(list(EVENT_KINDS))),
            "time": pa.Column(_UTC),
            "position": pa.Column("Int8", pa.Check.in_range(1, 10), nullable=True, description="1 is the top"),
            "watch_seconds": pa.Column("float64", nullable=True, description="seconds, of a watch"),
            "propensity": pa.Column(
                "float64",
                pa.Check.in_range(0.0, 1.0, include_min=False),
                nullable=True,
                description="of an impression: chance of this clip at this position given those above it",
            ),
            "session_id": pa.Column(str),
            "value": pa.Column("float64", pa.Check.in_range(1.0, 5.0), nullable=True, description="of a rating: 1-5"),
            "text": pa.Column(str, nullable=True, description="of a search or a comment: its words"),
        },
        strict=True,
    ),
    "interactions": pa.DataFrameSchema(
        {
            "user_id": pa.Column(),
            "item_id": pa.Column(),
            "value": pa.Column(checks=pa.Check(_is_number, error="a column of numbers, such as float64")),
            "time": pa.Column(
                checks=pa.Check(_is_moment, error="moments with a time zone, such as pd.to_datetime(..., utc=True)"),
                required=False,
                description="left out where nobody knows it",
            ),
        },
        strict=True,
    ),
}


def check(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Validate a table against its schema.

    Parameters
    ----------
    table : DataFrame
        The table to check.
    name : str
        One of ``clips``, ``users``, ``events``, ``interactions``.

    Returns
    -------
    DataFrame
        The same table.

    Raises
    ------
    KeyError
        If there is no schema of that name.
    ValueError
        If the table breaks its schema; the message lists columns, rows and values.
    """
    if name not in SCHEMAS:
        raise KeyError(f"no schema named {name!r}; there are {', '.join(SCHEMAS)}")
    try:
        return SCHEMAS[name].validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases[["column", "check", "failure_case", "index"]].head(10)
        raise ValueError(f"table {name!r} breaks its schema:\n{cases.to_string(index=False)}") from error


def require_columns(table: pd.DataFrame, columns: Sequence[str], name: str, *, unique: str | None = None) -> None:
    """Raise an error that names the columns which a table lacks, and the first identifier that it holds twice.

    Parameters
    ----------
    table : DataFrame
        The table.
    columns : sequence of str
        What it must have.
    name : str
        Its schema, for the message.
    unique : str, optional
        A column of which no value may come twice, such as ``clip_id`` where clips are looked up.

    Raises
    ------
    ValueError
        If a column is absent or a value of `unique` comes twice.

    Examples
    --------
    >>> require_columns(pd.DataFrame({"clip_id": ["c1", "c1"]}), ["clip_id"], "clips", unique="clip_id")
    Traceback (most recent call last):
    ValueError: clips holds clip_id 'c1' twice (rows 0 and 1); keep one row of each clip_id
    """
    wanted = dict.fromkeys([*columns, *([] if unique is None else [unique])])
    missing = [column for column in wanted if column not in table]
    if missing:
        raise ValueError(f"{name} lacks {', '.join(missing)}; see the {name} schema in avrec_lib.tables")
    if unique is None or table[unique].is_unique:
        return
    again = int(np.flatnonzero(table[unique].duplicated())[0])
    value = table[unique].iloc[again]
    first = int(np.flatnonzero(table[unique] == value)[0]) if pd.notna(value) else int(table[unique].isna().argmax())
    raise ValueError(f"{name} holds {unique} {value!r} twice (rows {first} and {again}); keep one row of each {unique}")


def microseconds(times: pd.Series) -> NDArray[np.int64]:
    """Return moments as whole numbers, which are quicker to sort and to subtract.

    Parameters
    ----------
    times : Series
        Moments with a time zone, none absent.

    Returns
    -------
    ndarray
        int64, microseconds since the beginning of 1970 in UTC, in the rows of `times`.

    Raises
    ------
    ValueError
        If a moment is absent.

    Examples
    --------
    >>> microseconds(pd.Series(pd.to_datetime(["1970-01-01T01:00:00.000002+01:00"])))
    array([2])
    """
    if times.isna().any():
        raise ValueError(f"row {times.index[times.isna()][0]!r} has no {times.name or 'time'}")
    return np.asarray(times.astype("datetime64[us, UTC]").astype("int64"), dtype=np.int64)
