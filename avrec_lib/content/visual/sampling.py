"""Which frames of a file to look at."""

from pathlib import Path

import cv2
import numpy as np

from avrec_lib.media import Frames, MediaError, iter_frames, read_frames

__all__ = ["sample_evenly", "sample_frames", "to_size"]


def sample_frames(
    path: str | Path, fps: float, *, size: int | tuple[int, int] | None = None, stream: int = 0
) -> Frames:
    """Read the frames on display at a steady rate: by the file's time stamps, whatever its own rate.

    Parameters
    ----------
    path : str or Path
        The file.
    fps : float
        Frames a second.
    size : int or (height, width), optional
        Size to which frames are stretched; the file's own when not given.
    stream : int
        Which of the file's picture streams, from 0.

    Returns
    -------
    Frames
        ``images`` uint8 (t, h, w, 3) and ``times`` in seconds.

    Raises
    ------
    MediaError
        If the file has no such stream or cannot be read.
    """
    return read_frames(path, fps=fps, size=size, stream=stream)


def sample_evenly(path: str | Path, n: int, *, size: int | tuple[int, int] | None = None, stream: int = 0) -> Frames:
    """Read n frames spread over a file's whole length: from the middles of n parts equally long.

    The length is not taken from the file's header, which may be wrong: the file is decoded once, and in memory there
    are never more than 8 n frames.

    Parameters
    ----------
    path, size, stream
        As for :func:`sample_frames`.
    n : int
        How many frames. A file with fewer gives some of them more than once.

    Returns
    -------
    Frames
        n images, in order of time.

    Raises
    ------
    MediaError
        If the file has no such stream or cannot be read.
    ValueError
        If n is below 1.
    """
    if n < 1:
        raise ValueError(f"n must be 1 or more, not {n}")
    kept: list[np.ndarray] = []
    times: list[float] = []
    step, count, last = 1, 0, 0.0
    for batch in iter_frames(path, size=size, stream=stream):
        for image, time in zip(batch.images, batch.times.tolist(), strict=True):
            if count % step == 0:
                kept.append(image.copy())
                times.append(time)
                if len(kept) == 8 * n:
                    kept, times, step = kept[::2], times[::2], 2 * step
            count, last = count + 1, time
    if not kept:
        raise MediaError(path, "has no picture")
    shown = np.array(times)
    # The last frame stays as long as the others do on average.
    length = (last - shown[0]) * count / max(1, count - 1)
    wanted = shown[0] + (np.arange(n) + 0.5) / n * length
    places = np.abs(shown[None] - wanted[:, None]).argmin(axis=1)
    return Frames(np.stack([kept[k] for k in places]), shown[places])


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
