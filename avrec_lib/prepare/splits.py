"""From a log of events to graded interactions, and from a table of the past to past, present and future."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from avrec_lib.collect.signals import share_watched
from avrec_lib.tables import check, require_columns

__all__ = [
    "ACTION_VALUES",
    "Interactions",
    "LeakError",
    "Split",
    "interactions_from",
    "refuse_columns",
    "refuse_later",
    "temporal_split",
]

ACTION_VALUES: dict[str, float] = {"click": 0.1, "comment": 0.5, "like": 1.0, "share": 1.0}
"""What an action adds to the value of a person's meeting with a clip; a full watch adds 1."""


class LeakError(ValueError):
    """Raised when what stands for the past holds something later."""


class Interactions(NamedTuple):
    """What :func:`interactions_from` returns.

    Attributes
    ----------
    table : DataFrame
        ``user_id, item_id, value, time`` (the ``interactions`` schema), one row a pair, sorted by time.
    repaired : Series
        How many events were removed or clipped, by reason.
    """

    table: pd.DataFrame
    repaired: pd.Series


@dataclass(frozen=True)
class Split:
    """A table cut at two moments.

    Attributes
    ----------
    train, validation, test : DataFrame
        The rows before the first moment, between the two, and from the second on.
    validation_from, test_from : Timestamp
        The two moments.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame
    validation_from: pd.Timestamp
    test_from: pd.Timestamp

    @property
    def before_test(self) -> pd.DataFrame:
        """What is known when the test begins: train and validation together."""
        return pd.concat([self.train, self.validation], ignore_index=True)


def refuse_later(table: pd.DataFrame, moment: pd.Timestamp, *, what: str = "the table") -> pd.DataFrame:
    """Return a table unchanged if all of it lies before a moment.

    Parameters
    ----------
    table : DataFrame
        Has a column ``time``.
    moment : Timestamp
        The first instant that the table may not hold.
    what : str
        Name of the table, for the message.

    Returns
    -------
    DataFrame
        The same table.

    Raises
    ------
    LeakError
        If a row is at the moment or later, or has no time.
    """
    late = ~(table["time"] < moment).to_numpy()
    if late.any():
        first = table.index[late][0]
        raise LeakError(
            f"{what} may hold only rows before {moment}, but {late.sum()} of {len(table)} rows are not, "
            f"first row {first!r} with time {table.loc[first, 'time']}"
        )
    return table


def refuse_columns(columns: Iterable[str], made_after: Iterable[str]) -> list[str]:
    """Refuse features that the target itself has filled.

    Parameters
    ----------
    columns : iterable of str
        Names of features.
    made_after : iterable of str
        Columns that are written when, or after, the predicted event happens: the label, and all that counts it.

    Returns
    -------
    list of str
        The names of features, if none of them is refused.

    Raises
    ------
    LeakError
        If one is; the message names it.
    """
    names = list(columns)
    found = sorted(set(names) & set(made_after))
    if found:
        raise LeakError(f"{', '.join(found)} is written when the predicted event happens, or later; leave it out")
    return names


def temporal_split(events: pd.DataFrame, *, validation_from: pd.Timestamp, test_from: pd.Timestamp) -> Split:
    """Cut a table at two moments, so that nothing later is learned from.

    Parameters
    ----------
    events : DataFrame
        Any table with a column ``time``: events or interactions.
    validation_from : Timestamp
        First instant of the validation part.
    test_from : Timestamp
        First instant of the test part, later than ``validation_from``.

    Returns
    -------
    Split
        Three tables, each in the order of ``events`` with its index kept.

    Raises
    ------
    ValueError
        If the moments are not in order, a time is missing, or a part would be empty.
    LeakError
        If a part would hold a row of a later one (a guarantee, checked on the result).
    """
    validation_from, test_from = pd.Timestamp(validation_from), pd.Timestamp(test_from)
    if not validation_from < test_from:
        raise ValueError(f"validation_from ({validation_from}) must be before test_from ({test_from})")
    time = events["time"]
    if time.isna().any():
        raise ValueError(f"row {events.index[time.isna()][0]!r} has no time; a row without one belongs to no part")
    parts = {
        "train": events[time < validation_from],
        "validation": events[(time >= validation_from) & (time < test_from)],
        "test": events[time >= test_from],
    }
    for name, part in parts.items():
        if part.empty:
            raise ValueError(f"the {name} part is empty: times run from {time.min()} to {time.max()}")
    refuse_later(parts["train"], validation_from, what="train")
    refuse_later(parts["validation"], test_from, what="validation")
    return Split(**parts, validation_from=validation_from, test_from=test_from)


def interactions_from(
    events: pd.DataFrame, clips: pd.DataFrame, *, values: dict[str, float] | None = None, slack: float = 1.05
) -> Interactions:
    r"""Grade how much each person got out of each clip that they met and took.

    .. math:: v_{ui} = \max_t \frac{\mathrm{watched}_{uit}}{\mathrm{duration}_i}
              + \sum_{a \in A_{ui}} w_a + \frac{\mathrm{rating}_{ui} - 3}{2}

    where :math:`A_{ui}` are the kinds of action that happened at least once, :math:`w_a` their values, and the last
    term is there only for a pair that was rated. The sum is kept at zero or above. A pair that was only shown has no
    row, because *not taken* is not *disliked*: the clip may never have been looked at.

    Call it on each side of a cut, after the cut (:func:`temporal_split` of the events first). Made from the whole log,
    a pair's value already holds what the person did in the test weeks, and its time is the last of its events: such a
    table, cut afterwards, teaches the model its own answers, and no check of times can notice.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema. Give only the part of the log that may be known.
    clips : DataFrame
        The ``clips`` schema; read are ``clip_id`` and ``duration_seconds``.
    values : dict, optional
        :math:`w_a` by kind of event; default :data:`ACTION_VALUES`.
    slack : float
        A watch may be longer than its clip by this factor before it is counted as impossible. All are cut to the
        clip's length.

    Returns
    -------
    Interactions
        The table, and a count of what was removed or clipped.

    Raises
    ------
    ValueError
        If a table lacks a column, a clip is listed twice, or a clip has no positive duration.
    """
    values = ACTION_VALUES if values is None else values
    wanted = ["user_id", "clip_id", "kind", "time", "watch_seconds", "value"]
    require_columns(events, wanted, "events")
    require_columns(clips, ["clip_id", "duration_seconds"], "clips", unique="clip_id")
    duration = clips.set_index("clip_id")["duration_seconds"].astype("float64")
    if not (duration > 0.0).all():
        raise ValueError(f"clip {duration.index[~(duration > 0.0)][0]!r} has no positive duration_seconds")
    taken = events.loc[events["kind"].isin([*values, "watch", "rating"]), wanted]
    repaired: dict[str, int] = {}

    def keep(table: pd.DataFrame, mask: pd.Series, reason: str) -> pd.DataFrame:
        repaired[reason] = int((~mask).sum())
        return table[mask]

    taken = keep(taken, ~taken.duplicated(), "repeated event, removed")
    taken = keep(taken, taken["clip_id"].isin(duration.index), "unknown clip, removed")
    watched = taken["kind"] == "watch"
    possible = ~watched | (taken["watch_seconds"] >= 0.0).fillna(value=False).astype(bool)
    taken = keep(taken, possible, "watch time missing or negative, removed")
    fraction = share_watched(taken, clips).where(taken["kind"] == "watch", 0.0)
    repaired["watch time longer than the clip, cut"] = int((fraction > slack).sum())

    kind = taken["kind"].astype(str)
    per_kind = pd.DataFrame(
        {
            "user_id": taken["user_id"],
            "item_id": taken["clip_id"],
            "kind": kind,
            "part": np.select(
                [kind == "watch", kind == "rating"],
                [fraction.clip(upper=1.0), (taken["value"].astype("float64") - 3.0) / 2.0],
                default=kind.map(values).astype("float64"),
            ),
            "time": taken["time"],
        }
    )
    # A kind counts once a pair, however often it came: a person who watches twice is not two people.
    best = per_kind.groupby(["user_id", "item_id", "kind"], sort=False).agg(part=("part", "max"), time=("time", "max"))
    pairs = best.groupby(["user_id", "item_id"], sort=False).agg(value=("part", "sum"), time=("time", "max"))
    table = pairs.reset_index()
    table["value"] = table["value"].clip(lower=0.0).astype("float64")
    table = table.sort_values(["time", "user_id", "item_id"], ignore_index=True)
    return Interactions(check(table, "interactions"), pd.Series(repaired, name="events", dtype="int64"))
