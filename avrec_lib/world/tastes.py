"""What each person likes and how often they come: arrays, one row a person."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from avrec_lib.world.segments import SEGMENTS, segment_profiles
from avrec_lib.world.topics import FAMILIES, TOPICS

__all__ = ["Tastes", "person_ids", "sample_tastes"]

_STREAM = 21
_SEGMENT_SHARE = 0.5
"""Share of the variance of a taste that a person has from their segments; the rest is their own."""
_FAMILY_SHARE = 0.2
_MEAN_ACTIVITY = 0.088
"""Sessions a day of the average person."""


@dataclass(frozen=True)
class Tastes:
    """Tastes and habits of n people, float16 to stay small: about 170 bytes a person.

    Row i belongs to the person ``person_ids(n)[i]``. A taste on day d is
    ``cos(turn * d) * taste + sin(turn * d) * goal`` for topic and mood: people
    wander from where they started towards where they are going.

    Attributes
    ----------
    segments : ndarray (n, 6)
        Membership of each of ``SEGMENTS``; rows sum to 1.
    topic, topic_goal : ndarray (n, 16)
        Liking of each topic (family included) at day 0, and the direction of drift; about standard normal.
    mood, mood_goal : ndarray (n, 2)
        Valence and arousal that the person looks for, and the direction of drift.
    pace, quality : ndarray (n,)
        Taste for fast pictures; how much more than others the person minds quality.
    instrument : ndarray (n, 6)
        Liking of each instrument; about standard normal.
    setting : ndarray (n, 6)
        Liking of each setting; about standard normal.
    series : ndarray (n, 12)
        Liking of each series; about standard normal.
    style : ndarray (n, 3)
        Liking of creators' styles: cosine and sine of hue, warmth.
    turn : ndarray (n,)
        Speed of drift, radians a day.
    activity : ndarray (n,)
        Sessions a day when the person is content.
    clock : ndarray (n,)
        Hour of the day, UTC, around which the person's sessions fall.
    """

    segments: np.ndarray
    topic: np.ndarray
    topic_goal: np.ndarray
    mood: np.ndarray
    mood_goal: np.ndarray
    pace: np.ndarray
    quality: np.ndarray
    instrument: np.ndarray
    setting: np.ndarray
    series: np.ndarray
    style: np.ndarray
    turn: np.ndarray
    activity: np.ndarray
    clock: np.ndarray

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self.turn)

    def take(self, rows: np.ndarray) -> "Tastes":
        """Return the tastes of some rows.

        Parameters
        ----------
        rows : ndarray (m,)
            Row numbers or a mask.

        Returns
        -------
        Tastes
            Of m people, in the order of `rows`.
        """
        return Tastes(**{name: array[rows] for name, array in self.to_arrays().items()})

    def rows(self, user_ids: np.ndarray | pd.Series | pd.Index | list[str]) -> np.ndarray:
        """Return the row of each person.

        Parameters
        ----------
        user_ids : sequence of str (m,)
            Ids as in the ``users`` table.

        Returns
        -------
        ndarray (m,)
            Row numbers, int64.

        Raises
        ------
        KeyError
            If an id belongs to nobody with tastes (a bot, or a person of another world).
        """
        ids = pd.Series(user_ids, dtype=str).reset_index(drop=True)
        number = pd.to_numeric(ids.str.removeprefix("u"), errors="coerce").to_numpy(dtype=np.float64)
        known = (number >= 0) & (number < len(self))
        rows = np.where(known, number, 0).astype(np.int64)
        known &= ids.to_numpy(dtype=object) == person_ids(len(self), rows).to_numpy(dtype=object)
        if not known.all():
            strangers = ", ".join(ids[~known].unique()[:5])
            last = person_ids(len(self), np.array([len(self) - 1]))[0]
            raise KeyError(f"no tastes for {strangers}: people are u0000000 to {last}, and bots have no tastes")
        return rows

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name, for safetensors or npz.

        Returns
        -------
        dict of str to ndarray
            One entry an attribute.
        """
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Tastes":
        """Build tastes from what :meth:`to_arrays` gave.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            One entry an attribute, no others.

        Returns
        -------
        Tastes
            Equal to those that were saved.

        Raises
        ------
        ValueError
            If names are missing or too many, or the numbers of rows differ.
        """
        wanted = {field.name for field in fields(cls)}
        if set(arrays) != wanted:
            raise ValueError(
                f"tastes need exactly the arrays {sorted(wanted)}; missing {sorted(wanted - set(arrays))}, "
                f"unknown {sorted(set(arrays) - wanted)}"
            )
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"tastes need as many rows in every array, got {lengths}")
        return cls(**{name: np.asarray(array) for name, array in arrays.items()})


def person_ids(n: int, rows: np.ndarray | None = None) -> pd.Index:
    """Return the ids of people.

    Parameters
    ----------
    n : int
        Number of people in the world.
    rows : ndarray (m,), optional
        Row numbers; all n by default.

    Returns
    -------
    Index (m,)
        ``u0000000`` and so on.
    """
    numbers = range(n) if rows is None else rows.tolist()
    return pd.Index([f"u{i:07d}" for i in numbers], dtype=str)


def _memberships(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw Dirichlet(0.35) memberships, (n, 6): most people belong to one or two segments, some to more."""
    gamma = rng.standard_gamma(0.35, size=(n, len(SEGMENTS)), dtype=np.float32) + np.float32(1e-6)
    return gamma / gamma.sum(axis=1, keepdims=True)


def _blend(rng: np.random.Generator, unit: np.ndarray, profile: np.ndarray) -> np.ndarray:
    """Mix what segments like with a personal part, keeping the variance near 1."""
    own = rng.standard_normal((len(unit), profile.shape[1]), dtype=np.float32)
    own *= np.float32(np.sqrt(1.0 - _SEGMENT_SHARE))
    own += np.float32(np.sqrt(_SEGMENT_SHARE)) * (unit @ profile)
    return own.astype(np.float16)


def _topic_taste(rng: np.random.Generator, unit: np.ndarray, profile: np.ndarray) -> np.ndarray:
    """Mix segment, family and topic: a person who likes the ocean tends to like the rainforest."""
    family = np.array([FAMILIES.index(topic.family) for topic in TOPICS])
    taste = rng.standard_normal((len(unit), len(TOPICS)), dtype=np.float32)
    taste *= np.float32(np.sqrt(1.0 - _SEGMENT_SHARE - _FAMILY_SHARE))
    of_family = rng.standard_normal((len(unit), len(FAMILIES)), dtype=np.float32)
    taste += np.float32(np.sqrt(_FAMILY_SHARE)) * of_family[:, family]
    taste += np.float32(np.sqrt(_SEGMENT_SHARE)) * (unit @ profile)
    return taste.astype(np.float16)


def _mood_point(rng: np.random.Generator, membership: np.ndarray, profile: np.ndarray) -> np.ndarray:
    point = membership @ profile + np.float32(0.3) * rng.standard_normal((len(membership), 2), dtype=np.float32)
    return np.clip(point, -1.0, 1.0).astype(np.float16)


def sample_tastes(n: int, *, seed: int) -> Tastes:
    """Draw the tastes and habits of n people.

    Parameters
    ----------
    n : int
        Number of people, at least 1.
    seed : int
        Seed of the world: the same seed gives the same people.

    Returns
    -------
    Tastes
        Arrays of n rows.

    Raises
    ------
    ValueError
        If `n` is less than 1.
    """
    if n < 1:
        raise ValueError(f"a world needs at least one person, got n={n}")
    rng = np.random.default_rng([seed, _STREAM, 0])
    profiles = segment_profiles()
    now, later = _memberships(rng, n), _memberships(rng, n)
    # Unit length, not unit sum: a mixture of many segments is then as strong a taste as a single one.
    unit = now / np.linalg.norm(now, axis=1, keepdims=True)
    unit_later = later / np.linalg.norm(later, axis=1, keepdims=True)
    heavy = rng.lognormal(-0.5 * 0.8**2, 0.8, n)
    evening = rng.random(n) < 0.7
    clock = np.where(evening, rng.normal(20.0, 1.8, n), rng.normal(10.5, 2.5, n)) % 24.0
    return Tastes(
        segments=now.astype(np.float16),
        topic=_topic_taste(rng, unit, profiles["topic"]),
        topic_goal=_topic_taste(rng, unit_later, profiles["topic"]),
        mood=_mood_point(rng, now, profiles["mood"]),
        mood_goal=_mood_point(rng, later, profiles["mood"]),
        pace=_blend(rng, unit, profiles["pace"][:, None])[:, 0],
        quality=rng.standard_normal(n, dtype=np.float32).astype(np.float16),
        instrument=_blend(rng, unit, profiles["instrument"]),
        setting=_blend(rng, unit, profiles["setting"]),
        series=_blend(rng, unit, profiles["series"]),
        style=_blend(rng, unit, profiles["style"]),
        turn=rng.gamma(2.0, 0.0075, n).astype(np.float16),
        activity=(_MEAN_ACTIVITY * heavy).astype(np.float16),
        clock=clock.astype(np.float16),
    )
