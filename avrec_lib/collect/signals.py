"""Reading behaviour: how much was watched, what a search led to, and what was shown and not taken.

Give these functions events that were cleaned, or the machines among the people and the
impossible watches will speak too. What a signal is worth: :mod:`avrec_lib.collect.signal_worth`.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from avrec_lib.tables import require_columns

__all__ = ["FINISHED", "graded_label", "observed_negatives", "search_intents", "share_watched", "watch_fraction"]

FINISHED = 0.9
"""A watch of this share of the clip counts as finished: players stop a little before the end."""

_SLACK = 1.05  # a player's clock is not exact; a watch longer than its clip by more than this factor is not believed

_INTENT = pd.Timedelta("30min")  # how long after a search a play may still belong to it


def share_watched(events: pd.DataFrame, clips: pd.DataFrame) -> pd.Series:
    """Divide the seconds of each watch by the length of its clip, believing everything.

    Parameters
    ----------
    events : DataFrame
        Read are `clip_id` and `watch_seconds`.
    clips : DataFrame
        Read are `clip_id` and `duration_seconds`.

    Returns
    -------
    Series
        float64, in the rows of `events`: below zero and above one where the log says so; absent where there are no
        seconds and where the clip is unknown. :func:`watch_fraction` leaves out what cannot be.

    Raises
    ------
    ValueError
        If a table lacks a column, or a clip comes twice.
    """
    require_columns(events, ["clip_id", "watch_seconds"], "events")
    require_columns(clips, ["clip_id", "duration_seconds"], "clips", unique="clip_id")
    lengths = clips.set_index("clip_id")["duration_seconds"].astype("float64")
    share = events["watch_seconds"].astype("float64") / events["clip_id"].map(lengths).astype("float64")
    return share.rename("share_watched")


def watch_fraction(events: pd.DataFrame, clips: pd.DataFrame) -> pd.Series:
    """Say which share of its clip each watch lasted.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema; read are `clip_id`, `kind` and `watch_seconds`.
    clips : DataFrame
        Read are `clip_id` and `duration_seconds`.

    Returns
    -------
    Series
        float64 in [0, 1], in the rows of `events`; absent for what is no watch, a watch of an unknown clip, and a
        watch below zero or longer than its clip by more than a twentieth. A long clip needs more patience than a
        short one for the same share.

    Raises
    ------
    ValueError
        If a table lacks a column, or a clip comes twice.
    """
    require_columns(events, ["kind"], "events")
    share = share_watched(events, clips)
    believed = (events["kind"] == "watch") & (share >= 0.0) & (share <= _SLACK)
    return share.where(believed).clip(upper=1.0).rename("watch_fraction")


def graded_label(fraction: pd.Series, *, cuts: tuple[float, ...] = (0.1, 0.5, FINISHED)) -> pd.Series:
    """Turn shares watched into grades, for measures that want whole numbers.

    Parameters
    ----------
    fraction : Series
        Shares in [0, 1], absent where unknown.
    cuts : tuple of float
        Where the next grade begins, rising.

    Returns
    -------
    Series
        ``Int8``: 0 is left at once, ``len(cuts)`` is finished; absent where `fraction` is.

    Raises
    ------
    ValueError
        If the cuts do not rise.

    Examples
    --------
    >>> graded_label(pd.Series([0.05, 0.5, 1.0])).tolist()
    [0, 2, 3]
    """
    if any(low >= high for low, high in pairwise(cuts)):
        raise ValueError(f"cuts must rise, got {cuts}")
    known = fraction.notna()
    grades = pd.Series(np.digitize(fraction.fillna(0.0), cuts), index=fraction.index, dtype="Int8")
    return grades.where(known).rename("grade")


def _words(text: pd.Series) -> pd.Series:
    """Cut texts into their words of three letters or more, in lower case: one row a word, same index."""
    # A tag such as fourOnTheFloor is four words.
    apart = text.fillna("").astype(str).str.replace(r"(?<=[a-z])(?=[A-Z])", " ", regex=True).str.lower()
    words = apart.str.findall(r"\w{3,}").explode()
    return words[words.notna()]


def search_intents(events: pd.DataFrame, clips: pd.DataFrame) -> pd.DataFrame:
    """Join each search to what the person played after it.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema.
    clips : DataFrame
        The ``clips`` schema; read are title, description and tags.

    Returns
    -------
    DataFrame
        One row a search and play: ``user_id, session_id, search_time, text, clip_id, delay_seconds,
        watch_fraction`` and ``fits`` (bool: the clip's words hold a word of the search). A search that no play
        followed has one row with an absent clip. A play after several searches belongs to the last one,
        and one more than half an hour after it, or of another session, to none.

    Raises
    ------
    ValueError
        If a table lacks a column, or a clip comes twice.
    """
    require_columns(events, ["user_id", "clip_id", "kind", "time", "session_id", "text"], "events")
    require_columns(clips, ["clip_id", "title", "description", "tags"], "clips", unique="clip_id")
    searches = events.loc[events["kind"] == "search", ["user_id", "session_id", "time", "text"]]
    searches = searches.sort_values("time", kind="stable", ignore_index=True).rename_axis("search").reset_index()
    plays = events.loc[events["kind"] == "watch", ["user_id", "session_id", "time", "clip_id"]].assign(
        watch_fraction=watch_fraction(events, clips)
    )
    followed = pd.merge_asof(
        plays.sort_values("time", kind="stable"),
        searches[["search", "user_id", "session_id", "time"]].assign(search_time=searches["time"]),
        on="time",
        by=["user_id", "session_id"],
        tolerance=_INTENT,
    ).dropna(subset="search")
    followed["search"] = followed["search"].astype("int64")
    table = searches.rename(columns={"time": "search_time"}).merge(
        followed[["search", "time", "clip_id", "watch_fraction"]], on="search", how="left"
    )
    table["delay_seconds"] = (table["time"] - table["search_time"]).dt.total_seconds()
    about = clips.set_index("clip_id")
    held = _words(about["title"] + " " + about["description"].fillna("") + " " + about["tags"].fillna(""))
    asked = _words(table["text"]).rename("word").rename_axis("row").reset_index()
    asked["clip_id"] = table["clip_id"].reindex(asked["row"]).to_numpy()
    both = asked.merge(held.rename("word").rename_axis("clip_id").reset_index().drop_duplicates())
    table["fits"] = table.index.isin(both["row"])
    names = ["user_id", "session_id", "search_time", "text", "clip_id", "delay_seconds", "watch_fraction", "fits"]
    return table[names]


def observed_negatives(events: pd.DataFrame) -> pd.DataFrame:
    """List what was shown and not taken, and whether it was looked at.

    A clip that was never looked at was not refused. Two answers are given: whether the person clicked further down
    in the same slate, so that they must have passed this one (Joachims et al. 2005, "skip above"), and how much
    less often clips are clicked at this position than at the top, as a rough chance of having been looked at.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema; a slate is what one session was shown at one moment.

    Returns
    -------
    DataFrame
        ``user_id, clip_id, time, session_id, position``, ``examined`` (bool: a click lies below), ``examination``
        (float64 in [0, 1], of the position; clicks by position also depend on what was put there).
    """
    require_columns(events, ["user_id", "clip_id", "kind", "time", "session_id", "position"], "events")
    shown = events.loc[events["kind"] == "impression", ["user_id", "clip_id", "time", "session_id", "position"]]
    clicks = events.loc[events["kind"] == "click", ["user_id", "clip_id", "session_id"]]
    same = ["user_id", "session_id", "clip_id"]
    clicked = pd.MultiIndex.from_frame(shown[same]).isin(pd.MultiIndex.from_frame(clicks[same]))
    position = shown["position"].astype("float64")
    rate = pd.Series(clicked, index=shown.index).groupby(position).mean()
    examination = (rate / rate.get(1.0, np.nan)).clip(upper=1.0)
    lowest = position.where(clicked).groupby([shown["user_id"], shown["session_id"], shown["time"]]).transform("max")
    table = shown.assign(examined=(position < lowest).to_numpy(), examination=position.map(examination))
    return table[~clicked].reset_index(drop=True)
