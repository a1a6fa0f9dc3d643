"""How the picture moves: dense optical flow, the motion of the whole, and its summary."""

from typing import NamedTuple

import cv2
import numpy as np

__all__ = ["MOTION_NAMES", "GlobalMotion", "MotionTally", "global_motion", "optical_flow"]

_STEP = 4  # flow is smooth: every fourth row and column are enough for statistics
_FLAT = 8.0  # size of a Sobel gradient, in grey levels, below which there is nothing to follow
_STILL = 0.0234  # of the width a second: 3 pixels of 128
_FAST = 0.3125  # of the width a second: above, speed brings no more votes
_CELLS, _HALF = 64, 128  # cells of the plane of velocities: so many to a width a second, so many to each side of 0
_SPEEDS, _FASTEST = 1000, 4.0  # a histogram of speeds, and its end in widths a second
_DIRECTIONS = 8

MOTION_NAMES: tuple[str, ...] = (
    "motion-right",
    "motion-down",
    "motion-agreement",
    *(f"toward-{360 * k // _DIRECTIONS}" for k in range(_DIRECTIONS)),
    "still-share",
    "speed-mean",
    "speed-spread",
    "speed-90",
    "energy",
    "energy-spread",
    "growing",
    "turning",
)
"""Names of the entries of :meth:`MotionTally.summary`; degrees count from the right, 90 is up."""


def optical_flow(grey: np.ndarray) -> np.ndarray:
    """Estimate where each pixel moves from a frame to the next, by dense inverse search (Kroeger et al., 2016).

    OpenCV works on one pair of frames at a time.

    Parameters
    ----------
    grey : ndarray (t, h, w) of uint8
        Brightness; sides of at least 16 pixels.

    Returns
    -------
    ndarray (t - 1, h, w, 2) of float32
        Pixels to the right and down from each frame to the next; of a cut it is meaningless.

    Raises
    ------
    ValueError
        If the shape, the type or the size is wrong.
    """
    if grey.ndim != 3 or grey.dtype != np.uint8 or min(grey.shape[1:]) < 16:
        raise ValueError(f"grey must be uint8 of shape (t, h, w) with sides from 16, not {grey.dtype} {grey.shape}")
    grey = np.ascontiguousarray(grey)
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = np.zeros((max(0, len(grey) - 1), *grey.shape[1:], 2), np.float32)
    for k in range(len(flow)):
        method.calc(grey[k], grey[k + 1], flow[k])
    return flow


class GlobalMotion(NamedTuple):
    """How the picture moves as a whole.

    Attributes
    ----------
    right, down : float
        Pixels a second; 0 where nothing moves.
    agreement : float
        Share of what moves that moves about so, from 0 to 1.
    """

    right: float
    down: float
    agreement: float

    @property
    def speed(self) -> float:
        """Pixels a second."""
        return float(np.hypot(self.right, self.down))

    @property
    def direction_degrees(self) -> float:
        """0 to the right, 90 up; nan where nothing moves."""
        return float(np.degrees(np.arctan2(-self.down, self.right)) % 360.0) if self.speed else float("nan")


def _texture(grey: np.ndarray) -> np.ndarray:
    """Return how much there is to follow at each pixel of a grid (t, rows, columns): 0 on flat ground, at most 100."""
    t, h, w = grey.shape
    tall = np.ascontiguousarray(grey).reshape(t * h, w)
    size = np.hypot(cv2.Sobel(tall, cv2.CV_32F, 1, 0), cv2.Sobel(tall, cv2.CV_32F, 0, 1)).reshape(grey.shape)
    some = size[:, _STEP // 2 :: _STEP, _STEP // 2 :: _STEP]
    return np.where(some > _FLAT, np.minimum(some, 100.0), 0.0)


class MotionTally:
    """Votes and sums over pairs of frames, from which a clip's motion is read; it does not grow with the clip.

    Parameters
    ----------
    width : int
        Width of the frames in pixels, by which slow and fast are judged.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        cells = 4 * _HALF * _HALF
        self._votes, self._trust, self._sums = np.zeros(cells), np.zeros(cells), np.zeros((2, cells))
        self._toward, self._speeds = np.zeros(_DIRECTIONS), np.zeros(_SPEEDS)
        self._totals = np.zeros(7)
        self._energies: list[np.ndarray] = []

    def add(self, grey: np.ndarray, fps: float, cuts: np.ndarray) -> None:
        """Add frames (t, h, w) of uint8 that follow each other; across a cut, given by its first frame, nothing counts.

        Parameters
        ----------
        grey : ndarray (t, h, w) of uint8
            Brightness.
        fps : float
            Frames a second.
        cuts : ndarray of int
            First frames of new shots.
        """
        keep = ~np.isin(np.arange(1, len(grey)), cuts)
        if not keep.any():
            return
        flow = optical_flow(grey)[keep]
        v = flow[:, _STEP // 2 :: _STEP, _STEP // 2 :: _STEP] * np.float32(fps / self._width)
        weight = _texture(grey[:-1])[keep].astype(np.float64)
        speed = np.hypot(v[..., 0], v[..., 1])
        moves = weight * (speed > _STILL)
        self._vote(v.reshape(-1, 2), moves.ravel(), speed.ravel())
        turn = np.floor(np.arctan2(-v[..., 1], v[..., 0]) / (2.0 * np.pi) * _DIRECTIONS + 0.5).astype(np.intp)
        self._toward += np.bincount(turn.ravel() % _DIRECTIONS, weights=moves.ravel(), minlength=_DIRECTIONS)
        slot = np.minimum(speed * (_SPEEDS / _FASTEST), _SPEEDS - 1).astype(np.intp)
        self._speeds += np.bincount(slot.ravel(), weights=weight.ravel(), minlength=_SPEEDS)
        rows, columns = speed.shape[1:]
        y = (np.arange(rows) - (rows - 1) / 2.0)[:, None] * _STEP / self._width
        x = (np.arange(columns) - (columns - 1) / 2.0)[None, :] * _STEP / self._width
        parts = [1.0, speed, np.square(speed), speed > _STILL, x * x + y * y]
        parts += [v[..., 0] * x + v[..., 1] * y, v[..., 1] * x - v[..., 0] * y]
        self._totals += [float((weight * part).sum()) for part in parts]
        squares = (weight * np.square(speed)).sum(axis=(1, 2)) / np.maximum(weight.sum(axis=(1, 2)), 1e-9)
        self._energies.append(np.log10(squares + 1e-5).astype(np.float32))

    def _vote(self, v: np.ndarray, trust: np.ndarray, speed: np.ndarray) -> None:
        place = np.floor(v * _CELLS).astype(np.intp) + _HALF
        counts = (trust > 0.0) & ((place >= 0) & (place < 2 * _HALF)).all(axis=1)
        cell = place[counts] @ [1, 2 * _HALF]
        votes = trust[counts] * np.minimum(speed[counts], _FAST)
        size = len(self._votes)
        self._trust += np.bincount(cell, weights=trust[counts], minlength=size)
        self._votes += np.bincount(cell, weights=votes, minlength=size)
        for axis in range(2):
            self._sums[axis] += np.bincount(cell, weights=votes * v[counts, axis], minlength=size)

    def whole(self) -> GlobalMotion:
        """Return the velocity around which most of what moves gathers.

        Means and medians mix things that move differently into a motion that nothing has. Here the highest peak of
        the votes, softened, is refined by mean shift (Comaniciu and Meer, 2002). Fast pixels have more votes, up to
        a third of the width a second: what is near covers little of a frame and tells most about how the camera goes.

        Returns
        -------
        GlobalMotion
            Zero if nothing moves.
        """
        held = np.flatnonzero(self._votes)
        if not len(held):
            return GlobalMotion(0.0, 0.0, 0.0)
        plane = cv2.GaussianBlur(self._votes.reshape(2 * _HALF, 2 * _HALF), (0, 0), 2.0)
        row, column = np.unravel_index(int(plane.argmax()), plane.shape)
        peak = (np.array([column, row]) + 0.5 - _HALF) / _CELLS
        votes = self._votes[held]
        v = (self._sums[:, held] / votes).T
        for _ in range(5):
            near = np.exp(-np.square((v - peak) * _CELLS / 2.0).sum(axis=1) / 2.0) * votes
            if near.sum() <= 0.0:
                break
            peak = near @ v / near.sum()
        agrees = np.square((v - peak) * _CELLS / 4.0).sum(axis=1) < 1.0
        trust = self._trust[held]
        right, down = peak * self._width
        return GlobalMotion(float(right), float(down), float(trust[agrees].sum() / trust.sum()))

    def summary(self) -> np.ndarray:
        """Describe the motion by numbers of a fixed count.

        Returns
        -------
        ndarray (19,) of float32
            Names in :data:`MOTION_NAMES`; zeros if there was nothing to follow. Speeds are in frame widths a second,
            energy is the logarithm of the mean squared speed, directions are shares of the moving texture, growing
            and turning are rates a second.
        """
        total, first, second, moving, size, growing, turning = self._totals
        if total <= 0.0:
            return np.zeros(len(MOTION_NAMES), np.float32)
        whole = self.whole()
        mean = first / total
        ninety = np.searchsorted(np.cumsum(self._speeds), 0.9 * total) * _FASTEST / _SPEEDS
        energies = np.concatenate(self._energies)
        return np.array(
            [
                whole.right / self._width,
                whole.down / self._width,
                whole.agreement,
                *(self._toward / max(moving, 1e-9)),
                1.0 - moving / total,
                mean,
                np.sqrt(max(0.0, second / total - mean * mean)),
                ninety,
                energies.mean(),
                energies.std(),
                growing / max(size, 1e-9),
                turning / max(size, 1e-9),
            ],
            dtype=np.float32,
        )


def global_motion(grey: np.ndarray, fps: float, cuts: np.ndarray) -> GlobalMotion:
    """Find how the picture moves as a whole over a clip.

    Parameters
    ----------
    grey : ndarray (t, h, w) of uint8
        Brightness.
    fps : float
        Frames a second.
    cuts : ndarray of int
        First frames of new shots, across which there is no motion.

    Returns
    -------
    GlobalMotion
        Zero where nothing moves, or for a single frame.
    """
    tally = MotionTally(grey.shape[2])
    tally.add(grey, fps, cuts)
    return tally.whole()
