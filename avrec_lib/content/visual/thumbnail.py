"""What a small, quick view of a clip shows: 64 by 64 pixels, four times a second."""

from pathlib import Path

import cv2
import numpy as np

from avrec_lib.content.features import NoFeaturesError
from avrec_lib.content.visual.colour import reduced
from avrec_lib.media import iter_frames

__all__ = ["PICTURE_FEATURES", "describe_frames", "describe_picture_file"]

_GRID = 3
_HUES, _LIGHTS = 12, 8
_CHROMAS = (8.0, 20.0, 40.0)  # where one class of chroma ends and the next begins
_SCALES = 3
_SIZE, _FPS = 64, 4.0
_BATCH = 64  # frames at a time: the memory does not grow with the film
_FEW = 4  # frames at a time where numbers are wide: so many stay in the processor's cache

PICTURE_FEATURES: tuple[str, ...] = (
    *(f"hue-{i:02d}" for i in range(_HUES)),
    *(f"light-{i}" for i in range(_LIGHTS)),
    *(f"chroma-{i}" for i in range(len(_CHROMAS) + 1)),
    *(f"{axis}-{row}{column}" for row in range(_GRID) for column in range(_GRID) for axis in "Lab"),
    *(f"{axis}-spread" for axis in "Lab"),
    *(f"edges-{scale}" for scale in ("fine", "middle", "coarse")),
    *(f"edges-toward-{degrees}" for degrees in (0, 45, 90, 135)),
    "specks",
    "motion-mean",
    "motion-spread",
    "motion-area",
    "drift-down",
    "drift-right",
    "cut-rate",
    "flicker",
)
"""Names of the entries of :func:`describe_frames`, in order."""


def describe_frames(images: np.ndarray, fps: float) -> np.ndarray:
    """Describe moving pictures by colour, layout, edges and motion.

    Colours are measured in CIE L*a*b* (1976), where equal distances look about equally different: L is lightness in
    [0, 100], a runs from green to red, b from blue to yellow.

    Parameters
    ----------
    images : ndarray (t, h, w, 3) of uint8
        RGB frames, at least 8 by 8 pixels.
    fps : float
        Frames a second.

    Returns
    -------
    ndarray (len(PICTURE_FEATURES),) of float32
        Shares, L*a*b* units, units a second: see :data:`PICTURE_FEATURES`. Scale before comparing.

    Raises
    ------
    NoFeaturesError
        If there are no frames.
    ValueError
        If the shape, the type or the rate is wrong.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or not fps > 0.0:
        raise ValueError(
            f"images must be uint8 of shape (t, h, w, 3) and fps positive, not {images.dtype} {images.shape} and {fps}"
        )
    if len(images) and min(images.shape[1:3]) < 8:
        raise ValueError(f"frames must be at least 8 by 8 pixels, not {images.shape[1:3]}")
    sketch = _Sketch(fps)
    for start in range(0, len(images), _BATCH):
        sketch.add(images[start : start + _BATCH])
    return sketch.vector()


def describe_picture_file(path: Path) -> np.ndarray:
    """Read a file's picture, four frames a second of 64 by 64 pixels, and describe it by :func:`describe_frames`.

    The memory does not grow with the length of the file.

    Parameters
    ----------
    path : Path
        A file with a picture.

    Returns
    -------
    ndarray (len(PICTURE_FEATURES),) of float32
        The description.

    Raises
    ------
    MediaError
        If the file has no picture or cannot be read.
    NoFeaturesError
        If there are no frames.
    """
    sketch = _Sketch(_FPS)
    for batch in iter_frames(path, fps=_FPS, size=_SIZE, batch=_BATCH):
        sketch.add(batch.images)
    return sketch.vector()


class _Sketch:
    """Sums over a film whose frames come some at a time."""

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._frames = self._pixels = 0
        self._counts = np.zeros(_HUES + _LIGHTS + len(_CHROMAS) + 1)
        self._chroma = 0.0
        self._cells = np.zeros((_GRID, _GRID, 3))
        self._sum, self._squares = np.zeros(3), np.zeros(3)
        self._edges = np.zeros(_SCALES + 4 + 1)
        self._lights: list[np.ndarray] = []
        self._last: np.ndarray | None = None
        self._steps: list[np.ndarray] = []
        self._moving = 0.0
        self._normal, self._later = np.zeros((2, 2)), np.zeros(2)

    def add(self, images: np.ndarray) -> None:
        t, h, w, _ = images.shape
        # OpenCV converts one picture at a time; frames stacked on top of each other are one picture.
        tall = images.reshape(t * h, w, 3).astype(np.float32) / 255.0
        lab = cv2.cvtColor(tall, cv2.COLOR_RGB2LAB).reshape(t, h, w, 3)
        # L, a and b apart, each in one piece of memory: NumPy is several times faster on these.
        planes = np.ascontiguousarray(np.moveaxis(lab, 3, 0))
        self._frames += t
        self._pixels += t * h * w
        for start in range(0, t, _FEW):
            self._colours(planes[:, start : start + _FEW].reshape(3, -1))
        self._cells += t * cv2.resize(lab.mean(axis=0), (_GRID, _GRID), interpolation=cv2.INTER_AREA)
        self._edges += t * _edges(planes[0])
        self._lights.append(planes[0].mean(axis=(1, 2)))
        # The last frame comes again with the next ones, so that no step is lost.
        self._motion(planes if self._last is None else np.concatenate([self._last, planes], axis=1))
        self._last = planes[:, -1:]

    def vector(self) -> np.ndarray:
        if not self._frames:
            raise NoFeaturesError("the picture has no frames")
        n = self._pixels
        # Grey has no hue: divided by at least 5 units of mean chroma, its noise stays near zero.
        hues, rest = self._counts[:_HUES] / max(self._chroma, 5.0 * n), self._counts[_HUES:] / n
        mean = self._sum / n
        spread = np.sqrt(np.maximum(self._squares / n - np.square(mean), 0.0))
        edges = self._edges / self._frames
        strengths = edges[_SCALES : _SCALES + 4]
        shares = strengths / max(float(strengths.sum()), 1e-6)
        parts = [
            np.sqrt(np.concatenate([hues, rest])),
            (self._cells / self._frames).ravel(),
            spread,
            np.log1p(edges[:_SCALES]),
            shares,
            np.log1p(edges[-1:]),
            self._moved(),
        ]
        return np.concatenate(parts).astype(np.float32)

    def _colours(self, planes: np.ndarray) -> None:
        """Count hues (weighted by chroma), lightness and chroma of pixels (3, n)."""
        light, a, b = planes
        chroma = _length(a, b)
        turn = np.arctan2(b, a) / (2.0 * np.pi)
        hue = ((turn - np.floor(turn)) * _HUES).astype(np.intp) % _HUES
        lightness = np.clip(light * (_LIGHTS / 100.0), 0, _LIGHTS - 1).astype(np.intp)
        richer = np.array([chroma.size, *(np.count_nonzero(chroma >= edge) for edge in _CHROMAS), 0])
        self._counts += np.concatenate(
            [
                np.bincount(hue, weights=chroma, minlength=_HUES),
                np.bincount(lightness, minlength=_LIGHTS),
                richer[:-1] - richer[1:],
            ]
        )
        self._chroma += float(chroma.sum(dtype=np.float64))
        self._sum += planes.sum(axis=1, dtype=np.float64)
        self._squares += np.square(planes, dtype=np.float64).sum(axis=1)

    def _motion(self, planes: np.ndarray) -> None:
        """Add what changes between frames (3, t, h, w), and the equations of one drift of the whole picture."""
        if planes.shape[1] < 2:
            return
        change = np.linalg.norm(np.diff(planes, axis=1), axis=0)
        # A cut changes nearly all of the picture at once; what is left is motion.
        cuts = (change > 10.0).mean(axis=(1, 2)) > 0.6
        self._steps.append(np.column_stack([change.mean(axis=(1, 2)), cuts]))
        self._moving += float((change > 5.0).mean(axis=(1, 2)).sum())
        light = planes[0]
        later = np.diff(light, axis=0)[:, 1:-1, 1:-1]
        down = (light[:-1, 2:, 1:-1] - light[:-1, :-2, 1:-1]) / 2.0
        right = (light[:-1, 1:-1, 2:] - light[:-1, 1:-1, :-2]) / 2.0
        slopes = np.stack([down.ravel(), right.ravel()]).astype(np.float64)
        self._normal += slopes @ slopes.T
        self._later += slopes @ later.ravel()

    def _moved(self) -> np.ndarray:
        """Return how much changes, which way it drifts, how often it cuts and how it flickers."""
        if not self._steps:
            return np.zeros(7)
        change, cuts = np.concatenate(self._steps).T
        smooth = np.where(cuts > 0.0, np.median(change), change)
        # Least squares of the brightness constancy equation (Lucas and Kanade, 1981), one motion for the whole picture.
        normal = self._normal + np.eye(2) * (1.0 + 1e-3 * np.trace(self._normal))
        drift = np.linalg.solve(normal, -self._later) * self._fps
        return np.array(
            [
                np.log1p(smooth.mean() * self._fps),
                np.log1p(smooth.std() * self._fps),
                self._moving / len(change),
                *drift,
                cuts.sum() * self._fps / self._frames,
                np.log1p(np.concatenate(self._lights).std()),
            ]
        )


def _length(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return ``np.hypot(x, y)`` of float32 in a third of its time."""
    squares = np.square(x, dtype=np.float64)
    squares += np.square(y, dtype=np.float64)
    return np.sqrt(squares, out=np.empty(x.shape, np.float32), casting="same_kind")


def _edges(light: np.ndarray) -> np.ndarray:
    """Return means over frames (t, h, w): of slopes at three scales, in four directions, and of specks."""
    scaled = [light]
    for _ in range(_SCALES - 1):
        scaled.append(reduced(scaled[-1], 2))
    slopes = [(np.diff(one, axis=1)[:, :, :-1], np.diff(one, axis=2)[:, :-1, :]) for one in scaled]
    steep = [_length(down, right) for down, right in slopes]
    down, right = slopes[0]
    toward = np.round(np.arctan2(down, right) / (np.pi / 4.0)).astype(np.intp) & 3  # the opposite direction is the same
    strengths = np.bincount(toward.ravel(), weights=steep[0].ravel(), minlength=4) / len(light)
    ring = (light[:, :-2, 1:-1] + light[:, 2:, 1:-1] + light[:, 1:-1, :-2] + light[:, 1:-1, 2:]) / 4.0
    specks = np.clip(light[:, 1:-1, 1:-1] - ring, 0.0, None).mean()
    return np.array([*(one.mean() for one in steep), *strengths, specks])
