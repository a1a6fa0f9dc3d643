"""Other ways to hold rows back, each with its own question, beside the cut in time of :mod:`.splits`.

==============  =====================================================================================
random          can the model fill in rows of the same weeks? Knows the future; for comparison only
people          does it serve people it never saw (all their rows held back)?
last rows       does it find each person's next? Knows other people's future
share of each   :mod:`.stratified`, for published figures: as random, but no item loses all of its rows
cold people     does it serve people who come after it was trained? Knows no future
cold clips      does it place clips that come after it was trained? Knows no future
==============  =====================================================================================
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avrec_lib.prepare.splits import LeakError, Split, temporal_split
from avrec_lib.tables import microseconds

__all__ = [
    "Parts",
    "cold_clips",
    "cold_people",
    "first_rows",
    "future_share",
    "leave_last_out",
    "random_split",
    "user_split",
]

_STREAM = 33


@dataclass(frozen=True)
class Parts:
    """A table in three parts that are not cut at moments.

    Attributes
    ----------
    train, validation, test : DataFrame
        Each in the order of the table, labels kept.
    rule : str
        How it was cut.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame
    rule: str

    @property
    def before_test(self) -> pd.DataFrame:
        """Train and validation together: what the final model may be fitted on."""
        return pd.concat([self.train, self.validation], ignore_index=True)


def future_share(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Tell how much of the training rows lies in the future of a test row, on average.

    Parameters
    ----------
    train, test : DataFrame
        Have a column ``time``.

    Returns
    -------
    float
        0 for a cut in time, about 0.5 for a random one.

    Raises
    ------
    ValueError
        If a part is empty or lacks a time.
    """
    for name, part in (("train", train), ("test", test)):
        if part.empty or part["time"].isna().any():
            raise ValueError(f"{name} needs rows, each with a time")
    known = np.sort(microseconds(train["time"]))
    return float(1.0 - np.searchsorted(known, microseconds(test["time"]), side="right").mean() / len(known))


def random_split(
    table: pd.DataFrame, *, validation: float = 0.1, test: float = 0.1, seed: int = 0, key: list[str] | None = None
) -> Parts:
    """Deal rows out at random.

    Parameters
    ----------
    table : DataFrame
        Events, interactions, ratings: any rows.
    validation, test : float
        Shares of the rows, above 0, together below 1.
    seed : int
        Of the dealing.
    key : list of str, optional
        Columns that tell rows apart; by default all. Two rows with the same key would stand on both sides.

    Returns
    -------
    Parts
        Rounded shares.

    Raises
    ------
    LeakError
        If rows are repeated; remove the copies first.
    ValueError
        If a part would be empty.
    """
    repeated = table.duplicated(subset=key, keep=False).to_numpy()
    if repeated.any():
        again = int(table.duplicated(subset=key).sum())
        raise LeakError(
            f"rows that repeat an earlier row: {again} ({repeated.sum()} rows with those, the first of them "
            f"{table.index[repeated].tolist()[0]!r}); a random split would put copies of one row on both sides: remove "
            "the copies, or name the columns in key that tell rows apart"
        )
    role = _deal(len(table), validation, test, seed, "rows")
    return _parts(table, role, "random rows")


def user_split(
    table: pd.DataFrame,
    *,
    validation: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
    column: str = "user_id",
) -> Parts:
    """Hold back all rows of some people (or of some clips, with another column).

    Parameters
    ----------
    table : DataFrame
        Rows with the column.
    validation, test : float
        Shares of the people, above 0, together below 1.
    seed : int
        Of the choice.
    column : str
        Whose rows stay together.

    Returns
    -------
    Parts
        No one is in two of them.

    Raises
    ------
    LeakError
        If someone would be in two parts (a guarantee, checked on the result).
    ValueError
        If the column lacks a value, or a part would be empty.
    """
    codes, names = pd.factorize(_filled(table, column))
    role = _deal(len(names), validation, test, seed, "people" if column == "user_id" else f"values of {column}")[codes]
    parts = _parts(table, role, f"whole {column}")
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        shared = set(getattr(parts, one)[column]) & set(getattr(parts, other)[column])
        if shared:
            raise LeakError(f"{column} {min(shared)!r} is in {one} and in {other}")
    return parts


def leave_last_out(table: pd.DataFrame, *, least: int = 3) -> Parts:
    """Hold back each person's last row for the test and the one before it for validation.

    Parameters
    ----------
    table : DataFrame
        Rows with ``user_id`` and ``time``.
    least : int
        People with fewer rows keep all of them in train, 3 or more.

    Returns
    -------
    Parts
        Of a person's rows, none in train is later than the held-back ones; of rows at one instant, the later in
        the table counts as later.

    Raises
    ------
    ValueError
        If `least` is below 3, a time or a name is absent, or nobody has enough rows.
    LeakError
        If a person's training row is later than a held-back one (a guarantee, checked on the result).
    """
    if least < 3:
        raise ValueError(f"least is 3 or more, one row for each part, got {least}")
    if table["time"].isna().any():
        raise ValueError(f"row {table.index[table['time'].isna()][0]!r} has no time; nobody knows whether it is last")
    codes = pd.factorize(_filled(table, "user_id"))[0]
    order = np.lexsort((np.arange(len(table)), microseconds(table["time"]), codes))
    total = np.bincount(codes, minlength=1)
    from_end = np.empty(len(table), dtype=np.int64)
    from_end[order] = np.cumsum(total)[codes[order]] - 1 - np.arange(len(table))
    enough = total[codes] >= least
    if not enough.any():
        raise ValueError(f"no user_id has {least} rows or more; the longest history has {total.max(initial=0)}")
    role = np.select([enough & (from_end == 0), enough & (from_end == 1)], [2, 1], default=0)
    parts = _parts(table, role, "last two rows of each user_id")
    newest = parts.train["time"].groupby(parts.train["user_id"]).max()
    for name, held in (("validation", parts.validation), ("test", parts.test)):
        late = np.flatnonzero(newest.reindex(held["user_id"]).array > held["time"].array)
        if len(late):
            raise LeakError(f"user_id {held['user_id'].iloc[late[0]]!r} has a training row later than the {name} row")
    return parts


def cold_people(
    table: pd.DataFrame, *, validation_from: pd.Timestamp, test_from: pd.Timestamp, column: str = "user_id"
) -> Split:
    """Test on people who appear for the first time after the model was trained.

    Parameters
    ----------
    table : DataFrame
        Rows with ``time`` and the column.
    validation_from, test_from : Timestamp
        First instants of the two later parts.
    column : str
        Who must be new.

    Returns
    -------
    Split
        Train is everything before the first moment; validation has the rows between the moments of people absent
        from train; test has the later rows of people absent from both of those times.

    Raises
    ------
    ValueError
        As :func:`~avrec_lib.prepare.splits.temporal_split`, or if nobody new appears.
    LeakError
        If a later part would hold a person of an earlier one (a guarantee, checked on the result).
    """
    names = _filled(table, column)
    cut = temporal_split(table, validation_from=validation_from, test_from=test_from)
    known, later = set(names[cut.train.index]), set(names[cut.validation.index])
    parts = {
        "validation": cut.validation[~cut.validation[column].isin(known)],
        "test": cut.test[~cut.test[column].isin(known | later)],
    }
    for name, part in parts.items():
        if part.empty:
            raise ValueError(f"no new {column} appears in the {name} part, so that nothing can be tested there")
    if set(parts["validation"][column]) & known or set(parts["test"][column]) & (known | later):
        raise LeakError(f"a {column} that was known before is in a cold part")
    return Split(cut.train, parts["validation"], parts["test"], cut.validation_from, cut.test_from)


def cold_clips(
    table: pd.DataFrame, *, validation_from: pd.Timestamp, test_from: pd.Timestamp, column: str | None = None
) -> Split:
    """Test on clips that appear for the first time after the model was trained.

    Parameters
    ----------
    table : DataFrame
        Rows with ``time`` and the column; give rows that have a clip, not searches.
    validation_from, test_from : Timestamp
        As for :func:`cold_people`.
    column : str, optional
        What must be new; by default ``item_id`` if there is one, else ``clip_id``.

    Returns
    -------
    Split
        As :func:`cold_people`, of clips.
    """
    column = column or ("item_id" if "item_id" in table else "clip_id")
    return cold_people(table, validation_from=validation_from, test_from=test_from, column=column)


def first_rows(table: pd.DataFrame, *, share: float = 0.5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut each person's rows in two by time: what a new person may show of themself, and what is asked for.

    A recommender that has never seen somebody is served the first part as a history, without being fitted on it, and
    is held against the second.

    Parameters
    ----------
    table : DataFrame
        Rows with ``user_id`` and ``time``, such as the test part of :func:`user_split` or :func:`cold_people`.
    share : float
        Share of each person's rows that is given, in (0, 1), rounded down, at least one row. A person with one row has
        nothing left to ask for.

    Returns
    -------
    given, asked : DataFrame
        Each in the order of the table; of rows at one instant, the earlier in the table is earlier.

    Raises
    ------
    ValueError
        If `share` is out of range, a time or a name is absent, or nothing is left to ask for.
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"share must be in (0, 1), got {share}")
    if table["time"].isna().any():
        raise ValueError(f"row {table.index[table['time'].isna()][0]!r} has no time; nobody knows whether it is first")
    codes = pd.factorize(_filled(table, "user_id"))[0]
    order = np.lexsort((np.arange(len(table)), microseconds(table["time"]), codes))
    total = np.bincount(codes, minlength=1)
    place = np.empty(len(table), dtype=np.int64)
    place[order] = np.arange(len(table)) - (np.cumsum(total) - total)[codes[order]]
    given = place < np.maximum(1, np.floor(share * total).astype(np.int64))[codes]
    if given.all():
        raise ValueError("nobody has two rows: nothing is left to ask for")
    return table[given], table[~given]


def _parts(table: pd.DataFrame, role: np.ndarray, rule: str) -> Parts:
    return Parts(table[role == 0], table[role == 1], table[role == 2], rule)


def _filled(table: pd.DataFrame, column: str) -> pd.Series:
    if column not in table:
        raise ValueError(f"there is no column {column!r}, only {', '.join(map(str, table))}")
    if not table.index.is_unique:
        raise ValueError("index labels are not unique; number the rows first: table.reset_index(drop=True)")
    names = table[column]
    if names.isna().any():
        raise ValueError(f"row {table.index[names.isna()][0]!r} has no {column}; leave such rows out first")
    return names


def _deal(count: int, validation: float, test: float, seed: int, what: str) -> np.ndarray:
    """Return 0, 1 or 2 (train, validation, test) for each of `count` things."""
    if not (validation > 0.0 and test > 0.0 and validation + test < 1.0):
        raise ValueError(f"validation and test are shares above 0, together below 1, got {validation} and {test}")
    sizes = round(validation * count), round(test * count)
    if min(*sizes, count - sum(sizes)) < 1:
        raise ValueError(f"{count} {what} are too few for shares of {validation} and {test}: a part would be empty")
    role = np.zeros(count, dtype=np.int8)
    order = np.random.default_rng([seed, _STREAM]).permutation(count)
    role[order[: sizes[1]]] = 2
    role[order[sizes[1] : sum(sizes)]] = 1
    return role
