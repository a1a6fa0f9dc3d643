"""The schemas of the tables that the stages hand to each other.

Each table is a :class:`pandas.DataFrame`; each schema names its columns, their
types, ranges and units once. ``check(table, name)`` validates one.
"""

import pandas as pd
import pandera.pandas as pa

__all__ = ["EVENT_KINDS", "SCHEMAS", "check"]

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
            "value": pa.Column("float64"),
            "time": pa.Column(_UTC),
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
