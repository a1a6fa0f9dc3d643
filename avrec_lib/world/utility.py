"""How much a person likes a clip: the one definition that behaviour and oracle share.

Utility is a log-odds: a person who looks at a clip clicks with chance
``sigmoid(utility)``. It is a sum of parts, each a product of what the person
likes (:class:`avrec_lib.world.tastes.Tastes`) and what the clip is, so that the
utility of all people for all clips is one matrix product.

==========  =====  ===================================================
part        share  who can know it
==========  =====  ===================================================
topic        0.36  picture, sound and text (family included)
mood         0.12  picture, sound and text, each with noise
pace         0.05  picture
instrument   0.11  sound alone
setting      0.11  picture alone
series       0.11  text alone
creator      0.05  picture and sound: the creator's hue and warmth
quality      0.04  picture and sound
freshness    0.01  the clock
appeal       0.04  nobody before people react
==========  =====  ===================================================

The shares are of the variance over clips for one person, averaged over people
(:func:`variance_shares`); they move by a hundredth or two from
seed to seed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avrec_lib.world.tastes import Tastes
from avrec_lib.world.topics import INSTRUMENTS, SERIES, SETTINGS, TOPICS

__all__ = [
    "FRESH_DAYS",
    "INTERCEPT",
    "MOOD_WEIGHT",
    "PARTS",
    "EncodedClips",
    "encode_clips",
    "taste_weights",
    "utility",
    "utility_parts",
    "variance_shares",
]

INTERCEPT = -2.45
"""Utility of an average clip."""

_WEIGHTS: dict[str, float] = {
    "topic": 1.62,
    "mood": 1.15,
    "pace": 0.55,
    "instrument": 0.96,
    "setting": 0.96,
    "series": 0.94,
    "creator": 0.55,
    "quality": 0.50,
    "freshness": 1.80,
    "appeal": 0.58,
}
PARTS: tuple[str, ...] = tuple(_WEIGHTS)
"""Names of the parts of utility."""

MOOD_WEIGHT = _WEIGHTS["mood"]
"""Weight of the squared distance between the mood that a person looks for and the clip's."""

FRESH_DAYS = 7.0
"""Time constant, in days, by which the charm of a new clip fades."""

_CENTRE = {"pace": (0.52, 0.25), "quality": (0.57, 0.22)}
"""Mean and standard deviation by which pace and quality are put on a common scale."""

_MEAN_SQUARED_MOOD = 0.6
"""Mean of |mood|^2 over clips: keeps the mood part near mean 0."""


@dataclass(frozen=True)
class EncodedClips:
    """Clips as numbers, ready to be multiplied with tastes.

    Attributes
    ----------
    columns : dict of str to ndarray
        By part: float32 (n_clips, width).
    release_day : ndarray (n_clips,)
        Days since the log began.
    """

    columns: dict[str, np.ndarray]
    release_day: np.ndarray

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.release_day)


def _one_hot(names: pd.Series, levels: tuple[str, ...], column: str) -> np.ndarray:
    codes = pd.Index(levels).get_indexer(pd.Index(names))
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise ValueError(f"clip in row {row} has {column} {names.iloc[row]!r}; there are {', '.join(levels)}")
    table = np.zeros((len(names), len(levels)), dtype=np.float32)
    table[np.arange(len(names)), codes] = 1.0
    return table


def encode_clips(catalogue: pd.DataFrame) -> EncodedClips:
    """Turn a catalogue into numbers, once for many calls of :func:`utility`.

    Parameters
    ----------
    catalogue : DataFrame
        As :func:`avrec_lib.world.catalogue.sample_catalogue` returns it.

    Returns
    -------
    EncodedClips
        One row a clip, in order.

    Raises
    ------
    ValueError
        If a clip has a topic, instrument, setting or series that does not exist.
    """
    number = {name: catalogue[name].to_numpy(dtype=np.float32) for name in ("valence", "arousal", "hue", "warmth")}
    angle = 2.0 * np.pi * number["hue"]
    scaled = {
        name: ((catalogue[name].to_numpy(dtype=np.float32) - mean) / deviation)[:, None].astype(np.float32)
        for name, (mean, deviation) in _CENTRE.items()
    }
    mood = np.stack([number["valence"], number["arousal"]], axis=1)
    length = (mood**2).sum(axis=1, keepdims=True) - _MEAN_SQUARED_MOOD
    columns = {
        "topic": _one_hot(catalogue["topic"], tuple(t.name for t in TOPICS), "topic"),
        "mood": np.hstack([2.0 * mood, -length]).astype(np.float32),
        "pace": scaled["pace"],
        "instrument": _one_hot(catalogue["instrument"], INSTRUMENTS, "instrument"),
        "setting": _one_hot(catalogue["setting"], SETTINGS, "setting"),
        "series": _one_hot(catalogue["series"], SERIES, "series"),
        "creator": np.stack([np.cos(angle), np.sin(angle), 3.0 * number["warmth"] - 1.5], axis=1).astype(np.float32),
        "quality": scaled["quality"],
        "appeal": catalogue["appeal"].to_numpy(dtype=np.float32)[:, None],
    }
    return EncodedClips(columns, catalogue["release_day"].to_numpy(dtype=np.float64))


def _clip_columns(clips: EncodedClips, day: float) -> dict[str, np.ndarray]:
    """Add what depends on the day: (n_clips, width) by part."""
    age = np.maximum(day - clips.release_day, 0.0)
    return clips.columns | {"freshness": np.exp(-age / FRESH_DAYS)[:, None].astype(np.float32)}


def _person_columns(tastes: Tastes, day: float | np.ndarray, mood_shift: np.ndarray | None) -> dict[str, np.ndarray]:
    """Return what people weigh each column of the clips with: float32 (n_users, width) by part."""
    angle = (tastes.turn.astype(np.float32) * np.asarray(day, dtype=np.float32))[:, None]
    now, later = np.cos(angle), np.sin(angle)
    mood = now * tastes.mood.astype(np.float32) + later * tastes.mood_goal.astype(np.float32)
    if mood_shift is not None:
        if mood_shift.shape != mood.shape:
            raise ValueError(f"mood_shift must have shape {mood.shape}, one row a person, got {mood_shift.shape}")
        mood = mood + mood_shift.astype(np.float32)
    one = np.ones((len(tastes), 1), dtype=np.float32)
    parts = {
        "topic": now * tastes.topic.astype(np.float32) + later * tastes.topic_goal.astype(np.float32),
        "mood": np.hstack([mood, one]),
        "pace": tastes.pace.astype(np.float32)[:, None],
        "instrument": tastes.instrument.astype(np.float32),
        "setting": tastes.setting.astype(np.float32),
        "series": tastes.series.astype(np.float32),
        "creator": tastes.style.astype(np.float32),
        "quality": 1.0 + np.float32(0.3) * tastes.quality.astype(np.float32)[:, None],
        "freshness": one,
        "appeal": one,
    }
    return {name: np.float32(_WEIGHTS[name]) * parts[name] for name in PARTS}


def _encoded(catalogue: pd.DataFrame | EncodedClips) -> EncodedClips:
    return catalogue if isinstance(catalogue, EncodedClips) else encode_clips(catalogue)


def utility(
    tastes: Tastes,
    catalogue: pd.DataFrame | EncodedClips,
    day: float,
    *,
    mood_shift: np.ndarray | None = None,
) -> np.ndarray:
    """Return how much each person likes each clip on a day.

    Parameters
    ----------
    tastes : Tastes
        Of n_users people.
    catalogue : DataFrame or EncodedClips
        n_clips clips.
    day : float
        Days since the log began. Tastes drift with it and clips age.
    mood_shift : ndarray (n_users, 2), optional
        What a session's mood adds to the valence and arousal that a person looks for; zero by default.

    Returns
    -------
    ndarray float32 (n_users, n_clips)
        Log-odds of a click, given that the person looks at the clip.

    Raises
    ------
    ValueError
        If `mood_shift` has another shape.
    """
    person = _person_columns(tastes, day, mood_shift)
    clip = _clip_columns(_encoded(catalogue), day)
    left = np.hstack([person[name] for name in PARTS])
    right = np.hstack([clip[name] for name in PARTS])
    return np.asarray(left @ right.T + np.float32(INTERCEPT), dtype=np.float32)


def taste_weights(tastes: Tastes, day: float | np.ndarray) -> np.ndarray:
    """Return what each topic, instrument, setting and series adds to utility.

    Parameters
    ----------
    tastes : Tastes
        Of n people.
    day : float or ndarray (n,)
        Days since the log began, for all or for each person.

    Returns
    -------
    ndarray float32 (n, 40)
        Columns in the order of ``TOPICS``, ``INSTRUMENTS``, ``SETTINGS``, ``SERIES``.
    """
    parts = _person_columns(tastes, day, None)
    return np.hstack([parts[name] for name in ("topic", "instrument", "setting", "series")])


def utility_parts(tastes: Tastes, catalogue: pd.DataFrame | EncodedClips, day: float) -> dict[str, np.ndarray]:
    """Return the parts whose sum, with ``INTERCEPT``, is the utility.

    Parameters
    ----------
    tastes, catalogue, day
        As for :func:`utility`.

    Returns
    -------
    dict of str to ndarray
        For each of ``PARTS``: float32 (n_users, n_clips).
    """
    person = _person_columns(tastes, day, None)
    clip = _clip_columns(_encoded(catalogue), day)
    return {name: person[name] @ clip[name].T for name in PARTS}


def variance_shares(tastes: Tastes, catalogue: pd.DataFrame | EncodedClips, day: float) -> pd.DataFrame:
    """Say how much of the variance of utility over the clips released by a day each part makes.

    Parameters
    ----------
    tastes, catalogue, day
        As for :func:`utility`.

    Returns
    -------
    DataFrame
        Indexed by part. ``share``: covariance of the part with utility over one
        person's clips, divided by the variance of utility, averaged over people; sums to 1.
        ``personal``: the part's variance that is not the same for everybody, as a share of the same total.
    """
    clips = _encoded(catalogue)
    released = clips.release_day <= day
    parts = {name: part[:, released] for name, part in utility_parts(tastes, clips, day).items()}
    centred = {name: part - part.mean(axis=1, keepdims=True) for name, part in parts.items()}
    total = np.sum(list(centred.values()), axis=0)
    variance = float((total**2).mean())
    return pd.DataFrame(
        {
            "share": {name: float((part * total).mean()) / variance for name, part in centred.items()},
            "personal": {
                name: float(((part - part.mean(axis=0)) ** 2).mean()) / variance for name, part in centred.items()
            },
        }
    )
