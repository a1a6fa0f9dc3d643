"""What Tidepool's clips are, before anything is drawn, played or written.

Everything here is arrays, so that a catalogue of a million clips without media
takes seconds.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avrec_lib.world.topics import INSTRUMENTS, SERIES, SETTINGS, TOPICS

__all__ = ["ClipSpec", "clip_specs", "sample_catalogue", "sample_creators"]

DAYS = 42
"""Length of the log in days; day 0 is the first."""

_STREAM = 1


@dataclass(frozen=True)
class ClipSpec:
    """The attributes of one clip, all that its sound and its picture are made from.

    Attributes
    ----------
    clip_id : str
        Identifier.
    topic, family, instrument, setting : str
        Names from :mod:`avrec_lib.world.topics`.
    valence, arousal : float
        Mood, each in [-1, 1].
    pace, quality : float
        Each in [0, 1]: how often the picture cuts and moves; how well the clip is made.
    duration_seconds : float
        Length in seconds, in [5, 7].
    hue, warmth : float
        The creator's style, each in [0, 1]: tint of the picture, brightness of the sound.
    seed : int
        Seed of the clip's own randomness.
    """

    clip_id: str
    topic: str
    family: str
    instrument: str
    setting: str
    valence: float
    arousal: float
    pace: float
    quality: float
    duration_seconds: float
    hue: float
    warmth: float
    seed: int


def sample_creators(n_creators: int, *, seed: int) -> pd.DataFrame:
    """Draw the people who make the clips.

    Parameters
    ----------
    n_creators : int
        Number of creators, at least 1.
    seed : int
        Seed of the world.

    Returns
    -------
    DataFrame
        One row a creator: ``creator_id``, ``home_topic`` (index into ``TOPICS``),
        ``skill``, ``hue``, ``warmth`` (each in [0, 1]) and ``activity`` (relative
        number of clips, heavy-tailed).
    """
    rng = np.random.default_rng([seed, _STREAM, 0])
    return pd.DataFrame(
        {
            "creator_id": [f"k{i:05d}" for i in range(n_creators)],
            "home_topic": rng.integers(len(TOPICS), size=n_creators),
            "skill": rng.beta(4.0, 3.0, n_creators),
            "hue": rng.random(n_creators),
            "warmth": rng.random(n_creators),
            "activity": rng.pareto(2.5, n_creators) + 1.0,
        }
    )


def sample_catalogue(n_clips: int, *, seed: int, n_creators: int = 60) -> pd.DataFrame:
    """Draw the true attributes of a catalogue.

    Instrument, setting and series are independent of each other and of
    everything else, so that each can be learned from one modality alone.

    Parameters
    ----------
    n_clips : int
        Number of clips, at least 1.
    seed : int
        Seed of the world: the same seed gives the same catalogue.
    n_creators : int
        Number of creators.

    Returns
    -------
    DataFrame
        One row a clip, with the fields of :class:`ClipSpec` and ``series``,
        ``creator_id``, ``release_day`` (days; negative before the log starts)
        and ``appeal`` (standard normal; what no modality shows).
    """
    creators = sample_creators(n_creators, seed=seed)
    rng = np.random.default_rng([seed, _STREAM, 1])
    activity = creators["activity"].to_numpy()
    creator = rng.choice(n_creators, size=n_clips, p=activity / activity.sum())
    share = np.array([topic.share for topic in TOPICS])
    drawn = rng.choice(len(TOPICS), size=n_clips, p=share / share.sum())
    at_home = rng.random(n_clips) < 0.35
    topic = np.where(at_home, creators["home_topic"].to_numpy()[creator], drawn)
    mean_valence = np.array([t.valence for t in TOPICS])[topic]
    mean_arousal = np.array([t.arousal for t in TOPICS])[topic]
    valence = np.clip(mean_valence + rng.normal(0.0, 0.45, n_clips), -1.0, 1.0)
    arousal = np.clip(mean_arousal + rng.normal(0.0, 0.40, n_clips), -1.0, 1.0)
    pace = np.clip(0.5 + 0.3 * arousal + rng.normal(0.0, 0.2, n_clips), 0.0, 1.0)
    skill = creators["skill"].to_numpy()[creator]
    quality = np.clip(skill + rng.normal(0.0, 0.15, n_clips), 0.0, 1.0)
    late = rng.random(n_clips) < 0.36
    # Releases grow towards the end of the log (density ~ day^3), so that its last days meet enough cold clips.
    during = (DAYS - 1.0) * rng.random(n_clips) ** 0.25
    release_day = np.where(late, during, rng.uniform(-60.0, 0.0, n_clips))
    return pd.DataFrame(
        {
            "clip_id": [f"c{i:07d}" for i in range(n_clips)],
            "topic": np.array([t.name for t in TOPICS])[topic],
            "family": np.array([t.family for t in TOPICS])[topic],
            "instrument": np.array(INSTRUMENTS)[rng.integers(len(INSTRUMENTS), size=n_clips)],
            "setting": np.array(SETTINGS)[rng.integers(len(SETTINGS), size=n_clips)],
            "series": np.array(SERIES)[rng.integers(len(SERIES), size=n_clips)],
            "valence": valence,
            "arousal": arousal,
            "pace": pace,
            "quality": quality,
            "appeal": rng.normal(size=n_clips),
            "duration_seconds": np.round(rng.uniform(5.0, 7.0, n_clips) * 12.0) / 12.0,
            "creator_id": creators["creator_id"].to_numpy()[creator],
            "hue": creators["hue"].to_numpy()[creator],
            "warmth": creators["warmth"].to_numpy()[creator],
            "release_day": release_day,
            "seed": rng.integers(2**31 - 1, size=n_clips),
        }
    )


def clip_specs(catalogue: pd.DataFrame) -> list[ClipSpec]:
    """Turn rows of a catalogue into the specifications that the renderers read.

    Parameters
    ----------
    catalogue : DataFrame
        As :func:`sample_catalogue` returns it.

    Returns
    -------
    list of ClipSpec
        One a row, in order.
    """
    fields = list(ClipSpec.__dataclass_fields__)
    return [ClipSpec(*row) for row in catalogue[fields].itertuples(index=False, name=None)]
