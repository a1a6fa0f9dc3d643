"""The vocabulary of Tidepool's catalogue: topics, instruments, settings and series."""

from dataclasses import dataclass

__all__ = ["FAMILIES", "INSTRUMENTS", "SERIES", "SETTINGS", "TOPICS", "Topic"]


@dataclass(frozen=True)
class Topic:
    """One of the sixteen kinds of clip.

    Attributes
    ----------
    name : str
        Identifier, lower case with hyphens.
    family : str
        The group that a person names first.
    valence, arousal : float
        Mean mood of the topic's clips, each in [-1, 1].
    share : float
        Relative frequency in the catalogue.
    """

    name: str
    family: str
    valence: float
    arousal: float
    share: float


TOPICS: tuple[Topic, ...] = (
    Topic("nocturne-piano", "music", -0.2, -0.5, 1.2),
    Topic("techno", "music", 0.1, 0.7, 1.3),
    Topic("folk-guitar", "music", 0.4, -0.1, 1.2),
    Topic("brass-march", "music", 0.5, 0.4, 0.9),
    Topic("rainforest", "nature", 0.2, -0.2, 0.9),
    Topic("ocean", "nature", 0.2, -0.5, 1.0),
    Topic("thunderstorm", "nature", -0.5, 0.4, 0.8),
    Topic("birdsong-meadow", "nature", 0.6, -0.3, 0.9),
    Topic("motor-race", "sport", 0.1, 0.8, 1.1),
    Topic("ball-match", "sport", 0.4, 0.5, 1.2),
    Topic("night-drive", "city", -0.2, 0.1, 1.1),
    Topic("market", "city", 0.3, 0.3, 0.9),
    Topic("train-ride", "city", 0.0, 0.0, 0.9),
    Topic("bouncing-shapes", "animation", 0.6, 0.5, 1.0),
    Topic("ink", "animation", -0.1, -0.4, 0.8),
    Topic("workshop", "craft", 0.1, 0.0, 0.8),
)

FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(topic.family for topic in TOPICS))

INSTRUMENTS: tuple[str, ...] = ("piano", "guitar", "brass", "synthesiser", "marimba", "flute")
"""The lead voice over every clip's sound. It is only heard: drawn independently of all else."""

SETTINGS: tuple[str, ...] = ("clear", "fog", "snow", "rain", "starlight", "ember")
"""The weather and light around every clip's picture. It is only seen: drawn independently of all else."""

SERIES: tuple[str, ...] = (
    "Slow Hours",
    "Small Wonders",
    "After Midnight",
    "First Light",
    "Open Doors",
    "The Long Way Home",
    "Field Notes",
    "Paper Boats",
    "Salt and Iron",
    "Nine Lives",
    "Borrowed Time",
    "Quiet Machines",
)
"""Editorial series that run across topics and creators. Only the text tells them."""
