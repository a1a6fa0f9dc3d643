"""The six kinds of audience that Tidepool's people are mixtures of."""

from dataclasses import dataclass

import numpy as np

from avrec_lib.world.topics import INSTRUMENTS, SERIES, SETTINGS, TOPICS

__all__ = ["AGE_BANDS", "REGIONS", "SEGMENTS", "Segment", "segment_profiles"]

AGE_BANDS: tuple[str, ...] = ("13-17", "18-24", "25-34", "35-49", "50+")
"""Age bands, youngest first."""

REGIONS: tuple[str, ...] = ("Saltmarsh", "Northreach", "Harbour Isles", "Low Hills", "Glass Coast")
"""Where people live; no such places exist."""


@dataclass(frozen=True)
class Segment:
    """A kind of audience: what its members like together.

    Attributes
    ----------
    name : str
        Identifier.
    topics, instruments, settings, series : tuple of str
        What members like above all else, names from :mod:`avrec_lib.world.topics`.
    valence, arousal : float
        The mood that members look for, each in [-1, 1].
    pace : float
        Taste for fast pictures; standard units, positive likes them fast.
    hue, warmth : float
        The creators' style that members like, each in [0, 1].
    age, region : int
        Index of the age band and of the region that are slightly more frequent among members.
    """

    name: str
    topics: tuple[str, ...]
    instruments: tuple[str, ...]
    settings: tuple[str, ...]
    series: tuple[str, ...]
    valence: float
    arousal: float
    pace: float
    hue: float
    warmth: float
    age: int
    region: int


SEGMENTS: tuple[Segment, ...] = (
    Segment(
        name="late listeners",
        topics=("nocturne-piano", "ink", "night-drive", "thunderstorm"),
        instruments=("piano", "flute"),
        settings=("starlight", "rain"),
        series=("After Midnight", "Slow Hours", "Quiet Machines"),
        valence=-0.4,
        arousal=-0.6,
        pace=-1.0,
        hue=0.65,
        warmth=0.2,
        age=2,
        region=0,
    ),
    Segment(
        name="dancers",
        topics=("techno", "bouncing-shapes", "night-drive"),
        instruments=("synthesiser", "marimba"),
        settings=("ember", "starlight"),
        series=("Nine Lives", "After Midnight", "Borrowed Time"),
        valence=0.3,
        arousal=0.7,
        pace=1.2,
        hue=0.85,
        warmth=0.6,
        age=1,
        region=1,
    ),
    Segment(
        name="walkers",
        topics=("rainforest", "birdsong-meadow", "ocean"),
        instruments=("flute", "guitar"),
        settings=("fog", "clear"),
        series=("First Light", "Field Notes", "Small Wonders"),
        valence=0.4,
        arousal=-0.5,
        pace=-0.8,
        hue=0.35,
        warmth=0.4,
        age=4,
        region=2,
    ),
    Segment(
        name="fans",
        topics=("motor-race", "ball-match", "brass-march"),
        instruments=("brass", "synthesiser"),
        settings=("clear", "ember"),
        series=("Nine Lives", "Open Doors", "Salt and Iron"),
        valence=0.4,
        arousal=0.7,
        pace=1.0,
        hue=0.05,
        warmth=0.8,
        age=0,
        region=3,
    ),
    Segment(
        name="makers",
        topics=("workshop", "folk-guitar", "ink", "bouncing-shapes"),
        instruments=("guitar", "piano"),
        settings=("snow", "fog"),
        series=("Salt and Iron", "Paper Boats", "Quiet Machines"),
        valence=0.1,
        arousal=0.0,
        pace=0.0,
        hue=0.15,
        warmth=0.9,
        age=3,
        region=4,
    ),
    Segment(
        name="travellers",
        topics=("market", "train-ride", "ocean", "ball-match"),
        instruments=("marimba", "brass"),
        settings=("rain", "snow"),
        series=("The Long Way Home", "Open Doors", "Borrowed Time"),
        valence=0.2,
        arousal=0.2,
        pace=0.2,
        hue=0.5,
        warmth=0.5,
        age=3,
        region=0,
    ),
)
"""The segments overlap: most topics, instruments and series belong to more than one, or have friends in several."""


def _likes(liked: list[tuple[str, ...]], levels: tuple[str, ...]) -> np.ndarray:
    """Return (segments, levels) with mean 0 and root mean square 1 in each row."""
    table = np.array([[level in names for level in levels] for names in liked], dtype=np.float32)
    table -= table.mean(axis=1, keepdims=True)
    return table / np.sqrt((table**2).mean(axis=1, keepdims=True))


def segment_profiles() -> dict[str, np.ndarray]:
    """Return what each segment likes, as numbers.

    Returns
    -------
    dict of str to ndarray
        float32, one row a segment: ``topic`` (6, 16), ``instrument`` (6, 6),
        ``setting`` (6, 6), ``series`` (6, 12), each row with mean 0 and root mean
        square 1; ``mood`` (6, 2) valence and arousal; ``pace`` (6,); ``style`` (6, 3),
        the encoding of hue and warmth in :mod:`avrec_lib.world.utility`.
    """
    angle = 2.0 * np.pi * np.array([s.hue for s in SEGMENTS])
    warmth = 2.0 * np.array([s.warmth for s in SEGMENTS]) - 1.0
    return {
        "topic": _likes([s.topics for s in SEGMENTS], tuple(t.name for t in TOPICS)),
        "instrument": _likes([s.instruments for s in SEGMENTS], INSTRUMENTS),
        "setting": _likes([s.settings for s in SEGMENTS], SETTINGS),
        "series": _likes([s.series for s in SEGMENTS], SERIES),
        "mood": np.array([[s.valence, s.arousal] for s in SEGMENTS], dtype=np.float32),
        "pace": np.array([s.pace for s in SEGMENTS], dtype=np.float32),
        "style": np.stack([np.cos(angle), np.sin(angle), 1.5 * warmth], axis=1).astype(np.float32),
    }
