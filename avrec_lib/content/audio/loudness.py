"""How loud a sound is: as the standard of broadcasting measures it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyloudnorm import Meter
from scipy import signal

__all__ = ["QUIETEST", "LoudnessMeter", "integrated_loudness"]

QUIETEST = -70.0
"""LUFS: the absolute gate of BS.1770. Blocks below it count as silence."""

_BLOCK, _OVERLAP = 0.4, 0.75
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
        # pyloudnorm holds the filters of the standard for every sampling rate.
        stages = Meter(sample_rate)._filters.values()
        self._sections = np.array([np.concatenate([stage.b * stage.passband_gain, stage.a]) for stage in stages])
        self._state = np.zeros((len(self._sections), 2))
        self._taken = 0
        self._tail = np.zeros(0)  # squares of weighted samples from the start of the next block
        self._blocks: list[NDArray[np.float64]] = []
        self._count = 0

    def add(self, samples: ArrayLike) -> None:
        """Take the next samples, of one channel: (n,)."""
        weighted, self._state = signal.sosfilt(self._sections, np.asarray(samples, dtype=np.float64), zi=self._state)
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

    References
    ----------
    ITU-R BS.1770-4 (2015), Algorithms to measure audio programme loudness and true-peak audio level.
    """
    meter, samples = LoudnessMeter(sample_rate), np.asarray(samples)
    for start in range(0, len(samples), _PIECE):
        meter.add(samples[start : start + _PIECE])
    return meter.integrated()
