"""Sessions cut from a log by silence, and the funnel from a slate to a like."""

import numpy as np
import pandas as pd

from avrec_lib.collect.signals import FINISHED, watch_fraction
from avrec_lib.tables import require_columns

__all__ = ["funnel", "sessionize"]


def sessionize(events: pd.DataFrame, gap: str | pd.Timedelta = "30min") -> pd.Series:
    """Cut each person's events into sessions: a new one begins after a silence longer than `gap`.

    Parameters
    ----------
    events : DataFrame
        Any order; read are ``user_id`` and ``time``.
    gap : str or Timedelta
        The longest silence within a session.

    Returns
    -------
    Series
        int64, by the index of `events`: the session's number. Sessions are numbered from 0 by their first event;
        those that begin at one instant, by ``user_id``.

    Raises
    ------
    ValueError
        If a column is missing, a time or a person is absent, or the gap is not positive.
    """
    require_columns(events, ["user_id", "time"], "events")
    gap = pd.Timedelta(gap)
    if not gap > pd.Timedelta(0):
        raise ValueError(f"gap must be positive, not {gap}")
    for name in ("user_id", "time"):
        if events[name].isna().any():
            raise ValueError(f"row {events.index[events[name].isna()][0]!r} has no {name}")
    if events.empty:
        return pd.Series(np.empty(0, dtype=np.int64), index=events.index, name="session")
    user = pd.factorize(events["user_id"], sort=True)[0]
    time = pd.to_datetime(events["time"], utc=True).dt.tz_localize(None).to_numpy("datetime64[ns]").astype(np.int64)
    order = np.lexsort((time, user))
    user, time = user[order], time[order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (user[1:] != user[:-1]) | (np.diff(time) > gap.value)
    session = np.cumsum(begins) - 1
    # Sessions were counted person by person; now they are renumbered by their beginnings.
    by_begin = np.empty(session[-1] + 1, dtype=np.int64)
    by_begin[np.lexsort((user[begins], time[begins]))] = np.arange(len(by_begin))
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = by_begin[session]
    return pd.Series(numbers, index=events.index, name="session")


def funnel(events: pd.DataFrame, clips: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count how many showings of a clip lead how far.

    A showing is a clip in a session that it was an impression in. It counts once for a step, however often the step
    was taken, and only if it has come through the step before (the column ``of``). So a robot's click, which no slate
    led to, counts nowhere. *Half* and *finish* mean what :func:`avrec_lib.collect.signals.watch_fraction` and
    :data:`avrec_lib.collect.signals.FINISHED` say: a watch that cannot have been reaches neither.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema; read are ``session_id``, ``clip_id``, ``kind`` and ``watch_seconds``.
    clips : DataFrame, optional
        The ``clips`` schema; read are ``clip_id`` and ``duration_seconds``. Without it the steps *half* and *finish*
        cannot be told and are left out.

    Returns
    -------
    DataFrame
        ``step``, ``count`` (showings), ``share`` (of all showings), ``of`` (the step before) and ``passed`` (the
        share of those).

    Raises
    ------
    ValueError
        If a column is missing, or a clip comes twice.
    """
    require_columns(events, ["session_id", "clip_id", "kind", "watch_seconds"], "events")
    known = events[events["clip_id"].notna()]
    steps: list[tuple[str, str, pd.Series]] = [
        ("impression", "", known["kind"] == "impression"),
        ("click", "impression", known["kind"] == "click"),
        ("watch", "click", known["kind"] == "watch"),
    ]
    if clips is not None:
        fraction = watch_fraction(known, clips)
        steps += [("half", "watch", fraction >= 0.5), ("finish", "half", fraction >= FINISHED)]
    steps += [(kind, "click", known["kind"] == kind) for kind in ("like", "share", "comment", "rating")]
    showing = pd.factorize(pd.MultiIndex.from_frame(known[["session_id", "clip_id"]]))[0]
    size = int(showing.max()) + 1 if len(showing) else 0
    passed = {"": np.ones(size, dtype=bool)}
    rows = []
    for step, of, mask in steps:
        reached = np.zeros(size, dtype=bool)
        reached[showing[mask.to_numpy(dtype=bool)]] = True
        passed[step] = reached & passed[of]
        rows.append((step, int(passed[step].sum()), of))
    table = pd.DataFrame(rows, columns=["step", "count", "of"])
    count = table.set_index("step")["count"]
    before = table["of"].map(count)
    table["share"] = table["count"] / max(int(count["impression"]), 1)
    table["passed"] = (table["count"] / before.where(before > 0)).astype("float64")
    return table[["step", "count", "share", "of", "passed"]]
