"""Read sound: at any sampling rate, every sample in its place in time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avrec_lib.media.decode import Errors, check_request, decode_sound, stated_sound_end
from avrec_lib.media.errors import MediaError
from avrec_lib.media.resample import Piece, resample
from avrec_lib.media.source import Limits, Source, open_source

__all__ = ["Sound", "iter_sound", "read_sound"]

# Decoders of AAC, Opus and Vorbis need some packets before they are right again after a jump.
_RUN_UP = 0.5
# Seconds. A packet of AAC at 8 kHz is 0.13 s long, and with HE-AAC twice that.
_MOST_PADDING = 0.3
# Full scale is 1. Floating-point files may go beyond, by some decibels; a hundred times is damage.
_LOUDEST = 100.0


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
    late begins with silence, and gaps in the timestamps become silence. Two limits are the formats' own: raw AAC, AVI,
    FLV and transport streams do not say how long the encoder's lead-in is, and it stays (some 0.05 s); and in
    Matroska and WebM, whose times are milliseconds, sound read from a later `start` is in place to one millisecond.

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
        readable and raises only if that is nothing. Samples that are no numbers, or a hundred times full scale, are
        damage; "partial" gives silence in their place.
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
    begin = max(0.0, start - _RUN_UP)
    decoded = decode_sound(source, stream, begin, errors)
    pieces = resample(decoded, sample_rate, mono=mono, jumped=begin > 0)
    for rate, position, piece in _without_padding(pieces, stated_sound_end(source, stream)):
        sound = np.abs(piece) <= _LOUDEST  # not true of what is no number
        if not sound.all():
            if errors == "strict":
                raise MediaError(source.path, f"holds samples that are no sound at {position / rate:.1f} s")
            piece = np.where(sound, piece, np.float32(0.0))
        if mono:
            piece = piece[0]
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


def _without_padding(pieces: Iterator[Piece], stated: float) -> Iterator[Piece]:
    """Cut what the last packet holds beyond the stated end; a header wrong by more than that is not believed."""
    beyond: list[Piece] = []
    for rate, position, piece in pieces:
        inside = piece.shape[-1] if stated == math.inf else max(0, round(stated * rate) - position)
        if inside:
            yield rate, position, piece[..., :inside]
        if inside < piece.shape[-1]:
            beyond.append((rate, position + inside, piece[..., inside:]))
            if position + piece.shape[-1] > (stated + _MOST_PADDING) * rate:
                yield from beyond
                beyond, stated = [], math.inf
