"""What goes wrong between people and the log: copies, delays, wrong clocks, machines, nonsense.

Everything planted is written down, so that cleaning can be marked. In the truth
table, ``id`` is a row's position in the dirty ``events`` (a whole number as text)
where ``table`` is ``events``, and a ``user_id`` where ``table`` is ``users``.

=================  ======  ==================================================================
kind               table   what was done; names in ``detail``
=================  ======  ==================================================================
duplicate          events  the row is a second copy of another; ``of`` is the other's position
late               events  the row arrived hours or days after it happened; ``seconds``
out-of-order       events  the row arrived up to minutes after it happened; ``seconds``
impossible-watch   events  the watch is negative or far longer than the clip; ``was``
clock-skew         users   all that this person's device stamped (everything but impressions,
                           which the server stamps) is wrong by ``seconds``
bot                users   not a person: hundreds of clicks a day, at constant intervals;
                           ``interval``
=================  ======  ==================================================================

The dirty log is in the order of arrival. :func:`undo_event_dirt` takes
everything back exactly.
"""

import numpy as np
import pandas as pd

from avrec_lib.world.behaviour import sort_events
from avrec_lib.world.dirt_media import read_detail
from avrec_lib.world.people import START

__all__ = ["EVENT_DIRT", "plant_event_dirt", "undo_event_dirt"]

EVENT_DIRT: tuple[str, ...] = ("duplicate", "late", "out-of-order", "impossible-watch", "clock-skew", "bot")
"""Kinds of dirt of events and people."""

_STREAM = 25
_DAY = 86_400_000_000  # microseconds


def _microseconds(times: pd.Series) -> np.ndarray:
    return np.asarray((times - START) // pd.Timedelta(microseconds=1), dtype=np.int64)


def _chosen(rng: np.random.Generator, rows: np.ndarray, share: float) -> np.ndarray:
    """Draw a share of rows, at least one where there are any and the share is positive."""
    count = min(len(rows), max(1, round(share * len(rows)))) if share > 0.0 else 0
    return np.sort(rng.choice(rows, size=count, replace=False))


def _make_bots(
    events: pd.DataFrame, users: pd.DataFrame, share: float, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Make bots: their clicks, their rows of users, and what is to be said of each.

    A bot pushes three clips that have been shown before it starts, by clicks that no slate led to.
    """
    if share <= 0.0 or len(events) == 0:
        return events.iloc[:0], users.iloc[:0], []
    count = max(1, round(share * len(users)))
    numbers = int(users["user_id"].str.removeprefix("u").astype(np.int64).max()) + 1 + np.arange(count)
    time = _microseconds(events["time"])
    begin = rng.integers(time[len(time) // 10], max(time[-1] - _DAY // 2, time[len(time) // 10] + 1), size=count)
    interval = np.round(rng.uniform(30.0, 150.0, count), 3)
    clicks = rng.integers(200, 400, size=count)
    bot = np.repeat(np.arange(count), clicks)
    step = np.arange(len(bot)) - np.repeat(np.cumsum(clicks) - clicks, clicks)
    # Machines keep time to a hundredth of a second.
    stamp = begin[bot] + np.rint((step * interval[bot] + rng.uniform(0.0, 0.01, len(bot))) * 1e6).astype(np.int64)
    kept = stamp <= time[-1]
    bot, step, stamp = bot[kept], step[kept], stamp[kept]
    first_shown = events[events["kind"] == "impression"].drop_duplicates("clip_id")
    known = np.searchsorted(_microseconds(first_shown["time"]), begin, side="right")
    target = (rng.random((count, 3)) * known[:, None]).astype(np.int64)[bot, step % 3]
    names = pd.Index([f"u{number:07d}" for number in numbers], dtype=str)
    # Numbers of sessions go on where the day's own end.
    day = begin // _DAY
    busy = events["session_id"].drop_duplicates().str.slice(1, 4).astype(np.int64).value_counts()
    session = [f"s{d:03d}-{int(busy.get(d, 0)) + i:06d}" for i, d in enumerate(day.tolist())]
    table = pd.DataFrame(
        {
            "user_id": names.take(bot),
            "clip_id": first_shown["clip_id"].to_numpy(dtype=object)[target],
            "kind": "click",
            "time": (START + pd.to_timedelta(stamp, unit="us")).as_unit("us"),
            "session_id": pd.Index(session, dtype=str).take(bot),
        }
    )
    ahead = pd.to_timedelta(rng.integers(60_000_000, _DAY, size=count), unit="us")
    people = pd.DataFrame(
        {
            "user_id": names,
            "age_band": rng.choice(users["age_band"].to_numpy(dtype=object), size=count),
            "region": rng.choice(users["region"].to_numpy(dtype=object), size=count),
            "joined": (START + pd.to_timedelta(begin, unit="us") - ahead).as_unit("us"),
        }
    )
    made = np.bincount(bot, minlength=count)
    details = [f"interval={gap:.3f}; clicks={number}" for gap, number in zip(interval, made, strict=True)]
    return table.reindex(columns=events.columns).astype(events.dtypes), people.astype(users.dtypes), details


def _spoil_watches(watched: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return impossible seconds: one half below zero, the other half minutes of a clip of seconds."""
    negative = rng.random(len(watched)) < 0.5
    return np.where(negative, -np.maximum(watched, 0.5), rng.uniform(60.0, 3600.0, len(watched)))


def plant_event_dirt(
    events: pd.DataFrame,
    users: pd.DataFrame,
    *,
    seed: int,
    duplicates: float = 0.01,
    late: float = 0.005,
    out_of_order: float = 0.01,
    impossible: float = 0.02,
    skewed: float = 0.02,
    bots: float = 0.01,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Soil a clean log, and keep the account.

    Parameters
    ----------
    events : DataFrame
        Clean, in the order of :func:`avrec_lib.world.behaviour.sort_events`.
    users : DataFrame
        Who the events are about.
    seed : int
        Seed of the world.
    duplicates, late, out_of_order : float
        Shares of the events; no event has two of these.
    impossible : float
        Share of the watches.
    skewed, bots : float
        Shares of the people; bots come on top of them.

    Returns
    -------
    events : DataFrame
        Dirty, in the order of arrival, numbered from 0.
    users : DataFrame
        With the bots at the end.
    dirt : DataFrame
        ``kind``, ``table``, ``id``, ``detail``, all text; see the top of the module.

    Raises
    ------
    ValueError
        If a share is not in [0, 1], or the shares of events sum to more than 1.
    """
    shares = {"duplicates": duplicates, "late": late, "out_of_order": out_of_order}
    for name, share in {**shares, "impossible": impossible, "skewed": skewed, "bots": bots}.items():
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"{name} is a share in [0, 1], got {share}")
    if sum(shares.values()) > 1.0:
        raise ValueError(f"the shares of events sum to {sum(shares.values())}, more than 1")
    rng = np.random.default_rng([seed, _STREAM])
    machine, robots, robot_details = _make_bots(events, users, bots, rng)
    n = len(events)
    order = rng.permutation(n)
    sizes = np.cumsum([min(n, max(1, round(share * n))) if share > 0.0 else 0 for share in shares.values()])
    copied, delayed, jostled = order[: sizes[0]], order[sizes[0] : sizes[1]], order[sizes[1] : sizes[2]]
    watches = _chosen(rng, np.flatnonzero(events["kind"] == "watch"), impossible)
    device = (events["kind"] != "impression").to_numpy()
    people, owner = np.unique(events["user_id"].to_numpy(dtype=object)[device], return_inverse=True)
    wrong = _chosen(rng, np.arange(len(people)), skewed)
    offset = np.zeros(len(people), dtype=np.int64)
    offset[wrong] = rng.integers(600, 21_600, size=len(wrong)) * rng.choice([-1, 1], size=len(wrong))

    dirty = events.reset_index(drop=True)
    true_time = _microseconds(dirty["time"])
    arrival = true_time.copy()
    arrival[delayed] += rng.integers(_DAY // 4, 3 * _DAY, size=len(delayed))
    arrival[jostled] += rng.integers(30_000_000, 600_000_000, size=len(jostled))
    seconds = dirty["watch_seconds"].to_numpy(dtype=np.float64, copy=True)
    was = seconds[watches].copy()
    seconds[watches] = _spoil_watches(was, rng)
    shift = np.zeros(n, dtype=np.int64)
    shift[device] = offset[owner]
    dirty = dirty.assign(watch_seconds=seconds, time=dirty["time"] + pd.to_timedelta(shift * 1_000_000, unit="us"))

    source = np.concatenate([np.arange(n), copied, np.full(len(machine), -1)])
    soiled = pd.concat([dirty, dirty.iloc[copied], machine], ignore_index=True).astype(events.dtypes)
    again = arrival[copied] + rng.integers(500_000, 3_000_000, size=len(copied))
    moment = np.concatenate([true_time, true_time[copied], _microseconds(machine["time"])])
    arrived = np.concatenate([arrival, again, _microseconds(machine["time"])])
    file_order = np.argsort(arrived, kind="stable")
    place = np.empty(len(file_order), dtype=np.int64)
    place[file_order] = np.arange(len(file_order))
    # A delay that moved a row past no other row left no trace, and is not counted.
    behind = moment[file_order] < np.maximum.accumulate(moment[file_order])
    displaced = behind[place[:n]]
    notes: list[tuple[str, str, np.ndarray | list[str], list[str]]] = [
        ("duplicate", "events", place[n : n + len(copied)], [f"of={at}" for at in place[source[n : n + len(copied)]]])
    ]
    for kind, rows in (("late", delayed), ("out-of-order", jostled)):
        seen = rows[displaced[rows]]
        waited = (arrival[seen] - true_time[seen]) / 1e6
        notes.append((kind, "events", place[seen], [f"seconds={gap:.6f}" for gap in waited]))
    notes.append(("impossible-watch", "events", place[watches], [f"was={value!r}" for value in was.tolist()]))
    notes.append(("clock-skew", "users", people[wrong], [f"seconds={gap}" for gap in offset[wrong].tolist()]))
    notes.append(("bot", "users", robots["user_id"].to_numpy(dtype=object), robot_details))
    tables = [
        pd.DataFrame({"kind": kind, "table": table, "id": np.asarray(ids).astype(str), "detail": details}, dtype=str)
        for kind, table, ids, details in notes
    ]
    crowd = pd.concat([users, robots], ignore_index=True).astype(users.dtypes)
    return soiled.iloc[file_order].reset_index(drop=True), crowd, pd.concat(tables, ignore_index=True)


def undo_event_dirt(events: pd.DataFrame, users: pd.DataFrame, dirt: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take back what :func:`plant_event_dirt` did.

    Parameters
    ----------
    events, users, dirt : DataFrame
        As it returned them; `dirt` may hold other tables' rows too.

    Returns
    -------
    events, users : DataFrame
        The clean tables, exactly.
    """
    row = {kind: dirt[dirt["kind"] == kind] for kind in EVENT_DIRT}
    number = {kind: row[kind]["id"].astype(np.int64).to_numpy() for kind in ("duplicate", "impossible-watch")}
    spoiled, skewed = row["impossible-watch"], row["clock-skew"]
    seconds = events["watch_seconds"].to_numpy(dtype=np.float64, copy=True)
    seconds[number["impossible-watch"]] = [float(read_detail(detail)["was"]) for detail in spoiled["detail"]]
    offsets = pd.Series(
        [int(read_detail(detail)["seconds"]) for detail in skewed["detail"]], index=skewed["id"], dtype=np.int64
    )
    shift = events["user_id"].map(offsets).fillna(0).astype(np.int64).to_numpy()
    shift = np.where(events["kind"] == "impression", 0, shift)
    restored = events.assign(
        watch_seconds=seconds, time=events["time"] - pd.to_timedelta(shift * 1_000_000, unit="us")
    ).astype(events.dtypes)
    is_copy = np.zeros(len(events), dtype=bool)
    is_copy[number["duplicate"]] = True
    bots = row["bot"]["id"]
    genuine = restored[~is_copy & ~restored["user_id"].isin(bots).to_numpy()]
    return sort_events(genuine), users[~users["user_id"].isin(bots)].reset_index(drop=True)
