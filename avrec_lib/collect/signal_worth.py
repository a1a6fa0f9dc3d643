"""What each signal of a person is worth: how often it comes, how late, and what it says of the next related clip.

Everything is ordered by time: a signal is held only against what the person did afterwards.
Give cleaned events, or the machines among the people will speak too.
"""

import numpy as np
import pandas as pd

from avrec_lib.collect.signals import FINISHED, search_intents, watch_fraction
from avrec_lib.tables import require_columns

__all__ = ["signal_table"]

_STREAM = 61


def _meetings(events: pd.DataFrame, clips: pd.DataFrame) -> pd.DataFrame:
    """Gather what each person did with each clip that they took: one row a (person, clip), with a flag a signal."""
    taken = events[events["clip_id"].notna() & (events["kind"] != "impression")]
    fraction = watch_fraction(taken, clips)
    kind, value = taken["kind"], taken["value"].astype("float64")
    marks = {
        "half": fraction >= 0.5,
        "finish": fraction >= FINISHED,
        "like": kind == "like",
        "share": kind == "share",
        "comment": kind == "comment",
        "rating-high": (kind == "rating") & (value >= 4.0),
        "rating-low": (kind == "rating") & (value <= 2.0),
    }
    table = taken[["user_id", "clip_id", "time"]].assign(**marks)
    table["clicked"] = table["time"].where(kind == "click")
    for name, mark in marks.items():
        table[f"{name} at"] = table["time"].where(mark)
    grouped = table.groupby(["user_id", "clip_id"], sort=False)
    met = grouped[list(marks)].any()
    met["time"] = grouped["time"].max()
    first = grouped[["clicked", *(f"{name} at" for name in marks)]].min()
    met = met.join(first).reset_index()
    found = search_intents(events, clips)
    found = found[found["fits"]].drop_duplicates(["user_id", "clip_id"])
    searched = found[["user_id", "clip_id", "search_time"]].rename(columns={"search_time": "search at"})
    met = met.merge(searched, on=["user_id", "clip_id"], how="left")
    met["search"] = met["search at"].notna()
    return met


def _related(clips: pd.DataFrame, by: str) -> pd.DataFrame:
    """List ``clip_id, key``: two clips that share a key are related."""
    if by == "creator":
        return clips[["clip_id", "creator_id"]].rename(columns={"creator_id": "key"})
    if by == "tags":
        tags = clips.set_index("clip_id")["tags"].dropna().str.lower().str.split("|").explode()
        return tags[tags != ""].rename("key").reset_index().drop_duplicates()
    raise ValueError(f"by is 'creator' or 'tags', got {by!r}")


def _next_related(met: pd.DataFrame, events: pd.DataFrame, clips: pd.DataFrame, by: str) -> pd.Series:
    """Find, for each meeting, the share watched of the person's next related clip; absent where none followed."""
    keys = _related(clips, by)
    plays = events.loc[events["kind"] == "watch", ["user_id", "clip_id", "time"]].assign(
        fraction=watch_fraction(events, clips)
    )
    plays = plays.dropna(subset="fraction").sort_values("time", kind="stable").drop_duplicates(["user_id", "clip_id"])
    later = plays.merge(keys, on="clip_id")[["user_id", "key", "time", "fraction"]].sort_values("time", kind="stable")
    now = met[["user_id", "clip_id", "time"]].rename_axis("row").reset_index().merge(keys, on="clip_id")
    pairs = pd.merge_asof(
        now.sort_values("time", kind="stable"),
        later.assign(next_time=later["time"]),
        on="time",
        by=["user_id", "key"],
        direction="forward",
        allow_exact_matches=False,
    ).dropna(subset="fraction")
    soonest = pairs.sort_values("next_time", kind="stable").drop_duplicates("row").set_index("row")["fraction"]
    return soonest.reindex(met.index)


def _worth(cells: np.ndarray) -> np.ndarray:
    """Turn sums into AUC, lift and surplus; `cells` (..., 6) as :func:`signal_table` fills them."""
    both, only_signal, only_outcome, neither, beyond, matched = np.moveaxis(np.asarray(cells, dtype=np.float64), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        caught = both / (both + only_outcome)
        alarmed = only_signal / (only_signal + neither)
        lift = (both / (both + only_signal)) / (only_outcome / (only_outcome + neither))
        return np.stack([0.5 * (1.0 + caught - alarmed), lift, beyond / matched], axis=-1)


def _intervals(cells: np.ndarray, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """Give 95 % intervals (2, 3) of what :func:`_worth` says, by drawing people (rows of `cells`) anew."""
    people = len(cells)
    if people == 0:
        return np.full((2, 3), np.nan)
    drawn = np.empty((repeats, cells.shape[1]))
    for repeat in range(repeats):
        drawn[repeat] = np.bincount(rng.integers(0, people, people), minlength=people) @ cells
    values = _worth(drawn)
    # A rare signal may be missing from a draw, and then says nothing there.
    usable = np.isfinite(values)
    low_high = np.full((2, 3), np.nan)
    for column in np.flatnonzero(usable.any(axis=0)):
        low_high[:, column] = np.percentile(values[usable[:, column], column], [2.5, 97.5])
    return low_high


def signal_table(
    events: pd.DataFrame, clips: pd.DataFrame, *, by: str = "tags", repeats: int = 500, seed: int = 0
) -> pd.DataFrame:
    r"""Tell what each kind of signal is worth.

    A *meeting* is a person and a clip that they took. After it, in time, comes the person's next watch of another
    clip that shares the creator or a tag; the outcome :math:`y` is whether they watch at least half of that one. A
    signal :math:`x` is worth what it says of :math:`y`:

    .. math:: \mathrm{lift} = \frac{P(y \mid x)}{P(y \mid \bar x)}, \qquad
              \mathrm{AUC} = \frac{1 + P(x \mid y) - P(x \mid \bar y)}{2}, \qquad
              \mathrm{surplus} = E[y - \bar y_u \mid x]

    where :math:`\bar y_u` is the person's own mean. Lift and AUC also reward a signal that only generous people give;
    the surplus compares each person with themselves. It leans a little below zero for signals that are made of the
    watch itself (half, finish), because a high :math:`y` before leaves a lower mean for what follows in a short history
    (Miller and Sanjurjo 2018).

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema, cleaned.
    clips : DataFrame
        The ``clips`` schema.
    by : str
        ``"tags"`` or ``"creator"``: which clips are related.
    repeats : int
        Bootstrap draws; whole people are drawn, because one person's meetings resemble each other.
    seed : int
        Of the draws.

    Returns
    -------
    DataFrame
        One row a signal: ``signal, count`` (meetings that have it), ``rate`` (share of the meetings), ``people``
        (share of the people who ever gave it), ``delay_seconds`` (median from the click; below zero for a search),
        ``meetings`` (those that a related watch followed), ``after`` and ``otherwise`` (chance of the outcome with
        and without the signal), ``auc, lift, surplus`` and the ends of their 95 % intervals, ``auc_low, auc_high`` and
        so on. What cannot be said is absent.

    Raises
    ------
    ValueError
        If a table lacks a column, or `by` is neither word.
    """
    require_columns(
        events, ["user_id", "clip_id", "kind", "time", "session_id", "watch_seconds", "value", "text"], "events"
    )
    about = ["clip_id", "creator_id", "tags", "title", "description", "duration_seconds"]
    require_columns(clips, about, "clips", unique="clip_id")
    met = _meetings(events, clips)
    outcome = _next_related(met, events, clips, by)
    followed = outcome.notna().to_numpy()
    good = (outcome[followed] >= 0.5).to_numpy()
    person, names = pd.factorize(met["user_id"])
    whose = person[followed]
    own_mean = np.bincount(whose, weights=good, minlength=len(names)) / np.maximum(
        np.bincount(whose, minlength=len(names)), 1
    )
    signals = [name.removesuffix(" at") for name in met.columns if name.endswith(" at")]
    lines = []
    for number, name in enumerate(signals):
        signal = met[name].to_numpy(dtype=bool)
        given = signal[followed]
        cells = np.zeros((len(names), 6))
        np.add.at(cells, (whose, np.where(given, np.where(good, 0, 1), np.where(good, 2, 3))), 1.0)
        np.add.at(cells, (whose[given], 4), good[given] - own_mean[whose[given]])
        np.add.at(cells, (whose[given], 5), 1.0)
        total = cells.sum(axis=0)
        rng = np.random.default_rng([seed, _STREAM, number])
        low, high = _intervals(cells[cells.any(axis=1)], repeats, rng)
        delay = (met[f"{name} at"] - met["clicked"])[signal].dt.total_seconds()
        line = {
            "signal": name,
            "count": int(signal.sum()),
            "rate": float(signal.mean()) if len(signal) else np.nan,
            "people": met.loc[signal, "user_id"].nunique() / max(len(names), 1),
            "delay_seconds": delay.median(),
            "meetings": int(followed.sum()),
            "after": total[0] / max(total[0] + total[1], 1.0) if total[5] else np.nan,
            "otherwise": total[2] / (total[2] + total[3]) if total[2] + total[3] else np.nan,
        }
        for column, (measure, value) in enumerate(zip(("auc", "lift", "surplus"), _worth(total), strict=True)):
            line |= {measure: value, f"{measure}_low": low[column], f"{measure}_high": high[column]}
        lines.append(line)
    return pd.DataFrame(lines)
