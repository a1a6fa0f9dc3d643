"""What a person did, as numbers, seen from one moment: nothing at that moment or later counts."""

from typing import overload

import numpy as np
import pandas as pd

from avrec_lib.collect.signals import share_watched
from avrec_lib.tables import require_columns

__all__ = ["known_before", "user_features"]

_COUNTED = ("impression", "click", "watch", "like", "share", "comment", "search", "rating")


def known_before(events: pd.DataFrame, moment: pd.Timestamp, *, arrived: pd.Series | None = None) -> pd.DataFrame:
    """Keep what was known at a moment: what had happened before it, and had arrived.

    Parameters
    ----------
    events : DataFrame
        Has a column ``time``.
    moment : Timestamp
        The first instant that is not known.
    arrived : Series, optional
        When each row arrived, by the labels of `events`; without it every row is taken to arrive when it happens.

    Returns
    -------
    DataFrame
        Rows with ``time`` strictly before the moment (a row without a time is not known), labels kept.

    Raises
    ------
    ValueError
        If `arrived` does not have a time for each row.
    """
    known = events["time"] < moment
    if arrived is not None:
        times = arrived.reindex(events.index)
        if times.isna().any():
            raise ValueError(f"row {times.index[times.isna()][0]!r} has no time of arrival")
        known &= times < moment
    return events[known]


def user_features(
    events: pd.DataFrame,
    clips: pd.DataFrame,
    moment: pd.Timestamp,
    *,
    users: pd.DataFrame | None = None,
    half_life: str = "7D",
) -> pd.DataFrame:
    r"""Describe each person by what they did strictly before a moment.

    Columns: ``n_<kind>`` counts; ``sessions``, ``active_days``, ``clips`` (different ones clicked); ``click_rate``
    (clicks an impression), ``like_rate`` (likes a click), ``watch_fraction`` (mean share watched, cut at 1),
    ``mean_rating``; ``days_since_first`` and ``days_since_last``; ``recent_clicks``, in which a click of age :math:`a`
    counts :math:`2^{-a/h}` with half-life :math:`h`; ``replays`` (watches of a clip watched before);
    ``days_since_joined`` if `users` is given.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema, cleaned; rows at the moment or later are ignored.
    clips : DataFrame
        The ``clips`` schema; read are ``clip_id`` and ``duration_seconds``.
    moment : Timestamp
        The first instant that is not known.
    users : DataFrame, optional
        The ``users`` schema: then each person who has joined before the moment has a row, also without events.
    half_life : str or Timedelta
        Of ``recent_clicks``.

    Returns
    -------
    DataFrame of float32
        By ``user_id``, sorted. Counts are 0 and means are NaN where there was nothing.

    Raises
    ------
    ValueError
        If the half-life is not positive, a column is absent, or a clip or a person is listed twice.
    """
    require_columns(events, ["user_id", "clip_id", "kind", "time", "watch_seconds", "session_id", "value"], "events")
    require_columns(clips, ["clip_id", "duration_seconds"], "clips", unique="clip_id")
    if users is not None:
        require_columns(users, ["user_id", "joined"], "users", unique="user_id")
    life = pd.Timedelta(half_life)
    if life <= pd.Timedelta(0):
        raise ValueError(f"half_life is a time above zero, got {half_life}")
    past = known_before(events, moment)
    person = past["user_id"]
    counts = pd.crosstab(person, past["kind"]).reindex(columns=list(_COUNTED), fill_value=0).add_prefix("n_")
    table = counts.rename_axis(columns=None).copy()
    by_person = past.groupby("user_id")
    table["sessions"] = by_person["session_id"].nunique()
    table["active_days"] = past["time"].dt.floor("D").groupby(person).nunique()
    clicks = past[past["kind"] == "click"]
    table["clips"] = clicks.groupby("user_id")["clip_id"].nunique().reindex(table.index, fill_value=0)
    table["click_rate"] = table["n_click"] / table["n_impression"].where(table["n_impression"] > 0)
    table["like_rate"] = table["n_like"] / table["n_click"].where(table["n_click"] > 0)
    watches = past[past["kind"] == "watch"]
    table["watch_fraction"] = share_watched(watches, clips).clip(upper=1.0).groupby(watches["user_id"]).mean()
    table["mean_rating"] = by_person["value"].mean()
    table["days_since_first"] = _days(moment - by_person["time"].min())
    table["days_since_last"] = _days(moment - by_person["time"].max())
    weight = np.exp2(-_days(moment - clicks["time"]) / _days(life))
    table["recent_clicks"] = weight.groupby(clicks["user_id"]).sum().reindex(table.index, fill_value=0.0)
    again = watches.duplicated(["user_id", "clip_id"])
    table["replays"] = again.groupby(watches["user_id"]).sum().reindex(table.index, fill_value=0)
    if users is not None:
        joined = users.set_index("user_id")["joined"]
        joined = joined[joined < moment]
        names = table.index.union(joined.index)
        table = table.reindex(names)
        counted = [*counts, "sessions", "active_days", "clips", "recent_clicks", "replays"]
        table[counted] = table[counted].fillna(0.0)
        table["days_since_joined"] = _days(moment - joined.reindex(names))
    table.index = table.index.astype("str")
    return table.astype(np.float32).rename_axis("user_id").sort_index()


@overload
def _days(spans: pd.Series) -> pd.Series: ...
@overload
def _days(spans: pd.Timedelta) -> float: ...
def _days(spans: pd.Series | pd.Timedelta) -> pd.Series | float:
    """Return spans of time in days."""
    return (spans.dt.total_seconds() if isinstance(spans, pd.Series) else spans.total_seconds()) / 86_400.0
