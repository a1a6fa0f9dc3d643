"""How loud a sound is: as the standard of broadcasting measures it."""

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

__all__ = ["QUIETEST", "LoudnessMeter", "integrated_loudness"]

QUIETEST = -70.0
"""LUFS: the absolute gate of BS.1770. Blocks below it count as silence."""

_BLOCK, _OVERLAP = 0.4, 0.75
# The standard gives its filters at 48 kHz alone. These are pyloudnorm's, which are near them at every sampling rate.
_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1_500.0, 4.0, np.sqrt(0.5)
_PASS_HZ, _PASS_Q = 38.0, 0.5
_PIECE = 1 << 20  # samples that are weighted at once


class LoudnessMeter:
    """Measures loudness by ITU-R BS.1770-4 of a sound that comes in pieces.

    Parameters
    ----------
    sample_rate : int
        Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._sections = np.array([_high_shelf(sample_rate), _high_pass(sample_rate)])
        self._state = np.zeros((len(self._sections), 2))
        self._taken = 0
        self._tail = np.zeros(0)  # squares of weighted samples from the start of the next block
        self._blocks: list[NDArray[np.float64]] = []
        self._count = 0

    def add(self, samples: ArrayLike) -> None:
        """Take the next samples, of one channel: (n,)."""
        weighted, self._state = scipy.signal.sosfilt(
            self._sections, np.asarray(samples, dtype=np.float64), zi=self._state
        )
        self._taken += len(weighted)
        squares = np.concatenate([self._tail, np.square(weighted)])
        begun = self._taken - len(squares)
        # All blocks that end within what is here; they begin every tenth of a second.
        last = int((self._taken / self._rate - _BLOCK) / (_BLOCK * (1 - _OVERLAP))) + 1
        numbers = np.arange(self._count, max(self._count, last + 1))
        start, stop = self._bounds(numbers)
        whole = stop <= self._taken
        start, stop = start[whole] - begun, stop[whole] - begun
        cumulated = np.concatenate([[0.0], np.cumsum(squares)])
        self._blocks.append((cumulated[stop] - cumulated[start]) / (_BLOCK * self._rate))
        self._count += len(start)
        self._tail = squares[max(0, int(self._bounds(np.array([self._count]))[0][0]) - begun) :]

    def _bounds(self, numbers: NDArray[np.integer]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        step = 1.0 - _OVERLAP
        start = (_BLOCK * (numbers * step) * self._rate).astype(np.intp)
        return start, (_BLOCK * (numbers * step + 1.0) * self._rate).astype(np.intp)

    def integrated(self) -> float:
        """Return the loudness of all that was taken, in LUFS, at least -70.

        A sound shorter than one block of 0.4 s counts as one block.
        """
        blocks = np.concatenate([*self._blocks, np.zeros(0)])
        wanted = int(np.round((self._taken / self._rate - _BLOCK) / (_BLOCK * (1.0 - _OVERLAP)))) + 1
        if self._taken < _BLOCK * self._rate:
            blocks = np.array([self._tail.sum() / max(self._taken, 1)])
        elif wanted > len(blocks):  # the last block may lack a few samples
            blocks = np.append(blocks, self._tail.sum() / (_BLOCK * self._rate))
        loud = -0.691 + 10.0 * np.log10(np.maximum(blocks, 1e-30))
        heard = blocks[loud >= QUIETEST]
        if not len(heard):
            return QUIETEST
        gate = -0.691 + 10.0 * np.log10(heard.mean()) - 10.0
        heard = blocks[(loud > gate) & (loud > QUIETEST)]
        return float(-0.691 + 10.0 * np.log10(heard.mean())) if len(heard) else QUIETEST


def integrated_loudness(samples: ArrayLike, sample_rate: int) -> float:
    """Return the loudness of one channel by ITU-R BS.1770-4: weighted as the ear hears, gated in blocks of 0.4 s.

    Parameters
    ----------
    samples : ndarray (n,)
        One channel, in [-1, 1].
    sample_rate : int
        Hz.

    Returns
    -------
    float
        LUFS; -70, the standard's gate, for silence. Equal to pyloudnorm from 0.4 s on; a shorter sound is one block.

    Raises
    ------
    ValueError
        If the shape is wrong, or a sample is not finite.

    References
    ----------
    ITU-R BS.1770-4 (2015), Algorithms to measure audio programme loudness and true-peak audio level.
    """
    meter, samples = LoudnessMeter(sample_rate), np.asarray(samples)
    if samples.ndim != 1:
        raise ValueError(f"samples must be one channel of shape (n,), not {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError(f"{(~np.isfinite(samples)).sum()} samples are not finite")
    for start in range(0, len(samples), _PIECE):
        meter.add(samples[start : start + _PIECE])
    return meter.integrated()


def _high_shelf(sample_rate: int) -> NDArray[np.float64]:
    """Return the filter that stands for the head, which lifts what is high: a second-order section (6,).

    Both filters are those of Bristow-Johnson, Cookbook formulae for audio equalizer biquad filter coefficients.
    """
    turn = 2.0 * np.pi * _SHELF_HZ / sample_rate
    gain, cosine = 10.0 ** (_SHELF_DB / 40.0), np.cos(turn)
    width = 2.0 * np.sqrt(gain) * np.sin(turn) / (2.0 * _SHELF_Q)
    more, less = gain + 1.0, gain - 1.0
    above = gain * np.array([more + less * cosine + width, -2.0 * (less + more * cosine), more + less * cosine - width])
    below = np.array([more - less * cosine + width, 2.0 * (less - more * cosine), more - less * cosine - width])
    return np.concatenate([above, below]) / below[0]


def _high_pass(sample_rate: int) -> NDArray[np.float64]:
    """Return the filter that takes away what is too low to be heard as loud: a second-order section (6,)."""
    turn = 2.0 * np.pi * _PASS_HZ / sample_rate
    cosine, width = np.cos(turn), np.sin(turn) / (2.0 * _PASS_Q)
    above = (1.0 + cosine) * np.array([0.5, -1.0, 0.5])
    below = np.array([1.0 + width, -2.0 * cosine, 1.0 - width])
    return np.concatenate([above, below]) / below[0]
