"""Where a film cuts from one shot to the next, and which frame stands for each shot."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import uniform_filter

from avrec_lib.content.visual.sampling import to_size
from avrec_lib.content.visual.texture import grey_bytes

__all__ = ["ScoreStream", "change_scores", "cuts_from_scores", "find_cuts", "key_frames", "structure_maps"]

_SIDE = 32
_AT_ONCE = 128  # places
_AROUND = 9  # pixels of the map over which light and contrast are evened out
_CONTRAST = 4.0  # per cent of white: what varies less is noise
_USUAL = 1.0  # added to a place's usual change, in units of the map, so that stillness is no infinite surprise
_MOST = 3.0  # the greatest surprise of one place
_PROMINENCE = 0.67
"""How far a cut's score exceeds half of its neighbours' greatest: chosen on worlds of seeds 101 to 103."""


def structure_maps(grey: np.ndarray) -> np.ndarray:
    """Reduce frames to what stands where, with local light and contrast evened out.

    A flash of lightning changes the colours of the whole frame, and hardly this.

    Parameters
    ----------
    grey : ndarray (t, h, w) of uint8
        Brightness; h and w multiples of 32.

    Returns
    -------
    ndarray (t, 1024) of float32
        Brightness of 32 by 32 places in per cent, less the local mean, over the local deviation plus 4; times 10.
    """
    t, h, w = grey.shape
    if h % _SIDE or w % _SIDE:
        raise ValueError(f"sides must be multiples of {_SIDE}, not {h} and {w}")
    small = cv2.resize(grey.reshape(t * h, w), (_SIDE, _SIDE * t), interpolation=cv2.INTER_AREA)
    light = small.reshape(t, _SIDE, _SIDE) * np.float32(100 / 255)
    mean = uniform_filter(light, (0, _AROUND, _AROUND))
    spread = np.sqrt(np.maximum(uniform_filter(light * light, (0, _AROUND, _AROUND)) - mean * mean, 0.0))
    return ((light - mean) / (spread + np.float32(_CONTRAST)) * np.float32(10)).reshape(t, -1)


def _reach(fps: float) -> int:
    """Return how many frames half a second is, at least 2."""
    return max(2, round(fps / 2.0))


def change_scores(maps: np.ndarray, fps: float) -> np.ndarray:
    """Say for each frame how surprisingly it differs from the one before.

    Each place of the map is judged by itself: by how much it usually changes within half a second to either side
    (the median of both sides), so that a landscape which always races by is no surprise. A cut also parts the frames
    around it: of the differences between one or two frames before and up to half a second after, the smallest
    counts, so that a single odd frame, after which all is as before, scores low.

    Parameters
    ----------
    maps : ndarray (t, p)
        As :func:`structure_maps` gives them.
    fps : float
        Frames a second.

    Returns
    -------
    ndarray (t,) of float32
        From 0 to 3; the first is 0.
    """
    t = len(maps)
    if t < 2:
        return np.zeros(t, np.float32)
    reach = _reach(fps)
    step = np.abs(np.diff(maps, axis=0))
    padded = np.pad(step, ((min(reach, t - 2),) * 2, (0, 0)), mode="reflect") if t > 2 else step
    padded = np.pad(padded, ((reach - min(reach, max(t - 2, 0)),) * 2, (0, 0)), mode="edge")
    # Some places at a time, so that what is at hand stays in the processor's cache.
    parts = np.array_split(padded, max(1, maps.shape[1] // _AT_ONCE), axis=1)
    usual = np.concatenate([_median_around(part, reach) for part in parts], axis=1)
    room = np.float32(1.0) / (usual + np.float32(_USUAL))
    here = np.arange(1, t)
    smallest = np.full(t - 1, np.inf, np.float32)
    for before in (1, 2):
        for after in sorted({0, 1, round(0.25 * fps), round(0.42 * fps)}):
            apart = np.abs(maps[(here - before).clip(0)] - maps[(here + after).clip(None, t - 1)])
            smallest = np.minimum(smallest, np.minimum(apart * room, np.float32(_MOST)).mean(axis=1))
    return np.concatenate([np.zeros(1, np.float32), smallest])


def _median_around(rows: np.ndarray, reach: int) -> np.ndarray:
    """Return the upper median of the ``reach`` rows before and after each row that has so many: (t, p).

    The rows before one row are those after another, so each run of rows is sorted once. The median of two sorted runs
    is the smallest of the maxima of the first of one and the last of the other, the second and the last but one, ...
    """
    count = len(rows) - reach + 1
    runs = [rows[first : first + count] for first in range(reach)]
    for end in range(reach - 1, 0, -1):
        for low in range(end):
            runs[low], runs[low + 1] = np.minimum(runs[low], runs[low + 1]), np.maximum(runs[low], runs[low + 1])
    before, after = (run[: -reach - 1] for run in runs), (run[reach + 1 :] for run in reversed(runs))
    return np.asarray(np.minimum.reduce([np.maximum(one, other) for one, other in zip(before, after, strict=True)]))


class ScoreStream:
    """The scores of a film that comes in pieces: the same as at once, in memory that does not grow with its maps.

    Parameters
    ----------
    fps : float
        Frames a second.
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._margin = 2 * _reach(fps) + 2
        self._held = np.empty((0, _SIDE * _SIDE), np.float32)
        self._done = 0  # how many of the held maps have their score already
        self._scores: list[np.ndarray] = []

    def add(self, maps: np.ndarray) -> None:
        """Add the next maps (t, 1024)."""
        self._held = np.concatenate([self._held, maps])
        ready = len(self._held) - self._margin
        if ready - self._done < 4 * self._margin:
            return
        self._scores.append(change_scores(self._held, self._fps)[self._done : ready])
        start = max(0, ready - self._margin)
        self._held, self._done = self._held[start:], ready - start

    def finish(self) -> np.ndarray:
        """Return the scores of all frames (t,)."""
        rest = change_scores(self._held, self._fps)[self._done :]
        return np.concatenate([*self._scores, rest])


def cuts_from_scores(scores: np.ndarray, fps: float) -> np.ndarray:
    """Choose the frames whose score stands out from those within half a second.

    Parameters
    ----------
    scores : ndarray (t,)
        As :func:`change_scores` gives them.
    fps : float
        Frames a second.

    Returns
    -------
    ndarray of intp
        Numbers of the first frames of all shots but the first, increasing.
    """
    if len(scores) < 2:
        return np.empty(0, np.intp)
    reach = _reach(fps)
    around = sliding_window_view(np.pad(scores, reach, constant_values=0.0), 2 * reach + 1).copy()
    around[:, reach] = 0.0
    others = around.max(axis=1)
    return np.flatnonzero((scores >= others) & (scores - 0.5 * others > _PROMINENCE))


def find_cuts(images: np.ndarray, fps: float) -> np.ndarray:
    """Find the hard cuts of a film.

    Fades and dissolves, which change a little at a time, are not found. Another picture shown for two frames or more
    is a shot of its own.

    Parameters
    ----------
    images : ndarray (t, h, w, 3) of uint8
        RGB, at about 8 to 30 frames a second.
    fps : float
        Frames a second.

    Returns
    -------
    ndarray of intp
        Numbers of the first frames of all shots but the first.

    Raises
    ------
    ValueError
        If the shape, the type or the rate is wrong.
    """
    if not fps > 0.0:
        raise ValueError(f"fps must be positive, not {fps}")
    stream = ScoreStream(fps)
    # Some at a time, so that a large film is never there in other types as a whole.
    for start in range(0, len(images), 64):
        part = images[start : start + 64]
        grey = grey_bytes(to_size(part, 4 * _SIDE))
        stream.add(structure_maps(grey))
    return cuts_from_scores(stream.finish(), fps)


def key_frames(images: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Choose one frame a shot: the one most like all others of its shot.

    Parameters
    ----------
    images : ndarray (t, h, w, 3) of uint8
        RGB.
    cuts : ndarray (m,)
        First frames of all shots but the first, increasing.

    Returns
    -------
    ndarray (m + 1,) of intp
        Frame numbers, increasing.

    Raises
    ------
    ValueError
        If there is no frame, or a cut lies outside.
    """
    cuts = np.asarray(cuts, dtype=np.intp)
    if len(images) == 0 or (len(cuts) and (cuts.min() < 1 or cuts.max() >= len(images) or (np.diff(cuts) < 1).any())):
        raise ValueError(f"cuts must increase between 1 and {len(images) - 1}, not {cuts.tolist()}")
    small = to_size(images, _SIDE).reshape(len(images), -1).astype(np.float32)
    edges = [0, *cuts.tolist(), len(images)]
    chosen = []
    for start, stop in pairwise(edges):
        shot = small[start:stop]
        # The mean of a shot is nearest to the frame that has the smallest squared distance to all.
        chosen.append(start + int(np.square(shot - shot.mean(axis=0)).sum(axis=1).argmin()))
    return np.array(chosen, dtype=np.intp)
