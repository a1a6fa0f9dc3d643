"""Tidepool's people: who they are, when they came and whom they know."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from avrec_lib.world.catalogue import DAYS
from avrec_lib.world.segments import AGE_BANDS, REGIONS, SEGMENTS
from avrec_lib.world.tastes import Tastes, person_ids, sample_tastes

__all__ = ["START", "People", "days_since_start", "sample_people", "sample_users"]

START = pd.Timestamp("2026-01-05", tz="UTC")
"""Day 0 of the log, a Monday, 00:00 UTC."""

_STREAM = 22
_AGE_SHARES = (0.12, 0.22, 0.28, 0.24, 0.14)
_REGION_SHARES = (0.30, 0.25, 0.20, 0.15, 0.10)
_TILT = 1.3
"""How much more likely, in logits, the age band and the region of one's segment are."""


class People(NamedTuple):
    """All that there is to know about people.

    Attributes
    ----------
    users : DataFrame
        Per ``tables.SCHEMAS["users"]``.
    tastes : Tastes
        Row i is the person of row i of `users`.
    friends : DataFrame
        Columns ``user_id`` and ``friend_id``; each friendship once, ``user_id < friend_id``.
    """

    users: pd.DataFrame
    tastes: Tastes
    friends: pd.DataFrame


def days_since_start(times: pd.Series) -> np.ndarray:
    """Return times as days since the log began.

    Parameters
    ----------
    times : Series of datetime (UTC)
        Moments.

    Returns
    -------
    ndarray float64
        Days; 0.5 is noon of the first day, negative is before the log.
    """
    return np.asarray((times - START) / pd.Timedelta(days=1), dtype=np.float64)


def _tilted_choice(
    rng: np.random.Generator, membership: np.ndarray, shares: tuple[float, ...], favoured: list[int]
) -> np.ndarray:
    """Draw a level a person, each segment leaning a little to its favoured level (Gumbel's trick)."""
    lean = np.zeros((len(favoured), len(shares)), dtype=np.float32)
    lean[np.arange(len(favoured)), favoured] = _TILT
    logits = membership.astype(np.float32) @ lean + np.log(np.array(shares, dtype=np.float32))
    uniform = rng.random(logits.shape, dtype=np.float32)
    # 1e-12 keeps the logarithms finite; float32 uniforms may be exactly 0.
    gumbel = -np.log(-np.log(uniform + np.float32(1e-12)) + np.float32(1e-12))
    return np.asarray(np.argmax(logits + gumbel, axis=1))


def sample_users(tastes: Tastes, *, seed: int, late: float = 0.2) -> pd.DataFrame:
    """Draw what the platform knows about people with given tastes.

    Age and region correlate weakly with taste, so that they help a little for a newcomer.

    Parameters
    ----------
    tastes : Tastes
        Of n people.
    seed : int
        Seed of the world.
    late : float
        Share of people who join during the log, in [0, 1]; more of them towards its
        end: about three fifths after day 32.

    Returns
    -------
    DataFrame
        n rows per ``tables.SCHEMAS["users"]``.
    """
    n = len(tastes)
    rng = np.random.default_rng([seed, _STREAM, 0])
    age = _tilted_choice(rng, tastes.segments, _AGE_SHARES, [s.age for s in SEGMENTS])
    region = _tilted_choice(rng, tastes.segments, _REGION_SHARES, [s.region for s in SEGMENTS])
    is_late = rng.random(n) < late
    uniform = rng.random(n)
    joined_day = np.where(is_late, (DAYS - 1.0) * uniform**0.25, -200.0 * uniform)
    joined = START + pd.to_timedelta(np.rint(joined_day * 86_400e6).astype(np.int64), unit="us")
    return pd.DataFrame(
        {
            "user_id": person_ids(n),
            "age_band": pd.Series(np.array(AGE_BANDS, dtype=object)[age], dtype=str),
            "region": pd.Series(np.array(REGIONS, dtype=object)[region], dtype=str),
            "joined": joined.as_unit("us"),
        }
    )


def _friends(tastes: Tastes, *, seed: int, mean_degree: float = 6.0, strangers: float = 0.2) -> pd.DataFrame:
    """Befriend people with similar tastes, in O(n log n).

    People are lined up four times by main segment and a random projection of
    their topic taste; an initiator befriends somebody a few places along the
    line. A share of friendships, `strangers`, ignores taste.
    """
    n = len(tastes)
    rng = np.random.default_rng([seed, _STREAM, 1])
    social = rng.pareto(3.0, n) + 1.0
    ends = np.cumsum(social)
    lines = 4
    per_line = round(n * mean_degree / 2.0 / lines)
    segment = np.argmax(tastes.segments, axis=1)
    pairs = []
    for _ in range(lines):
        direction = rng.standard_normal((tastes.topic.shape[1],)).astype(np.float32)
        order = np.lexsort((tastes.topic.astype(np.float32) @ direction, segment))
        place = np.empty(n, dtype=np.int64)
        place[order] = np.arange(n)
        first = np.minimum(np.searchsorted(ends, rng.random(per_line) * ends[-1], side="right"), n - 1)
        gap = rng.geometric(0.15, per_line)
        second = order[(place[first] + gap) % n]
        second = np.where(rng.random(per_line) < strangers, rng.integers(n, size=per_line), second)
        pairs.append(np.stack([np.minimum(first, second), np.maximum(first, second)], axis=1))
    both = np.concatenate(pairs)
    both = both[both[:, 0] != both[:, 1]]
    key = np.unique(both[:, 0] * n + both[:, 1])
    ids = person_ids(n)
    return pd.DataFrame({"user_id": ids[key // n], "friend_id": ids[key % n]})


def sample_people(n: int, *, seed: int, late: float = 0.2) -> People:
    """Draw n people: what the platform knows of them, what they like, whom they know.

    Parameters
    ----------
    n : int
        Number of people, at least 1.
    seed : int
        Seed of the world: the same seed gives the same people.
    late : float
        Share of people who join during the log, in [0, 1].

    Returns
    -------
    People
        ``users``, ``tastes`` and ``friends``, which unpack in this order.

    Raises
    ------
    ValueError
        If `n` is less than 1 or `late` is not in [0, 1].
    """
    if not 0.0 <= late <= 1.0:
        raise ValueError(f"late is a share in [0, 1], got {late}")
    tastes = sample_tastes(n, seed=seed)
    return People(sample_users(tastes, seed=seed, late=late), tastes, _friends(tastes, seed=seed))
