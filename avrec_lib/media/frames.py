"""Read pictures: at their own times or at a steady rate, upright, as RGB arrays of one size."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from avrec_lib.media.decode import Errors, check_request, decode_video
from avrec_lib.media.errors import MediaError
from avrec_lib.media.source import Limits, Source, open_source

__all__ = ["Frames", "iter_frames", "read_frames"]

_BATCH_BYTES = 1 << 26


@dataclass(frozen=True)
class Frames:
    """Pictures and when they are shown.

    Attributes
    ----------
    images : array of uint8, shape (t, height, width, 3)
        RGB, upright.
    times : array of float64, shape (t,)
        Seconds from the file's beginning.
    """

    images: NDArray[np.uint8]
    times: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.times)


def read_frames(
    path: str | Path,
    *,
    fps: float | None = None,
    size: int | tuple[int, int] | None = None,
    stream: int = 0,
    start: float = 0.0,
    stop: float | None = None,
    errors: Errors = "strict",
    limits: Limits | None = None,
) -> Frames:
    """Read a file's pictures at once; `iter_frames` is the same for long files.

    Parameters
    ----------
    path, fps, size, stream, start, stop, errors, limits
        As in `iter_frames`.

    Returns
    -------
    Frames
        At least one picture.

    Raises
    ------
    MissingStreamError, MediaError, ValueError
        As in `iter_frames`; `MediaError` also if there is no picture in the range, or if the result would be
        larger than ``limits.decoded_bytes``.
    """
    limits = limits or Limits()
    batches, taken = [], 0
    for batch in iter_frames(
        path, fps=fps, size=size, stream=stream, start=start, stop=stop, batch=256, errors=errors, limits=limits
    ):
        taken += batch.images.nbytes
        if taken > limits.decoded_bytes:
            raise MediaError(
                path,
                f"gives more than {limits.decoded_bytes} bytes of pictures (up to {batch.times[-1]:.1f} s); "
                "ask for a smaller size, a lower fps or a range, or use iter_frames",
            )
        batches.append(batch)
    if not batches:
        raise MediaError(path, f"has no picture between {start:g} s and {'its end' if stop is None else f'{stop:g} s'}")
    if len(batches) == 1:
        return batches[0]
    return Frames(np.concatenate([b.images for b in batches]), np.concatenate([b.times for b in batches]))


def iter_frames(
    path: str | Path,
    *,
    fps: float | None = None,
    size: int | tuple[int, int] | None = None,
    stream: int = 0,
    start: float = 0.0,
    stop: float | None = None,
    batch: int = 32,
    errors: Errors = "strict",
    limits: Limits | None = None,
) -> Iterator[Frames]:
    """Read a file's pictures batch by batch, in memory that does not grow with its length.

    Parameters
    ----------
    path : str or Path
        The file.
    fps : float, optional
        Pictures a second, at ``start + k / fps``: each is the one on display at that time, by the file's
        timestamps and not by counting. Without it every picture comes once, at its own time.
    size : int or (height, width), optional
        Size of the upright pictures, stretched to it; a number means a square. Without it the file's own, with
        pixels made square.
    stream : int
        Which of the file's picture streams, from 0.
    start, stop : float
        Seconds from the file's beginning: pictures with ``start <= time < stop``; no `stop` means the end.
    batch : int
        Most pictures in a batch; fewer where they are so large that the batch would exceed 64 MiB.
    errors : {"strict", "partial"}
        What damage does: "strict" raises `MediaError` that says how much was readable, "partial" gives what is
        readable and raises only if that is nothing.
    limits : Limits, optional
        Bounds on what the file may cost.

    Yields
    ------
    Frames
        Up to `batch` pictures.

    Raises
    ------
    MissingStreamError
        If there is no such stream.
    MediaError
        If the file cannot be read.
    ValueError
        If an argument makes no sense.
    """
    limits = limits or Limits()
    check_request(stream, start, stop, errors)
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise ValueError(f"fps must be positive, not {fps}")
    if batch < 1:
        raise ValueError(f"batch must be 1 or more, not {batch}")
    wanted = (size, size) if isinstance(size, int) else size
    if wanted is not None and (len(wanted) != 2 or min(wanted) < 1):
        raise ValueError(f"size must be a positive number or (height, width), not {size}")
    if wanted is not None and wanted[0] * wanted[1] > limits.frame_pixels:
        raise ValueError(f"size {wanted[0]} x {wanted[1]} is above limits.frame_pixels, {limits.frame_pixels}")

    images = np.empty((0, 0, 0, 3), np.uint8)
    times: list[float] = []
    with open_source(path, limits) as source:
        convert = _Converter(source, stream, wanted)
        for at, image in _timed(source, stream, fps, start, stop, errors, convert):
            if not times:
                images = np.empty((min(batch, max(1, _BATCH_BYTES // image.nbytes)), *image.shape), np.uint8)
            images[len(times)] = image
            times.append(at)
            if len(times) == len(images):
                yield Frames(images, np.array(times))
                times = []
    if times:
        yield Frames(images[: len(times)], np.array(times))


def _timed(
    source: Source,
    stream: int,
    fps: float | None,
    start: float,
    stop: float | None,
    errors: Errors,
    convert: "_Converter",
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Choose pictures by time and convert those alone."""
    end = math.inf if stop is None else stop
    # Containers round times, Matroska to milliseconds: within that, a frame is on time.
    early = 0.001
    if fps is None:
        for at, _, frame in decode_video(source, stream, start, errors):
            if at >= end - early:
                return
            if at >= start - early:
                yield at, convert(frame)
        return
    tick = 0
    held: VideoFrame | None = None
    shown_from = shown_until = -math.inf
    for at, lasts, frame in decode_video(source, stream, start, errors):
        if held is not None and at - shown_from > source.limits.gap_seconds:
            raise MediaError(source.path, f"shows nothing new for {at - shown_from:.0f} s after {shown_from:.1f} s")
        if held is None:
            # Nothing is on display before the first picture: ticks before it give none.
            tick = max(0, math.ceil((at - start - early) * fps))
        elif start + tick / fps < min(at - early, end):
            image = convert(held)
            while start + tick / fps < min(at - early, end):
                yield start + tick / fps, image
                tick += 1
        if at >= end:
            return
        held, shown_from, shown_until = frame, at, at + min(lasts, source.limits.gap_seconds)
    if held is not None and start + tick / fps < min(shown_until - early, end):
        image = convert(held)
        while start + tick / fps < min(shown_until - early, end):
            yield start + tick / fps, image
            tick += 1


class _Converter:
    """Turn decoded frames into upright RGB arrays of one size."""

    def __init__(self, source: Source, stream: int, size: tuple[int, int] | None) -> None:
        self._source, self._size = source, size
        streams = source.video()
        aspect = streams[stream].sample_aspect_ratio if 0 <= stream < len(streams) else None
        self._aspect = float(aspect) if aspect else 1.0
        self._reformat = VideoReformatter()
        self._orientation: tuple[bool, bool, bool] | None = None
        self._alpha: dict[str, bool] = {}

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        # One orientation a stream: a file that turned in the middle would have no one size.
        if self._orientation is None:
            self._orientation = _orientation(frame)
        turned, across, down = self._orientation
        if self._size is None:
            width = max(1, round(frame.width * self._aspect))
            self._size = (width, frame.height) if turned else (frame.height, width)
            if width * frame.height > self._source.limits.frame_pixels:
                raise MediaError(self._source.path, f"has pictures of {width} x {frame.height}, more than the limit")
        height, width = self._size[::-1] if turned else self._size
        alpha = self._alpha.get(frame.format.name)
        if alpha is None:
            alpha = self._alpha[frame.format.name] = any(part.is_alpha for part in frame.format.components)
        rgb = self._reformat.reformat(frame, width=width, height=height, format="rgba" if alpha else "rgb24", threads=1)
        image = rgb.to_ndarray().astype(np.uint8, copy=False)
        if alpha:
            # What is transparent is shown on black, as players show it.
            image = (image[..., :3] * (image[..., 3:].astype(np.uint16)) // 255).astype(np.uint8)
        if turned:
            image = image.swapaxes(0, 1)
        return image[:: -1 if down else 1, :: -1 if across else 1]


def _orientation(frame: VideoFrame) -> tuple[bool, bool, bool]:
    """Return whether to swap rows and columns, then to mirror left-right, then upside down.

    The display matrix sends the stored pixel (x, y) to (a x + c y, b x + d y); cameras store turns by right
    angles and mirrorings in it, and other angles are rounded to those.
    """
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(matrix), dtype=np.int32)[:5].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        return True, c < 0, b < 0
    return False, a < 0, d < 0
