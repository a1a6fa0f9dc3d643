"""Turn decoded pieces of sound into float samples of one rate, each unbroken run resampled as one."""

import math
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

__all__ = ["Piece", "resample"]

Piece = tuple[int, int, NDArray[np.float32]]
"""Sampling rate, position of the first sample from time zero, samples (channels, n)."""

# Timestamps are rounded to milliseconds by some containers. A larger step is a real gap or overlap.
_JITTER = 0.05
# Decoders give some hundred samples at a time; handling more at once is several times faster.
_AT_ONCE = 1 << 14
# PyAV 18 counts a frame's planes up to a null pointer, which is not there when the planes are eight or more: it takes
# what lies behind them for an address. Such frames are interleaved, which makes them one plane, before they are read.
_UNSAFE_PLANES = 8
# Sample format, without the letter for planar: what to subtract and the full scale.
_SCALES = {"u8": (128.0, 1 << 7), "s16": (0.0, 1 << 15), "s32": (0.0, 1 << 31), "s64": (0.0, 1 << 63)}


def resample(
    decoded: Iterator[tuple[float | None, AudioFrame]], rate: int | None, *, mono: bool, jumped: bool
) -> Iterator[Piece]:
    """Give the sound at one rate and with one number of channels, in pieces that know their position.

    Parameters
    ----------
    decoded : iterator of (float or None, AudioFrame)
        Pieces as decoded, and when they begin, in seconds; None continues the piece before.
    rate : int or None
        Samples a second; None keeps the first piece's.
    mono : bool
        Whether to average the channels.
    jumped : bool
        Whether the sound begins before the first piece: its first samples may then be left out.

    Yields
    ------
    Piece
        In the order decoded. Two may overlap or leave a gap if the file's timestamps do.
    """
    run: _Run | None = None
    unpack = _Unpacker(mono)
    channels: int | None = None
    for at, frame in decoded:
        samples = unpack(frame)
        rate = rate or frame.sample_rate
        channels = channels or len(samples)
        if len(samples) != channels:
            samples = np.repeat(samples.mean(axis=0, keepdims=True), channels, axis=0)
        if run is not None and not run.continues(at, frame.sample_rate):
            yield from run.finish()
            at = run.expected if at is None else at
            run = None
        if run is None:
            at = at or 0.0
            if jumped:
                skip = _to_shared_sample(at, frame.sample_rate, rate)
                if skip < samples.shape[1]:
                    at, samples = (round(at * frame.sample_rate) + skip) / frame.sample_rate, samples[:, skip:]
                jumped = False
            run = _Run(at, frame.sample_rate, rate, "mono" if mono else frame.layout.name)
        yield from run.feed(samples)
    if run is not None:
        yield from run.finish()


class _Unpacker:
    """Take the samples out of decoded frames."""

    def __init__(self, mono: bool) -> None:
        self._mono = mono
        self._weavers: dict[tuple[str, str, int], av.AudioResampler] = {}

    def __call__(self, frame: AudioFrame) -> NDArray[np.float32]:
        """Return samples as (channels, n) or (1, n), full scale at 1."""
        channels = frame.layout.nb_channels
        if frame.format.is_planar and channels >= _UNSAFE_PLANES:
            frame = self._interleaved(frame)
        raw: NDArray[Any] = frame.to_ndarray()
        if not frame.format.is_planar:
            raw = raw.reshape(-1, channels).T
        middle, full = _SCALES.get(frame.format.name.removesuffix("p"), (0.0, 1))
        samples = raw.astype(np.float32)
        if full != 1:
            samples = (samples - np.float32(middle)) * np.float32(1 / full)
        return samples.mean(axis=0, keepdims=True) if self._mono and channels > 1 else samples

    def _interleaved(self, frame: AudioFrame) -> AudioFrame:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind not in self._weavers:
            self._weavers[kind] = av.AudioResampler(format="flt")
        frame.pts = None
        (woven,) = self._weavers[kind].resample(frame)
        return woven


def _to_shared_sample(at: float, here: int, there: int) -> int:
    """Return how many samples to leave out so that the next one is also one of the new rate, counted from zero.

    Without this, sound after a jump would be off by up to half a sample against the same sound read from zero.
    """
    return -round(at * here) % (here // math.gcd(here, there))


class _Run:
    """Sound without gaps and of one rate, on its way through the resampler."""

    def __init__(self, at: float, here: int, there: int, layout: str) -> None:
        self._began, self._here, self._there, self._layout = at, here, there, layout
        self._position = round(at * there)
        self._waiting: list[NDArray[np.float32]] = []
        self._held = self._taken = self._given = 0
        self._channels = 1
        self._resampler = None if here == there else av.AudioResampler(format="flt", rate=there)

    @property
    def expected(self) -> float:
        """When the next piece begins if nothing is missing."""
        return self._began + self._taken / self._here

    def continues(self, at: float | None, rate: int) -> bool:
        return rate == self._here and (at is None or abs(at - self.expected) <= _JITTER)

    def feed(self, samples: NDArray[np.float32]) -> Iterator[Piece]:
        self._waiting.append(samples)
        self._held += samples.shape[1]
        self._taken += samples.shape[1]
        if self._held >= _AT_ONCE:
            yield from self._push()

    def finish(self) -> Iterator[Piece]:
        if self._held:
            yield from self._push()
        if self._resampler is not None:
            for frame in self._resampler.resample(None):
                yield from self._give(self._unwoven(frame))

    def _push(self) -> Iterator[Piece]:
        block = np.concatenate(self._waiting, axis=1)
        self._waiting, self._held = [], 0
        if self._resampler is None:
            yield from self._give(block)
            return
        self._channels = len(block)
        frame = AudioFrame.from_ndarray(block.T.reshape(1, -1).copy(), format="flt", layout=self._layout)
        frame.sample_rate = self._here
        for out in self._resampler.resample(frame):
            yield from self._give(self._unwoven(out))

    def _unwoven(self, frame: AudioFrame) -> NDArray[np.float32]:
        return frame.to_ndarray().astype(np.float32, copy=False).reshape(-1, self._channels).T

    def _give(self, samples: NDArray[np.float32]) -> Iterator[Piece]:
        # The filter's tail may go a few samples beyond the end of the sound.
        left = round(self._taken * self._there / self._here) - self._given
        samples = samples[:, : max(left, 0)]
        if samples.shape[1]:
            yield self._there, self._position + self._given, samples
            self._given += samples.shape[1]
