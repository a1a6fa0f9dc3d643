"""Machines among the people, found by what no person does.

The rules read the log alone. Each is wrong sometimes: a family shares an account, a
fan clicks all day, an impression gets lost. Two of them together are rarely wrong.
"""

import numpy as np
import pandas as pd

from avrec_lib.prepare.report import Report, account
from avrec_lib.tables import require_columns

__all__ = ["find_robots", "remove_robots"]


def find_robots(
    events: pd.DataFrame,
    *,
    clicks_a_day: int = 120,
    interval_spread: float = 0.05,
    unseen_share: float = 0.9,
    least_clicks: int = 30,
    rules: int = 2,
) -> pd.DataFrame:
    """Find accounts that click as machines do.

    Three rules: many clicks on one day; clicks at constant intervals (the middle half of the times between clicks is
    narrow against their median); clicks on clips that the session never showed.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema, in any order; copies removed.
    clicks_a_day : int
        So many clicks on one day are too many for a person.
    interval_spread : float
        Interquartile range of the intervals, as a share of their median, below which they are constant.
    unseen_share : float
        Share of clicks without an impression from which on they count as blind.
    least_clicks : int
        With fewer clicks than this, intervals and impressions say nothing.
    rules : int
        How many rules must hold, 1-3.

    Returns
    -------
    DataFrame
        ``user_id, reasons, most_clicks_a_day, interval_spread, unseen_share`` of the accounts found, by ``user_id``.

    Raises
    ------
    ValueError
        If `rules` is not 1, 2 or 3, or a column is absent.
    """
    require_columns(events, ["user_id", "clip_id", "kind", "time", "session_id"], "events")
    if rules not in (1, 2, 3):
        raise ValueError(f"rules is how many of the three rules must hold, 1-3, got {rules}")
    kind = events["kind"]
    clicks = events.loc[kind == "click", ["user_id", "clip_id", "session_id", "time"]].sort_values(
        ["user_id", "time"], kind="stable", ignore_index=True
    )
    shown = events.loc[kind == "impression", ["session_id", "clip_id"]]
    person = clicks["user_id"]
    most = clicks.groupby(["user_id", clicks["time"].dt.floor("D")]).size().groupby("user_id").max()
    seconds = clicks["time"].diff().dt.total_seconds().where(person.eq(person.shift()))
    gaps = seconds.groupby(person)
    table = pd.DataFrame({"most_clicks_a_day": most, "clicks": person.value_counts()})
    middle = gaps.quantile(0.75) - gaps.quantile(0.25)
    # Clicks at one and the same instant are as regular as clicks can be; 0 / 0 would hide them.
    table["interval_spread"] = (middle / gaps.median()).mask((middle == 0.0) & (gaps.median() == 0.0), 0.0)
    seen = pd.MultiIndex.from_frame(clicks[["session_id", "clip_id"]]).isin(pd.MultiIndex.from_frame(shown))
    table["unseen_share"] = (~pd.Series(seen, index=clicks.index)).groupby(person).mean()
    enough = table["clicks"] >= least_clicks
    broken = {
        f"{clicks_a_day} clicks or more on one day": table["most_clicks_a_day"] >= clicks_a_day,
        "constant intervals between clicks": enough & (table["interval_spread"] < interval_spread),
        "clicks on clips that were not shown": enough & (table["unseen_share"] >= unseen_share),
    }
    held = np.column_stack([mask.to_numpy(dtype=bool) for mask in broken.values()])
    found = table[held.sum(axis=1) >= rules].rename_axis("user_id")
    names = np.array(list(broken), dtype=object)
    reasons = ["; ".join(names[row]) for row in held[held.sum(axis=1) >= rules]]
    found = found.assign(reasons=pd.Series(reasons, index=found.index, dtype="str")).sort_index().reset_index()
    return found[["user_id", "reasons", "most_clicks_a_day", "interval_spread", "unseen_share"]]


def remove_robots(
    events: pd.DataFrame, users: pd.DataFrame, robots: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, Report]:
    """Take machines out of the log and out of the list of people.

    Parameters
    ----------
    events, users : DataFrame
        Per their schemas.
    robots : DataFrame, optional
        As :func:`find_robots` returns it; by default it is asked, with its own thresholds.

    Returns
    -------
    events, users : DataFrame
        Without the machines; order and labels kept.
    report : Report
        Rows of events before and after; in `removed` one row an account, not a row of events.

    Raises
    ------
    ValueError
        If a column is absent.
    """
    require_columns(events, ["user_id"], "events")
    require_columns(users, ["user_id"], "users")
    found = find_robots(events) if robots is None else robots
    names = found["user_id"]
    kept = events[~events["user_id"].isin(names)]
    people = users[~users["user_id"].isin(names)]
    return kept, people, Report("robots", len(events), len(kept), account(names, found["reasons"]), named="users")
