"""Rows that arrived twice, told apart from people who did something twice.

A person who plays a song four times says something; a telephone that sent its
message twice does not. Taking away equal rows without looking at the time mixes the two.
"""

import numpy as np
import pandas as pd

from avrec_lib.prepare.report import Report, account
from avrec_lib.tables import microseconds, require_columns

__all__ = ["remove_repeats"]

_KEY = ("user_id", "clip_id", "kind", "session_id")
_PAYLOAD = ("position", "watch_seconds", "value", "text")


def remove_repeats(events: pd.DataFrame, *, window: str = "5s") -> tuple[pd.DataFrame, Report]:
    """Remove second copies of an event: the same person, clip, kind and session within a short time.

    What was measured with the event (seconds watched, place in the slate, stars, words) must be equal too: two
    watches of different length within five seconds are two watches. Each row is held against the one before it in
    time, so of three copies one is left. The copy that arrived first is kept.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema, in the order of arrival, with unique index labels.
    window : str or Timedelta
        Longest time between two copies. Zero removes only copies with the same time.

    Returns
    -------
    events : DataFrame
        Without the copies, in the same order and with the same labels.
    report : Report
        The copies, by index label.

    Raises
    ------
    ValueError
        If the window is negative, a column is absent, a row has no time, or index labels are not unique.
    """
    require_columns(events, [*_KEY, *_PAYLOAD, "time"], "events")
    width = pd.Timedelta(window)
    if width < pd.Timedelta(0):
        raise ValueError(f"window is the longest time between two copies, zero or more, got {window}")
    if not events.index.is_unique:
        label = events.index[events.index.duplicated()][0]
        raise ValueError(f"index label {label} occurs twice; number the rows first: events.reset_index(drop=True)")
    group = np.zeros(len(events), dtype=np.int64)
    for name in (*_KEY, *_PAYLOAD):
        codes, values = pd.factorize(events[name], use_na_sentinel=False)
        # Numbered anew after each column, so that the product of the counts cannot overflow.
        group = np.unique(group * (len(values) + 1) + codes, return_inverse=True)[1]
    time = microseconds(events["time"])
    order = np.lexsort((np.arange(len(events)), time, group))
    same = group[order[1:]] == group[order[:-1]]
    near = time[order[1:]] - time[order[:-1]] <= width.value // 1000
    chained = np.concatenate([[False], same & near]) if len(events) else np.zeros(0, dtype=bool)
    # Within a chain of copies the one that arrived first stays, whatever the times say.
    chain = np.empty(len(events), dtype=np.int64)
    chain[order] = np.cumsum(~chained)
    first = np.zeros(len(events), dtype=bool)
    first[np.unique(chain, return_index=True)[1]] = True
    kept = events[first]
    return kept, Report("repeats", len(events), len(kept), account(events.index[~first], "second copy of an event"))
