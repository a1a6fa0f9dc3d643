"""Read sound: at any sampling rate, every sample in its place in time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from avrec_lib.media.decode import Errors, check_request, decode_sound, stated_sound_end
from avrec_lib.media.errors import MediaError
from avrec_lib.media.source import Limits, Source, open_source

__all__ = ["Sound", "iter_sound", "read_sound"]

# Timestamps are rounded to milliseconds by some containers. A larger step is a real gap or overlap.
_JITTER = 0.05
# Decoders of AAC, Opus and Vorbis need some packets before they are right again after a jump.
_RUN_UP = 0.5
# Seconds. A packet of AAC at 8 kHz is 0.13 s long, and with HE-AAC twice that.
_MOST_PADDING = 0.3


@dataclass(frozen=True)
class Sound:
    """Samples of sound.

    Attributes
    ----------
    samples : array of float32, shape (n,) or (channels, n)
        Amplitudes, full scale at 1.
    sample_rate : int
        Samples a second.
    start : float
        When the first sample sounds, in seconds from the file's beginning.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    start: float = 0.0


def read_sound(
    path: str | Path,
    *,
    sample_rate: int | None = None,
    mono: bool = True,
    stream: int = 0,
    start: float = 0.0,
    stop: float | None = None,
    errors: Errors = "strict",
    limits: Limits | None = None,
) -> Sound:
    """Read a file's sound at once; `iter_sound` is the same for long files.

    Parameters
    ----------
    path, sample_rate, mono, stream, start, stop, errors, limits
        As in `iter_sound`.

    Returns
    -------
    Sound
        At least one sample.

    Raises
    ------
    MissingStreamError, MediaError, ValueError
        As in `iter_sound`; `MediaError` also if there is no sound in the range, or if the result would be larger
        than ``limits.decoded_bytes``.
    """
    limits = limits or Limits()
    blocks, taken = [], 0
    for block in iter_sound(
        path, sample_rate=sample_rate, mono=mono, stream=stream, start=start, stop=stop, errors=errors, limits=limits
    ):
        taken += block.samples.nbytes
        if taken > limits.decoded_bytes:
            raise MediaError(
                path,
                f"gives more than {limits.decoded_bytes} bytes of sound (up to {block.start:.0f} s); "
                "ask for a lower sample_rate or a range, or use iter_sound",
            )
        blocks.append(block)
    if not blocks:
        raise MediaError(path, f"has no sound between {start:g} s and {'its end' if stop is None else f'{stop:g} s'}")
    if len(blocks) == 1:
        return blocks[0]
    return Sound(np.concatenate([b.samples for b in blocks], axis=-1), blocks[0].sample_rate, blocks[0].start)


def iter_sound(
    path: str | Path,
    *,
    sample_rate: int | None = None,
    mono: bool = True,
    stream: int = 0,
    start: float = 0.0,
    stop: float | None = None,
    block_seconds: float = 10.0,
    errors: Errors = "strict",
    limits: Limits | None = None,
) -> Iterator[Sound]:
    """Read a file's sound block by block, in memory that does not grow with its length.

    The sample of index k sounds at ``start + k / sample_rate``: encoders' lead-in is cut, a stream that begins
    late begins with silence, and gaps in the timestamps become silence.

    Parameters
    ----------
    path : str or Path
        The file.
    sample_rate : int, optional
        Samples a second; without it the file's own.
    mono : bool
        Whether to return the mean of the channels, shape (n,), or all of them, shape (channels, n).
    stream : int
        Which of the file's sound streams, from 0.
    start, stop : float
        Seconds from the file's beginning; no `stop` means the end.
    block_seconds : float
        Length of a block; the last may be shorter.
    errors : {"strict", "partial"}
        What damage does: "strict" raises `MediaError` that says how much was readable, "partial" gives what is
        readable and raises only if that is nothing.
    limits : Limits, optional
        Bounds on what the file may cost.

    Yields
    ------
    Sound
        Blocks that follow each other without gap.

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
    if sample_rate is not None and not 1 <= sample_rate <= 768_000:
        raise ValueError(f"sample_rate must be 1 to 768000, not {sample_rate}")
    if not block_seconds > 0:
        raise ValueError(f"block_seconds must be positive, not {block_seconds}")

    kept: list[NDArray[np.float32]] = []
    held = 0
    given = 0
    rate = sample_rate
    with open_source(path, limits) as source:
        for rate, piece in _placed(source, stream, sample_rate, mono, start, stop, errors):
            size = max(1, round(block_seconds * rate))
            kept.append(piece)
            held += piece.shape[-1]
            while held >= size:
                whole = np.concatenate(kept, axis=-1)
                yield Sound(whole[..., :size], rate, start + given / rate)
                given += size
                kept, held = [whole[..., size:]], held - size
    if held:
        assert rate is not None
        yield Sound(np.concatenate(kept, axis=-1), rate, start + given / rate)


def _placed(
    source: Source, stream: int, sample_rate: int | None, mono: bool, start: float, stop: float | None, errors: Errors
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Give the pieces in a row: silence where there is a gap, nothing twice, and nothing out of range."""
    cursor: int | None = None
    end = math.inf
    pieces = _resampled(source, stream, sample_rate, max(0.0, start - _RUN_UP), errors)
    for rate, position, piece in _without_padding(pieces, stated_sound_end(source, stream)):
        if mono:
            piece = piece.mean(axis=0)
        if cursor is None:
            cursor = round(start * rate)
            end = math.inf if stop is None else round(stop * rate)
        gap = position - cursor
        if gap > source.limits.gap_seconds * rate:
            raise MediaError(source.path, f"has a gap of {gap / rate:.0f} s in its sound at {cursor / rate:.1f} s")
        while gap > 0 and cursor < end:
            silent = int(min(gap, rate, end - cursor))
            yield rate, np.zeros((*piece.shape[:-1], silent), dtype=np.float32)
            cursor += silent
            gap -= silent
        piece = piece[..., max(0, cursor - position) :]
        if cursor + piece.shape[-1] > end:
            piece = piece[..., : max(0, int(end) - cursor)]
        if piece.shape[-1]:
            yield rate, piece
            cursor += piece.shape[-1]
        if cursor >= end:
            return


def _without_padding(
    pieces: Iterator[tuple[int, int, NDArray[np.float32]]], stated: float
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Cut what the last packet holds beyond the stated end; a header wrong by more than that is not believed."""
    beyond: list[tuple[int, int, NDArray[np.float32]]] = []
    for rate, position, piece in pieces:
        inside = piece.shape[-1] if stated == math.inf else max(0, round(stated * rate) - position)
        if inside:
            yield rate, position, piece[..., :inside]
        if inside < piece.shape[-1]:
            beyond.append((rate, position + inside, piece[..., inside:]))
            if position + piece.shape[-1] > (stated + _MOST_PADDING) * rate:
                yield from beyond
                beyond, stated = [], math.inf


def _resampled(
    source: Source, stream: int, sample_rate: int | None, start: float, errors: Errors
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Give (rate, position in samples, samples (channels, n)); each unbroken run is resampled as one."""
    run: _Run | None = None
    rate = sample_rate
    channels = None
    jumped = start > 0
    for at, frame in decode_sound(source, stream, start, errors):
        rate = rate or frame.sample_rate
        channels = channels or frame.layout.nb_channels
        if run is not None and not run.continues(at, frame):
            yield from run.finish()
            at = run.expected if at is None else at
            run = None
        if run is None:
            at = at or 0.0
            if jumped:
                at, frame = _aligned(at, frame, rate)
                jumped = False
            run = _Run(at, frame, rate, channels)
        yield from run.feed(frame)
    if run is not None:
        yield from run.finish()


def _aligned(at: float, frame: AudioFrame, rate: int) -> tuple[float, AudioFrame]:
    """Cut a piece's beginning so that it starts on a sample of the new rate, as the same sound read from zero does.

    Without it the sound after a jump would be off by up to half a sample. Where the two rates share few
    samples the cut would be longer than the piece, and it stays as it is.
    """
    period = frame.sample_rate // math.gcd(frame.sample_rate, rate)
    first = round(at * frame.sample_rate)
    skip = -first % period
    if skip == 0 or skip >= frame.samples:
        return at, frame
    # Interleaved samples come as one row, sample after sample; others as one row a channel.
    wide = 1 if frame.format.is_planar else frame.layout.nb_channels
    rest: Any = np.ascontiguousarray(frame.to_ndarray()[:, skip * wide :])
    cut = AudioFrame.from_ndarray(rest, format=frame.format.name, layout=frame.layout.name)
    cut.sample_rate = frame.sample_rate
    return (first + skip) / frame.sample_rate, cut


class _Run:
    """Sound without gaps, of one rate and layout, on its way through the resampler."""

    def __init__(self, at: float, frame: AudioFrame, rate: int, channels: int) -> None:
        self._kind = _kind(frame)
        self._began, self._rate, self._channels = at, rate, channels
        self._position = round(at * rate)
        self._taken = self._given = 0
        self._resampler = av.AudioResampler(format="fltp", rate=rate)

    @property
    def expected(self) -> float:
        return self._began + self._taken / self._kind[2]

    def continues(self, at: float | None, frame: AudioFrame) -> bool:
        return _kind(frame) == self._kind and (at is None or abs(at - self.expected) <= _JITTER)

    def feed(self, frame: AudioFrame) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
        self._taken += frame.samples
        # The run's own clock places the sound; with the file's the resampler would try to follow their jitter.
        frame.pts = None
        yield from self._give(self._resampler.resample(frame))

    def finish(self) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
        yield from self._give(self._resampler.resample(None))

    def _give(self, frames: Sequence[AudioFrame | None]) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
        for frame in frames:
            if frame is None:
                continue
            samples = frame.to_ndarray().astype(np.float32, copy=False)
            # The filter's tail may go a few samples beyond the end of the sound.
            left = round(self._taken * self._rate / self._kind[2]) - self._given
            samples = samples[:, : max(left, 0)]
            if samples.shape[1]:
                if len(samples) != self._channels:
                    samples = np.repeat(samples.mean(axis=0, keepdims=True), self._channels, axis=0)
                yield self._rate, self._position + self._given, samples
                self._given += samples.shape[1]


def _kind(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
