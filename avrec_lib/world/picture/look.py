"""The colours of a clip: mood and creator's style set the grade, and the palette is measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from avrec_lib.world.picture.canvas import Colour

__all__ = ["Look", "grade_matrix", "measure_palette", "mix", "rgb"]

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""


@lru_cache(maxsize=1024)
def rgb(code: str) -> Colour:
    """Read a colour.

    Parameters
    ----------
    code : str
        Six hexadecimal digits, with or without ``#`` in front.

    Returns
    -------
    tuple of float
        Red, green, blue in [0, 255].
    """
    digits = code.lstrip("#")
    return (float(int(digits[0:2], 16)), float(int(digits[2:4], 16)), float(int(digits[4:6], 16)))


def mix(a: Sequence[float] | str, b: Sequence[float] | str, share: float) -> Colour:
    """Blend two colours: 0 gives the first, 1 the second."""
    first = rgb(a) if isinstance(a, str) else a
    second = rgb(b) if isinstance(b, str) else b
    rest = 1.0 - share
    return (
        float(rest * first[0] + share * second[0]),
        float(rest * first[1] + share * second[1]),
        float(rest * first[2] + share * second[2]),
    )


@dataclass(frozen=True)
class Look:
    """How a clip's mood and its creator's style colour what is painted.

    Attributes
    ----------
    mood : float
        Valence moved to [0, 1].
    hue : float
        The creator's tint, a place on the colour circle in [0, 1].
    """

    mood: float
    hue: float

    def between(self, sad: str, glad: str) -> Colour:
        """Blend from the colour of low valence to that of high valence."""
        return mix(sad, glad, self.mood)

    def among(self, sad: str, even: str, glad: str) -> Colour:
        """Blend over a middle colour, where the straight way would lead through grey."""
        if self.mood < 0.5:
            return mix(sad, even, 2.0 * self.mood)
        return mix(even, glad, 2.0 * self.mood - 1.0)


def grade_matrix(look: Look) -> np.ndarray:
    """Return the colour change that a mood and a style make.

    Low valence is darker, paler and colder; high valence brighter, richer and
    warmer. The creator's tint moves each channel by at most six per cent.

    Parameters
    ----------
    look : Look
        Mood and tint.

    Returns
    -------
    ndarray float64 (3, 4)
        Multiplies (red, green, blue, 1), in units of [0, 255].
    """
    richness = 0.62 + 0.56 * look.mood
    gain = 0.74 + 0.34 * look.mood
    warm = np.array([0.95 + 0.09 * look.mood, 1.0, 1.09 - 0.15 * look.mood])
    tint = 1.0 + 0.06 * np.cos(2.0 * np.pi * (look.hue - np.array([0.0, 1.0, 2.0]) / 3.0))
    saturate = richness * np.eye(3) + (1.0 - richness) * np.tile(LUMA, (3, 1))
    matrix = (gain * warm * tint)[:, None] * saturate
    return np.hstack([matrix, np.zeros((3, 1))])


def measure_palette(frames: np.ndarray, n_colours: int = 5) -> np.ndarray:
    """Find the colours that cover most of a clip (k-means; Lloyd, 1982).

    Parameters
    ----------
    frames : ndarray uint8 (t, h, w, 3)
        The pictures, as drawn, before grain.
    n_colours : int
        How many colours.

    Returns
    -------
    ndarray uint8 (n_colours, 3)
        Colours, the most frequent first.
    """
    some = frames[:: max(1, len(frames) // 8)]
    small = np.concatenate([cv2.resize(f, (24, 24), interpolation=cv2.INTER_AREA).reshape(-1, 3) for f in some])
    pixels = small.astype(np.float32)
    order = np.argsort(pixels @ LUMA.astype(np.float32), kind="stable")
    start = np.linspace(0, len(pixels) - 1, 2 * n_colours + 1).astype(int)[1::2]
    centres = pixels[order[start]]
    for _ in range(8):
        distance = (centres**2).sum(axis=1) - 2.0 * pixels @ centres.T
        nearest = distance.argmin(axis=1)
        member = (nearest[:, None] == np.arange(n_colours)).astype(np.float32)
        count = member.sum(axis=0)
        centres = np.where(count[:, None] > 0, member.T @ pixels / np.maximum(count, 1.0)[:, None], centres)
    return np.rint(centres[np.argsort(-count, kind="stable")]).astype(np.uint8)
