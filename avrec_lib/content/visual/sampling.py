"""Which frames of a file to look at."""

import math
from pathlib import Path

import cv2
import numpy as np

from avrec_lib.media import Frames, MediaError, iter_frames, probe

__all__ = ["sample_evenly", "to_size"]

_TICKS = 8  # moments a part at which it is looked whether there is a picture
_ALONE = 0.04  # seconds for which a single frame is taken to stay


def sample_evenly(path: str | Path, n: int, *, size: int | tuple[int, int] | None = None, stream: int = 0) -> Frames:
    """Read n frames spread over a file's whole length: those on display in the middles of n parts equally long.

    The file's header says how long it is. That may be wrong, so it is checked while the file is decoded, and only then
    is a second pass needed. Never more than n + 1 frames are in memory.

    Parameters
    ----------
    path : str or Path
        The file.
    n : int
        How many frames. A file with fewer gives some of them more than once.
    size : int or (height, width), optional
        Size to which frames are stretched; the file's own when not given.
    stream : int
        Which of the file's picture streams, from 0.

    Returns
    -------
    Frames
        n images, in order of time, and the moments in seconds.

    Raises
    ------
    MediaError
        If the file has no such stream or cannot be read.
    ValueError
        If n is below 1.
    """
    if n < 1:
        raise ValueError(f"n must be 1 or more, not {n}")
    streams = probe(path).video
    stated = streams[stream].duration_seconds if 0 <= stream < len(streams) else math.nan
    if math.isfinite(stated) and stated > 0.0:
        first = streams[stream].start_seconds
        found, seen = _middles(path, n, first if math.isfinite(first) else 0.0, stated, size, stream)
        if abs(seen - _TICKS * n) <= 1 and len(found) == n:
            return found
    found, _ = _middles(path, n, *_shown(path, stream), size, stream)
    return found


def _middles(
    path: str | Path, n: int, first: float, length: float, size: int | tuple[int, int] | None, stream: int
) -> tuple[Frames, int]:
    """Read the frames in the middles of n parts, and count how many of eight ticks a part had a picture."""
    first = max(0.0, first)
    images: list[np.ndarray] = []
    times: list[float] = []
    seen = 0
    for tick in iter_frames(path, fps=_TICKS * n / length, start=first, size=size, stream=stream, batch=1):
        if seen % _TICKS == _TICKS // 2 and len(images) < n:
            images.append(tick.images[0].copy())
            times.append(float(tick.times[0]))
        seen += 1
    if not images:
        raise MediaError(path, "has no picture")
    return Frames(np.stack(images), np.array(times)), seen


def _shown(path: str | Path, stream: int) -> tuple[float, float]:
    """Decode a file to learn when its first picture is shown, and for how long there are pictures: seconds."""
    times = np.concatenate([batch.times for batch in iter_frames(path, size=8, stream=stream)])
    # The last frame stays as long as the others do on average.
    return float(times[0]), float(times[-1] - times[0]) * len(times) / max(1, len(times) - 1) or _ALONE


def to_size(images: np.ndarray, size: int) -> np.ndarray:
    """Stretch frames to squares; OpenCV does so one at a time.

    Parameters
    ----------
    images : ndarray (t, h, w, 3) of uint8
        RGB.
    size : int
        Side of the square, pixels.

    Returns
    -------
    ndarray (t, size, size, 3) of uint8
        The frames themselves where they have that size.
    """
    if images.shape[1:3] == (size, size) or len(images) == 0:
        return images
    way = cv2.INTER_AREA if min(images.shape[1:3]) >= size else cv2.INTER_LINEAR
    return np.stack([cv2.resize(image, (size, size), interpolation=way) for image in images])
