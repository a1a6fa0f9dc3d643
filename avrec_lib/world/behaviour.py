"""The event log: what people did, as the platform would have written it down."""

import numpy as np
import pandas as pd

from avrec_lib.tables import EVENT_KINDS
from avrec_lib.world.catalogue import DAYS
from avrec_lib.world.people import START, People
from avrec_lib.world.policy import Policy, logging_policy
from avrec_lib.world.response import RATING_CHANCE, SLATE, rating_value
from avrec_lib.world.sessions import Slates, run_sessions
from avrec_lib.world.tastes import Tastes, person_ids
from avrec_lib.world.topics import INSTRUMENTS, SERIES, SETTINGS, TOPICS

__all__ = ["engagement", "simulate_log", "simulate_sessions", "sort_events"]

_STREAM = 24
_PRAISE = (
    "love this one",
    "exactly what I needed today",
    "on repeat",
    "more like this please",
    "what a lovely piece",
    "this made my evening",
)
_SHRUG = ("not bad", "fine for the train", "hm, it has its moments", "watched it twice, still unsure", "okay")
_BLAME = ("not for me", "why was I shown this", "lost me halfway", "too long", "expected something else")


def sort_events(events: pd.DataFrame) -> pd.DataFrame:
    """Put a log into its canonical order: time, session, kind (as in ``EVENT_KINDS``), position.

    Parameters
    ----------
    events : DataFrame
        Per ``tables.SCHEMAS["events"]``.

    Returns
    -------
    DataFrame
        The same rows, numbered from 0.
    """
    kind = pd.Index(EVENT_KINDS).get_indexer(pd.Index(events["kind"]))
    position = events["position"].fillna(0).to_numpy(dtype=np.int64)
    session = events["session_id"].to_numpy(dtype=str)
    time = events["time"].astype("int64").to_numpy()
    return events.iloc[np.lexsort((position, kind, session, time))].reset_index(drop=True)


def _rows(
    shown: Slates,
    where: tuple[np.ndarray, ...],
    kind: str,
    seconds: np.ndarray,
    **columns: np.ndarray,
) -> pd.DataFrame:
    """Return one row for each cell of `where`, without ids yet; every other column is absent."""
    slate, place = where
    rows = pd.DataFrame(
        {
            "person": shown.person[slate],
            "clip": shown.clip[slate, place],
            "kind": kind,
            "seconds": seconds,
            "position": place + 1,
            "session": shown.session[slate],
        }
    )
    return rows.assign(**columns)


def _reactions(shown: Slates, durations: np.ndarray, rng: np.random.Generator) -> list[pd.DataFrame]:
    """Draw what people say about what they watched: likes, shares, comments, ratings."""
    where = np.nonzero(shown.clicked)
    worth = shown.utility[where]
    part = shown.watched[where] / durations[shown.clip[where]]
    after = shown.click_time[where] + shown.watched[where]
    feeling = worth + 2.0 * (part - 0.5)
    count = len(worth)

    def said(chance: np.ndarray, delay: float) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
        chosen = np.flatnonzero(rng.random(count) < chance)
        return chosen, (where[0][chosen], where[1][chosen]), after[chosen] + 0.2 + rng.exponential(delay, len(chosen))

    _, liked, like_time = said(1.0 / (1.0 + np.exp(3.4 - 1.0 * feeling)), 1.0)
    _, shared, share_time = said(1.0 / (1.0 + np.exp(5.2 - 0.8 * feeling)), 3.0)
    # Those who loved it and those who did not speak; the lukewarm say nothing.
    spoke, commented, comment_time = said(0.01 + 0.008 * np.abs(feeling), 12.0)
    mood = feeling[spoke] + rng.normal(0.0, 0.7, len(spoke))
    texts = [np.array(lines, dtype=object) for lines in (_BLAME, _SHRUG, _PRAISE)]
    picks = [lines[rng.integers(len(lines), size=len(spoke))] for lines in texts]
    words = np.where(mood < -0.8, picks[0], np.where(mood < 0.4, picks[1], picks[2]))
    opinion = rating_value(worth, rng.standard_normal(count))
    rated, given, rating_time = said(RATING_CHANCE[opinion.astype(np.int64) - 1], 4.0)
    return [
        _rows(shown, liked, "like", like_time),
        _rows(shown, shared, "share", share_time),
        _rows(shown, commented, "comment", comment_time, text=words),
        _rows(shown, given, "rating", rating_time, value=opinion[rated]),
    ]


def _searches(shown: Slates, rng: np.random.Generator) -> pd.DataFrame:
    """Write down the searches: each before the first slate of its session."""
    _, first = np.unique(shown.session, return_index=True)
    chosen = first[shown.search[first, 0] >= 0]
    names = [topic.name.replace("-", " ") for topic in TOPICS] + [*INSTRUMENTS, *SETTINGS, *SERIES]
    words = np.array([name.lower() for name in names] + [""], dtype=object)
    text = pd.Series(words[shown.search[chosen, 0]] + " " + words[shown.search[chosen, 1]]).str.strip()
    return pd.DataFrame(
        {
            "person": shown.person[chosen],
            "kind": "search",
            "seconds": shown.time[chosen] - rng.uniform(2.0, 10.0, len(chosen)),
            "session": shown.session[chosen],
            "text": text,
        }
    )


def _event_table(shown: Slates, tastes: Tastes, catalogue: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Write the slates down as rows of the ``events`` table."""
    cells = np.nonzero(np.ones_like(shown.clicked))
    clicked = np.nonzero(shown.clicked)
    watched = shown.watched[clicked]
    clicks = shown.click_time[clicked]
    parts = [
        _rows(shown, cells, "impression", shown.time[cells[0]], propensity=shown.propensity[cells]),
        _rows(shown, clicked, "click", clicks),
        _rows(shown, clicked, "watch", clicks + watched, watch_seconds=watched),
        *_reactions(shown, catalogue["duration_seconds"].to_numpy(dtype=np.float64), rng),
        _searches(shown, rng),
    ]
    rows: pd.DataFrame = pd.concat(parts, ignore_index=True)
    clip = rows["clip"].fillna(-1).to_numpy(dtype=np.int64)
    clip_ids = pd.Index(catalogue["clip_id"], dtype=str)
    microseconds = np.rint(rows["seconds"].to_numpy(dtype=np.float64) * 1e6).astype(np.int64)
    session = rows["session"].to_numpy(dtype=np.int64)
    names, place = np.unique(session, return_inverse=True)
    session_ids = pd.Index([f"s{name // 1_000_000:03d}-{name % 1_000_000:06d}" for name in names.tolist()], dtype=str)
    events = pd.DataFrame(
        {
            "user_id": person_ids(len(tastes)).take(rows["person"].to_numpy(dtype=np.int64)),
            "clip_id": clip_ids.take(clip, allow_fill=True, fill_value=None),
            "kind": rows["kind"].astype(str),
            "time": (START + pd.to_timedelta(microseconds, unit="us")).as_unit("us"),
            "position": rows["position"].astype("Int8"),
            "watch_seconds": rows["watch_seconds"].astype(np.float64),
            "propensity": rows["propensity"].astype(np.float64),
            "session_id": session_ids.take(place),
            "value": rows["value"].astype(np.float64),
            "text": rows["text"].astype(str),
        }
    )
    return sort_events(events)


def simulate_sessions(
    policy: Policy,
    people: People,
    catalogue: pd.DataFrame,
    *,
    seed: int,
    first_day: int = DAYS,
    days: int = 14,
) -> pd.DataFrame:
    """Let a policy run the platform, and write the log.

    By default the world goes on where the log ended. The same seed gives two
    policies the same first visitors, so that they can be compared; who comes back depends on what they were shown.

    Parameters
    ----------
    policy : Policy
        See :mod:`avrec_lib.world.policy`; ``ranked_policy`` wraps any recommender.
    people : People
        ``users`` (no bots) and ``tastes``, row by row; ``friends`` is not read.
    catalogue : DataFrame
        The clips with their true attributes, one column being ``clip_id``.
    seed : int
        Seed of the world.
    first_day, days : int
        When to begin, in days since the log began, and for how long.

    Returns
    -------
    DataFrame
        Clean events per ``tables.SCHEMAS["events"]``, in the order of :func:`sort_events`.

    Raises
    ------
    ValueError
        If users and tastes differ in length, or fewer than ten clips are ever released.
    """
    shown = run_sessions(policy, people.users, people.tastes, catalogue, seed=seed, first_day=first_day, days=days)
    return _event_table(shown, people.tastes, catalogue, np.random.default_rng([seed, _STREAM, first_day]))


def simulate_log(people: People, catalogue: pd.DataFrame, *, seed: int, days: int = DAYS) -> pd.DataFrame:
    """Simulate the platform's own log: its policy, from day 0 on.

    Parameters
    ----------
    people, catalogue, seed
        As for :func:`simulate_sessions`.
    days : int
        Length of the log.

    Returns
    -------
    DataFrame
        Clean events per ``tables.SCHEMAS["events"]``; impressions carry exact propensities.

    Raises
    ------
    ValueError
        As for :func:`simulate_sessions`.
    """
    return simulate_sessions(logging_policy(), people, catalogue, seed=seed, first_day=0, days=days)


def engagement(events: pd.DataFrame, *, n_people: int) -> pd.Series:
    """Sum up how well people were served.

    Parameters
    ----------
    events : DataFrame
        A clean log.
    n_people : int
        Number of people who could have come.

    Returns
    -------
    Series
        ``sessions_per_person``, ``slates_per_session``, ``clicks_per_slate``,
        ``watch_minutes_per_person`` and ``came_back`` (share of visitors with more than one session).
    """
    kind = events["kind"]
    slates = int((kind == "impression").sum()) / SLATE
    sessions = events.groupby("user_id")["session_id"].nunique()
    return pd.Series(
        {
            "sessions_per_person": float(sessions.sum()) / n_people,
            "slates_per_session": slates / float(sessions.sum()),
            "clicks_per_slate": float((kind == "click").sum()) / slates,
            "watch_minutes_per_person": float(events["watch_seconds"].sum()) / 60.0 / n_people,
            "came_back": float((sessions > 1).mean()),
        }
    )
