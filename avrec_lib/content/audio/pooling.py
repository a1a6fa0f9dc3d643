"""From frames to a vector of fixed length: statistics over time, gathered piece by piece."""

import numpy as np
from numpy.typing import NDArray

from avrec_lib.content.audio.measure import Frames, Peaks
from avrec_lib.content.audio.mel import N_MELS
from avrec_lib.content.audio.rhythm import TEMPO_LAGS, onset_likeness, tempo
from avrec_lib.content.audio.ripples import RIPPLE_NAMES, RippleMeter
from avrec_lib.content.audio.spectrum import FrameGrid

__all__ = ["VECTOR_NAMES", "Pool"]

_BANDS = 32
_WIDTHS = {"mfcc": 20, "mfcc_delta": 20, "contrast": 7, "chroma": 12}
_SHAPE = (
    "centroid-octaves",
    "bandwidth-octaves",
    "rolloff-octaves",
    "flatness-log10",
    "zero-crossings",
    "level",
    "onset-strength",
    "harmonic",
    "f0-octaves",
    "aperiodicity",
)
_COLUMNS: tuple[str, ...] = (
    *(f"band-{number:02d}" for number in range(_BANDS)),
    *(f"{name.replace('_', '-')}-{number:02d}" for name, width in _WIDTHS.items() for number in range(width)),
    *_SHAPE,
)
_RANGE = 40.0  # decibels below the loudest frame at which a frame counts no more
_ACTIVE = (10.0, 20.0, 30.0, 50.0)  # decibels below it
_PLAIN = slice(_BANDS, _BANDS + _WIDTHS["mfcc"])

VECTOR_NAMES: tuple[str, ...] = (
    *(f"{column}-mean" for column in _COLUMNS),
    *(f"{column}-spread" for column in _COLUMNS),
    *(f"{column}-plain-{statistic}" for statistic in ("mean", "spread") for column in _COLUMNS[_PLAIN]),
    *RIPPLE_NAMES,
    *(f"onset-likeness-{lag}" for lag in TEMPO_LAGS),
    *(f"active-{decibels:.0f}db" for decibels in _ACTIVE),
    "tempo",
    "beat-regularity",
    "loudness",
)
"""Names of the entries of a vector, in order.

``-mean`` and ``-spread`` are the mean and the standard deviation over frames, each counted by the decibels by which it
stands above 40 below the loudest, so that silence before, after and between counts for nothing; ``-plain`` ones count
all frames alike. ``band`` are 32 mel bands, in decibels; levels are as if frames had 2,048 samples. Hz are in octaves
above 50 Hz. ``ripple`` see :func:`~avrec_lib.content.audio.ripples.ripple_power`, ``onset-likeness`` how alike the
onsets are so many frames later, ``active`` the share of frames at most so far below the loudest.
"""


class Pool:
    """Gathers statistics of a sound whose frames come in pieces.

    Parameters
    ----------
    grid : FrameGrid
        Size of the frames.
    peaks : Peaks
        Of the whole sound, known beforehand.
    """

    def __init__(self, grid: FrameGrid, peaks: Peaks) -> None:
        self._grid = grid
        self._loudest = 20.0 * np.log10(max(peaks.rms, 1e-6))
        self._weight = 0.0
        self._count = 0
        self._weighted = np.zeros((2, len(_COLUMNS)))
        self._plain = np.zeros((2, _WIDTHS["mfcc"]))
        self._active = np.zeros(len(_ACTIVE))
        self._ripples = RippleMeter()
        self._onsets: list[NDArray[np.float32]] = []
        self._bass: list[NDArray[np.float32]] = []

    def add(self, frames: Frames) -> None:
        """Take the next frames, as :func:`~avrec_lib.content.audio.measure.finish` gives them."""
        table, level = self._table(frames)
        below = self._loudest - level
        weight = np.clip(_RANGE - below, 0.0, None)
        squares = np.square(table)
        self._weight += float(weight.sum())
        self._count += len(table)
        self._weighted += weight @ table, weight @ squares
        self._plain += table[:, _PLAIN].sum(axis=0), squares[:, _PLAIN].sum(axis=0)
        self._active += (below[:, None] <= _ACTIVE).sum(axis=0)
        self._ripples.add(frames["log_mel"])
        self._onsets.append(frames["onset_strength"])
        self._bass.append(frames["bass_onsets"])

    def _table(self, frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the columns of which statistics are taken, (t, columns), and the level (t,) in decibels."""
        # A spectrum's power grows with the square of the frame's samples: a tone has one level at every rate.
        longer = 20.0 * np.log10(self._grid.n_fft / 2048.0)
        bands = frames["log_mel"].reshape(-1, _BANDS, N_MELS // _BANDS).mean(axis=2, dtype=np.float64) - longer
        cepstrum = frames["mfcc"].astype(np.float64)
        cepstrum[:, 0] -= longer * np.sqrt(N_MELS)
        level = 20.0 * np.log10(np.maximum(frames["rms"], 1e-6), dtype=np.float64)
        octaves = [np.log2(np.maximum(frames[name], 50.0) / 50.0) for name in ("centroid", "bandwidth", "rolloff")]
        shape = [
            *octaves,
            np.log10(frames["flatness"] + 1e-6),
            frames["zero_crossings"] * (self._grid.sample_rate / 22_050.0),
            level,
            frames["onset_strength"],
            frames["harmonic"],
            np.log2(frames["f0"] / 50.0),
            np.minimum(frames["aperiodicity"], 2.0),
        ]
        parts = [bands, cepstrum, *(frames[name] for name in _WIDTHS if name != "mfcc"), np.stack(shape, axis=1)]
        return np.concatenate(parts, axis=1, dtype=np.float64), level

    @property
    def ripples(self) -> NDArray[np.float32]:
        """See :func:`~avrec_lib.content.audio.ripples.ripples`."""
        return self._ripples.result()

    @property
    def tempo(self) -> tuple[float, float]:
        """See :func:`~avrec_lib.content.audio.rhythm.tempo`."""
        return tempo(np.concatenate(self._onsets), self._grid.frames_per_second, np.concatenate(self._bass))

    def vector(self, loudness: float) -> NDArray[np.float32]:
        """Return the vector of all that was taken.

        Parameters
        ----------
        loudness : float
            LUFS.

        Returns
        -------
        ndarray (len(VECTOR_NAMES),) of float32
            See :data:`VECTOR_NAMES`.
        """
        parts = [
            *_mean_and_spread(self._weighted, self._weight),
            *_mean_and_spread(self._plain, self._count),
            self.ripples.ravel(),
            onset_likeness(np.concatenate(self._onsets)),
            self._active / self._count,
            [*self.tempo, loudness],
        ]
        return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts]).astype(np.float32)


def _mean_and_spread(sums: NDArray[np.float64], weight: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean, square = sums / weight
    return mean, np.sqrt(np.maximum(square - np.square(mean), 0.0))
