"""One vector of fixed length for a film: how it looks, and how it moves."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from avrec_lib.content.features import NoFeaturesError
from avrec_lib.content.visual.colour import (
    COLOUR_BINS,
    ColourCells,
    colour_histogram,
    colour_moments,
    lab_bytes,
    lab_units,
    reduced,
)
from avrec_lib.content.visual.flow import MOTION_NAMES, MotionTally
from avrec_lib.content.visual.sampling import to_size
from avrec_lib.content.visual.shape import HOG_NAMES, MOMENT_NAMES, mask_moments, oriented_gradients, silhouettes
from avrec_lib.content.visual.shots import ScoreStream, cuts_from_scores, find_cuts, structure_maps
from avrec_lib.content.visual.texture import (
    GABOR_NAMES,
    GLCM_NAMES,
    LBP_NAMES,
    gabor_energies,
    glcm_statistics,
    grey_bytes,
    lbp_histogram,
)
from avrec_lib.media import iter_frames

__all__ = [
    "FPS",
    "FRAME_FEATURES",
    "LOOK_FEATURES",
    "MOTION_FEATURES",
    "SIZE",
    "describe_look",
    "describe_look_file",
    "describe_motion",
    "describe_motion_file",
    "frame_features",
]

SIZE = 128
"""Side of the squares to which frames are stretched, pixels."""

FPS = 12.0
"""Frames a second at which files are read."""

_EVERY = 3
_BATCH = 24  # frames at a time: few enough for a processor's cache
_BLOCK = 240  # frames at a time for motion: the memory does not grow with the film
_COLOURS = 5

_MOMENTS = tuple(f"{axis}-{what}" for what in ("mean", "deviation", "skew") for axis in "Lab")
FRAME_FEATURES: tuple[str, ...] = (
    *COLOUR_BINS,
    *HOG_NAMES,
    *_MOMENTS,
    *LBP_NAMES,
    *GLCM_NAMES,
    *GABOR_NAMES,
    *MOMENT_NAMES,
)
"""Names of the columns of :func:`frame_features`, in order."""

_PLAIN = len(COLOUR_BINS) + len(HOG_NAMES)  # columns whose spread over time is left out

LOOK_FEATURES: tuple[str, ...] = (
    *FRAME_FEATURES,
    *(f"{name}-over-time" for name in FRAME_FEATURES[_PLAIN:]),
    *(f"palette-{k}-{part}" for k in range(_COLOURS) for part in ("L", "a", "b", "share")),
    "change-mean",
    "change-spread",
    "flicker",
    "cut-rate",
)
"""Names of the entries of :func:`describe_look`, in order."""

MOTION_FEATURES: tuple[str, ...] = MOTION_NAMES
"""Names of the entries of :func:`describe_motion`, in order."""


def frame_features(images: np.ndarray) -> np.ndarray:
    """Describe each frame by colour, shape and texture.

    Grey and L*a*b* pictures are made once for all features.

    Parameters
    ----------
    images : ndarray (t, 128, 128, 3) of uint8
        RGB; :data:`SIZE` squared, for textures depend on the size.

    Returns
    -------
    ndarray (t, 270) of float32
        Names in :data:`FRAME_FEATURES`.

    Raises
    ------
    ValueError
        If the shape or the type is wrong.
    """
    if images.ndim != 4 or images.shape[1:] != (SIZE, SIZE, 3):
        raise ValueError(f"images must be of shape (t, {SIZE}, {SIZE}, 3), not {images.shape}")
    parts = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
    found = [_frame_features(lab_bytes(part), grey_bytes(part)) for part in parts]
    return np.concatenate([np.empty((0, len(FRAME_FEATURES)), np.float32), *found])


def _frame_features(lab: np.ndarray, grey: np.ndarray) -> np.ndarray:
    return np.concatenate(
        [
            colour_histogram(lab),
            oriented_gradients(grey),
            colour_moments(lab),
            lbp_histogram(grey),
            glcm_statistics(grey),
            gabor_energies(grey),
            mask_moments(silhouettes(grey)),
        ],
        axis=1,
    )


class _Look:
    """What is gathered of a film whose frames come some at a time."""

    def __init__(self, fps: float, every: int) -> None:
        self._fps, self._every = fps, every
        self._seen = self._described = 0
        self._sum = np.zeros(len(FRAME_FEATURES))
        self._squares = np.zeros(len(FRAME_FEATURES))
        self._shift: np.ndarray | None = None
        self._cells = ColourCells()
        self._scores = ScoreStream(fps)
        self._last: np.ndarray | None = None
        self._steps: list[np.ndarray] = []
        self._lights: list[np.ndarray] = []

    def add(self, images: np.ndarray) -> None:
        grey, lab = grey_bytes(images), lab_bytes(images)
        self._scores.add(structure_maps(grey))
        small = lab_units(reduced(lab, 8))
        before = small[:1] if self._last is None else self._last
        self._steps.append(np.linalg.norm(np.diff(small, axis=0, prepend=before), axis=3).mean(axis=(1, 2)))
        self._lights.append(small[..., 0].mean(axis=(1, 2)))
        self._last = small[-1:]
        chosen = slice(-self._seen % self._every, None, self._every)
        self._seen += len(images)
        if not len(grey[chosen]):
            return
        self._cells.add(reduced(lab[chosen], 4))
        features = _frame_features(lab[chosen], grey[chosen]).astype(np.float64)
        # Sums of squares lose digits far from zero: the first frame is taken off.
        self._shift = features[0] if self._shift is None else self._shift
        self._described += len(features)
        self._sum += (features - self._shift).sum(axis=0)
        self._squares += np.square(features - self._shift).sum(axis=0)

    def vector(self) -> np.ndarray:
        if self._shift is None:
            raise NoFeaturesError("the picture has no frames")
        away = self._sum / self._described
        mean = self._shift + away
        spread = np.sqrt(np.maximum(self._squares / self._described - np.square(away), 0.0))
        bins = len(COLOUR_BINS)
        palette = self._cells.palette(_COLOURS)
        dark_first = np.argsort(palette.lab[:, 0], kind="stable")
        scores, steps = self._scores.finish(), np.concatenate(self._steps)
        cuts = cuts_from_scores(scores, self._fps)
        within = np.delete(steps, [0, *cuts])
        lights = np.concatenate(self._lights)
        change = (
            [np.log1p(within.mean() * self._fps), np.log1p(within.std() * self._fps)] if len(within) else [0.0, 0.0]
        )
        vector = np.concatenate(
            [
                np.sqrt(np.maximum(mean[:bins], 0.0)),  # a share of 1 in 100 counts, too
                mean[bins:],
                spread[_PLAIN:],
                np.column_stack([palette.lab, palette.shares])[dark_first].ravel(),
                change,
                [np.log1p(lights.std()), len(cuts) * self._fps / len(steps)],
            ]
        )
        return vector.astype(np.float32)


def _look(batches: Iterable[np.ndarray], fps: float, every: int) -> np.ndarray:
    look = _Look(fps, every)
    for images in batches:
        look.add(images)
    return look.vector()


def describe_look(images: np.ndarray, fps: float, *, every: int = _EVERY) -> np.ndarray:
    """Describe how a film looks: colour, palette, texture, shape, change and cuts; all but optical flow.

    Parameters
    ----------
    images : ndarray (t, h, w, 3) of uint8
        RGB; stretched to 128 by 128 where they are not.
    fps : float
        Frames a second, best about :data:`FPS`.
    every : int
        Colour, texture and shape are taken of every so manyth frame; change and cuts need all.

    Returns
    -------
    ndarray (len(LOOK_FEATURES),) of float32
        Means over frames, spreads over time, and so on: see :data:`LOOK_FEATURES`. Scale before comparing.

    Raises
    ------
    NoFeaturesError
        If there are no frames.
    ValueError
        If the shape, the type, the rate or the step is wrong.
    """
    _check(images, fps)
    if every < 1:
        raise ValueError(f"every must be 1 or more, not {every}")
    parts = (to_size(images[start : start + _BATCH], SIZE) for start in range(0, len(images), _BATCH))
    return _look(parts, fps, every)


def describe_look_file(path: Path) -> np.ndarray:
    """Read a file's picture and describe it by :func:`describe_look`, in memory that does not grow with its length.

    Parameters
    ----------
    path : Path
        A file with a picture.

    Returns
    -------
    ndarray (len(LOOK_FEATURES),) of float32
        The description.

    Raises
    ------
    MediaError
        If the file has no picture or cannot be read.
    NoFeaturesError
        If there are no frames.
    """
    batches = (batch.images for batch in iter_frames(path, fps=FPS, size=SIZE, batch=_BATCH))
    return _look(batches, FPS, _EVERY)


def describe_motion(images: np.ndarray, fps: float) -> np.ndarray:
    """Describe how a film moves, by optical flow.

    Parameters
    ----------
    images : ndarray (t, h, w, 3) of uint8
        RGB; stretched to 128 by 128 where they are not.
    fps : float
        Frames a second, best about :data:`FPS`.

    Returns
    -------
    ndarray (len(MOTION_FEATURES),) of float32
        See :data:`MOTION_FEATURES`.

    Raises
    ------
    NoFeaturesError
        If there are fewer than two frames.
    ValueError
        If the shape, the type or the rate is wrong.
    """
    _check(images, fps)
    starts = range(0, max(1, len(images)), _BLOCK)
    return _motion((to_size(images[start : start + _BLOCK], SIZE) for start in starts), fps)


def describe_motion_file(path: Path) -> np.ndarray:
    """Read a file's picture and describe its motion by :func:`describe_motion`, in memory that does not grow.

    Parameters
    ----------
    path : Path
        A file with a picture.

    Returns
    -------
    ndarray (len(MOTION_FEATURES),) of float32
        The description.

    Raises
    ------
    MediaError
        If the file has no picture or cannot be read.
    NoFeaturesError
        If there are fewer than two frames.
    """
    return _motion((batch.images for batch in iter_frames(path, fps=FPS, size=SIZE, batch=_BLOCK)), FPS)


def _motion(blocks: Iterable[np.ndarray], fps: float) -> np.ndarray:
    tally = MotionTally(SIZE)
    seen = 0
    last: np.ndarray | None = None
    for block in blocks:
        # The last frame of a block comes again with the next, so that no pair is lost.
        images = block if last is None else np.concatenate([last, block])
        last = block[-1:].copy()
        seen += len(block)
        if len(images) > 1:
            tally.add(grey_bytes(images), fps, find_cuts(images, fps))
    if seen < 2:
        raise NoFeaturesError("motion needs two frames or more")
    return tally.summary()


def _check(images: np.ndarray, fps: float) -> None:
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or not fps > 0.0:
        raise ValueError(
            f"images must be uint8 of shape (t, h, w, 3) and fps positive, not {images.dtype} {images.shape} and {fps}"
        )
    if len(images) and min(images.shape[1:3]) < 8:
        raise ValueError(f"frames must be at least 8 by 8 pixels, not {images.shape[1:3]}")
