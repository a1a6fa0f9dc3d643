"""Events that cannot have happened as they are written."""

import numpy as np
import pandas as pd

from avrec_lib.prepare.report import Report, account
from avrec_lib.tables import require_columns

__all__ = ["remove_impossible"]


def remove_impossible(
    events: pd.DataFrame,
    clips: pd.DataFrame,
    users: pd.DataFrame | None = None,
    *,
    slack: float = 1.05,
    tolerance: str = "1min",
    mend: bool = False,
) -> tuple[pd.DataFrame, Report]:
    """Remove events that contradict their clip, their person or themselves.

    The reasons, the first that holds being the one told: a clip or a person that nobody knows, an event before the clip
    was released or before the person joined, a watch without a length, of negative length, or far longer than the clip.

    A watch is stamped when it ends and follows its click, so the time between the two tells how long it really
    was. With `mend`, a watch of impossible length is given that length where the session holds exactly one click
    on the clip and the length is possible.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema; clocks repaired.
    clips : DataFrame
        The ``clips`` schema; read are ``clip_id``, ``duration_seconds`` and ``release_time``.
    users : DataFrame, optional
        The ``users`` schema; without it nothing is said about people.
    slack : float
        A watch may be longer than its clip by this factor.
    tolerance : str or Timedelta
        An event may be so much before the release or the joining: clocks differ.
    mend : bool
        Whether to restore lengths of watches instead of removing the rows.

    Returns
    -------
    events : DataFrame
        Order and labels kept.
    report : Report
        The rows removed, with their reasons, and the watches mended.

    Raises
    ------
    ValueError
        If `slack` is below 1, a column is absent, or a clip or a person is listed twice.
    """
    require_columns(events, ["user_id", "clip_id", "kind", "time", "watch_seconds", "session_id"], "events")
    require_columns(clips, ["clip_id", "duration_seconds", "release_time"], "clips", unique="clip_id")
    if users is not None:
        require_columns(users, ["user_id", "joined"], "users", unique="user_id")
    if slack < 1.0:
        raise ValueError(f"slack is how many times its clip a watch may last, at least 1, got {slack}")
    before = pd.Timedelta(tolerance)
    facts = clips.set_index("clip_id")
    named = events["clip_id"].notna()
    longest = facts["duration_seconds"].reindex(events["clip_id"]).to_numpy(dtype=np.float64) * slack
    watch = (events["kind"] == "watch").to_numpy()
    seconds = events["watch_seconds"].to_numpy(dtype=np.float64, copy=True)

    mended = np.zeros(len(events), dtype=bool)
    if mend:
        wrong = watch & ~((seconds >= 0.0) & (seconds <= longest))
        real = _seconds_since_click(events, wrong)
        mended[wrong] = (real >= 0.0) & (real <= longest[wrong])
        seconds[mended] = real[mended[wrong]]
    rules: list[tuple[str, np.ndarray]] = [
        ("clip is not in the catalogue", (named & ~events["clip_id"].isin(facts.index)).to_numpy()),
        (
            "before the clip was released",
            _earlier(events["time"] + before, facts["release_time"].reindex(events["clip_id"])),
        ),
        ("watch without a length", watch & np.isnan(seconds)),
        ("watch of negative length", watch & (seconds < 0.0)),
        ("watch far longer than its clip", watch & (seconds > longest)),
    ]
    if users is not None:
        joined = users.set_index("user_id")["joined"].reindex(events["user_id"])
        rules.insert(1, ("person is not in the list", (~events["user_id"].isin(users["user_id"])).to_numpy()))
        rules.insert(3, ("before the person joined", _earlier(events["time"] + before, joined)))
    names = np.array([name for name, _ in rules], dtype=object)
    held = np.column_stack([mask for _, mask in rules]).astype(bool)
    bad = np.asarray(held.any(axis=1))
    kept = events.assign(watch_seconds=seconds).loc[~bad]
    removed = account(events.index.to_numpy()[bad], names[held[bad].argmax(axis=1)])
    changed = account(events.index.to_numpy()[mended & ~bad], "length of the watch restored from its click")
    return kept, Report("impossible", len(events), len(kept), removed, changed)


def _earlier(times: pd.Series, moments: pd.Series) -> np.ndarray:
    """Compare row by row, whatever the labels; an unknown moment is never later."""
    return (times.reset_index(drop=True) < moments.reset_index(drop=True)).to_numpy()


def _seconds_since_click(events: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Return, for chosen rows, seconds since the one click of the session on the same clip; NaN where not just one."""
    clicks = events.loc[events["kind"] == "click", ["session_id", "clip_id", "time"]]
    clicks = clicks.drop_duplicates(["session_id", "clip_id"], keep=False)
    wanted = events.loc[rows, ["session_id", "clip_id", "time"]]
    found = wanted.merge(clicks, on=["session_id", "clip_id"], how="left", suffixes=("", "_click"))
    return (found["time"] - found["time_click"]).dt.total_seconds().to_numpy(dtype=np.float64)
