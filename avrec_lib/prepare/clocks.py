"""Clocks that are wrong, and rows that came late.

The server stamps what it shows; a person's device stamps what the person does. A device
whose clock is two hours ahead reports clicks two hours after the slate
that they answer. The delay between showing and the first click tells how wrong it is.
"""

import numpy as np
import pandas as pd

from avrec_lib.prepare.report import Report, account, joined_accounts
from avrec_lib.tables import EVENT_KINDS, microseconds, require_columns

__all__ = ["arrival_waits", "estimate_clock_errors", "repair_clocks", "sort_by_time"]

_WIDEST = 60.0  # seconds


def _numbered(*columns: pd.Series) -> list[np.ndarray]:
    """Give the values of several columns their numbers in one common list; an absent value is -1."""
    codes = pd.factorize(pd.concat(columns, ignore_index=True))[0]
    ends = np.cumsum([len(column) for column in columns])[:-1]
    return list(np.split(codes.astype(np.int64), ends))


def _answers(events: pd.DataFrame) -> pd.DataFrame:
    """Return ``user_id, position, delay`` (seconds): first click of each slate after the slate; searches before it."""
    kind = events["kind"]
    shown, clicks = events[kind == "impression"], events[kind == "click"]
    session, click_session = _numbered(shown["session_id"], clicks["session_id"])
    clip, click_clip = _numbered(shown["clip_id"], clicks["clip_id"])
    width = max(int(clip.max(initial=0)), int(click_clip.max(initial=0))) + 1
    key = session * width + clip
    # A clip that one session showed twice leaves open which showing was answered.
    at = np.flatnonzero(~pd.Series(key).duplicated(keep=False).to_numpy())
    found = pd.Index(key[at]).get_indexer(pd.Index(click_session * width + click_clip))
    clicks, source = clicks[found >= 0], at[found[found >= 0]]
    slate_time = microseconds(shown["time"])[source]
    answers = pd.DataFrame(
        {
            "user_id": clicks["user_id"].to_numpy(dtype=object),
            "session": session[source],
            "slate": slate_time,
            "position": shown["position"].to_numpy(dtype=np.int64, na_value=0)[source],
            "delay": (microseconds(clicks["time"]) - slate_time) / 1e6,
        }
    )
    answers = answers.sort_values("delay", kind="stable").drop_duplicates(["session", "slate"])
    searches = events[kind == "search"]
    first = shown.assign(time=microseconds(shown["time"])).groupby("session_id")["time"].min().astype("float64")
    begun = first.reindex(searches["session_id"]).to_numpy()
    asked = pd.DataFrame(
        {
            "user_id": searches["user_id"].to_numpy(dtype=object),
            "position": -1,
            "delay": (microseconds(searches["time"]) - begun) / 1e6,
        }
    )
    columns = ["user_id", "position", "delay"]
    return pd.concat([answers[columns], asked.loc[asked["delay"].notna(), columns]], ignore_index=True)


def estimate_clock_errors(events: pd.DataFrame) -> pd.DataFrame:
    """Estimate how wrong each person's device clock is.

    What a person does first after a slate was shown comes a few seconds later, more of them the further down it is. The
    usual delay at each position (a median over all people, most of whose clocks are right) is taken off; the
    person's median of what is left is the error of the clock. People who never clicked are judged by their searches.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema, in any order; copies removed.

    Returns
    -------
    DataFrame
        By ``user_id``: ``seconds`` (positive where the device is ahead), ``spread`` (median distance of the single
        estimates from it, seconds), ``readings`` (their number). A person with none has no row.

    Raises
    ------
    ValueError
        If a column is absent, or an impression, click or search has no time.
    """
    require_columns(events, ["user_id", "clip_id", "kind", "time", "position", "session_id"], "events")
    answers = _answers(events)
    answers["error"] = answers["delay"] - answers.groupby("position")["delay"].transform("median")
    clicked = answers.loc[answers["position"] >= 0, "user_id"]
    answers = answers[(answers["position"] >= 0) | ~answers["user_id"].isin(clicked)]
    by_person = answers.groupby("user_id")["error"]
    middle = by_person.median()
    away = (answers["error"] - answers["user_id"].map(middle)).abs()
    table = pd.DataFrame(
        {"seconds": middle, "spread": away.groupby(answers["user_id"]).median(), "readings": by_person.size()}
    )
    table.index = table.index.astype("str")
    return table.rename_axis("user_id")


def repair_clocks(events: pd.DataFrame, *, least: str = "2min", least_readings: int = 1) -> tuple[pd.DataFrame, Report]:
    """Set back what wrong clocks stamped.

    A person whose single estimates lie further apart than a minute has no constant error, and is left alone. A single
    reading has no spread, so nothing tells a wrong clock from one slow answer. That is enough where everybody answers
    within seconds, as in a simulated world; elsewhere ask for several.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema, in the order of arrival.
    least : str or Timedelta
        A clock that is wrong by less is left alone: the estimate is good to seconds only.
    least_readings : int
        A person with fewer single estimates is left alone, at least 1.

    Returns
    -------
    events : DataFrame
        With ``time`` corrected for all but impressions, which the server stamped; order and labels kept.
    report : Report
        In `changed` one row a person, with the seconds.

    Raises
    ------
    ValueError
        As :func:`estimate_clock_errors`, or if no reading is asked for.
    """
    if least_readings < 1:
        raise ValueError(f"least_readings is a number of single estimates, at least 1, got {least_readings}")
    errors = estimate_clock_errors(events)
    far = errors["seconds"].abs() >= pd.Timedelta(least).total_seconds()
    wrong = errors[far & (errors["spread"] <= _WIDEST) & (errors["readings"] >= least_readings)]
    shift = wrong["seconds"].reindex(events["user_id"]).fillna(0.0).to_numpy(dtype=np.float64, copy=True)
    shift[(events["kind"] == "impression").to_numpy()] = 0.0
    moved = np.rint(shift * 1e6).astype(np.int64)
    repaired = events.assign(time=events["time"] - pd.to_timedelta(pd.Series(moved, index=events.index), unit="us"))
    repaired["time"] = repaired["time"].astype(events["time"].dtype)
    said = [f"device clock {'ahead' if gap > 0 else 'behind'}, set right" for gap in wrong["seconds"]]
    return repaired, Report("clocks", len(events), len(events), changed=account(wrong.index, said), named="users")


def arrival_waits(events: pd.DataFrame) -> pd.Series:
    """Tell how long each row must have waited before it arrived, at the least.

    A row that stands behind a later one arrived after that one happened. The wait is counted from the latest event
    that had arrived already, so it is a lower bound: a row that overtook nothing shows no wait.

    Parameters
    ----------
    events : DataFrame
        In the order of arrival, clocks repaired and copies removed.

    Returns
    -------
    Series
        Seconds, zero or more, with the labels of `events`.

    Raises
    ------
    ValueError
        If a row has no time.
    """
    require_columns(events, ["time"], "events")
    time = microseconds(events["time"])
    return pd.Series((np.maximum.accumulate(time) - time) / 1e6, index=events.index, name="wait")


def sort_by_time(events: pd.DataFrame, *, slack: str = "0s", late: str = "1h") -> tuple[pd.DataFrame, Report]:
    """Put a log that is in the order of arrival into the order of time.

    Rows of one instant are ordered by session, kind and position, so that the result does not depend on the order of
    arrival.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema, in the order of arrival; clocks repaired and copies removed.
    slack : str or Timedelta
        Rows that waited no longer are not worth mentioning; they are sorted all the same.
    late : str or Timedelta
        From this wait on a row is called late, below it out of order.

    Returns
    -------
    events : DataFrame
        The same rows and labels, sorted.
    report : Report
        In `changed` the rows that had waited.

    Raises
    ------
    ValueError
        If a column is absent or a row has no time.
    """
    require_columns(events, ["kind", "time", "position", "session_id"], "events")
    waits = arrival_waits(events)
    border = pd.Timedelta(late).total_seconds()
    waited = waits[waits > pd.Timedelta(slack).total_seconds()]
    tardy = waited >= border
    changed = joined_accounts(
        [account(waited.index[tardy], f"arrived {late} late or later"), account(waited.index[~tardy], "out of order")]
    )
    kind = pd.Index(EVENT_KINDS).get_indexer(pd.Index(events["kind"]))
    position = events["position"].fillna(0).to_numpy(dtype=np.int64)
    session = pd.factorize(events["session_id"], sort=True)[0]
    time = microseconds(events["time"])
    ordered = events.iloc[np.lexsort((position, kind, session, time))]
    return ordered, Report("order", len(events), len(events), changed=changed)
