"""Rhythm: how much begins at each moment, and how fast the beat is."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = ["BASS_BANDS", "TEMPO_LAGS", "onset_likeness", "onset_strength", "tempo"]

_SLOWEST, _FASTEST = 40.0, 240.0  # beats a minute
_USUAL, _OCTAVES = 120.0, 1.0  # as in librosa
_BEATS = 4
BASS_BANDS = 8
"""The lowest of 128 mel bands, up to about 210 Hz: where drums and basses mark the beat."""
TEMPO_LAGS: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 21, 26, 32, 40, 50, 63, 80, 100)
"""Frames after which the onsets of a sound are compared with themselves."""


def onset_strength(log_mel: NDArray[np.float32], delay: int = 2) -> NDArray[np.float32]:
    """Return the mean rise of the bands from one frame to the next.

    Parameters
    ----------
    log_mel : ndarray (t, n_mels)
        Decibels.
    delay : int
        Frames by which the result is moved, because a frame sees a blow before its middle: half a frame's length over
        the hop.

    Returns
    -------
    ndarray (t,) of float32
        Decibels a frame, not negative. Equal to ``librosa.onset.onset_strength``.
    """
    rise = np.maximum(np.diff(log_mel, axis=0), np.float32(0.0)).mean(axis=1)
    return np.concatenate([np.zeros(1 + delay, np.float32), rise])[: len(log_mel)]


def tempo(
    strength: NDArray[np.float32], frames_per_second: float, bass: NDArray[np.float32] | None = None
) -> tuple[float, float]:
    """Return the tempo of a sound, and how regular its beat is.

    The strength of onsets is compared with itself some time later; a beat makes it alike at its period and at the
    multiples of it, of which four count. Where the bass is given, its likeness counts as much as that of the whole:
    high sounds fill the beat, low ones mark it. Tempi near 120 beats a minute are taken for likelier, which decides
    between a tempo and its double.

    Parameters
    ----------
    strength : ndarray (t,)
        Strength of onsets, by frame.
    frames_per_second : float
        Frames a second.
    bass : ndarray (t,), optional
        Strength of the onsets of the lowest bands.

    Returns
    -------
    tempo : float
        Beats a minute, 40 to 240; 0 for a sound without onsets or shorter than two beats.
    regularity : float
        In [0, 1]: how alike the onsets are one beat later.
    """
    size = len(strength)
    longest = min(int(4 * 60.0 * frames_per_second / _SLOWEST), size - 1)
    if longest < 60.0 * frames_per_second / _FASTEST * 2:
        return 0.0, 0.0
    alike = _autocorrelation(strength, longest)
    if not alike.any():
        return 0.0, 0.0
    if bass is not None:
        alike = (alike + _autocorrelation(bass, longest)) / 2.0
    alike = alike * size / (size - np.arange(longest + 1))  # fewer frames overlap at long lags
    bpm = np.geomspace(_SLOWEST, _FASTEST, 512)
    lags = 60.0 * frames_per_second / bpm
    multiples = lags[:, None] * np.arange(1, _BEATS + 1)
    known = multiples <= min(longest, size - frames_per_second / 2.0)  # few frames overlap beyond
    values = np.interp(multiples, np.arange(longest + 1), alike)
    score = np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    prior = np.exp(-0.5 * np.square(np.log2(bpm / _USUAL) / _OCTAVES))
    best = int(np.argmax(np.where(known[:, 0], np.maximum(score, 0.0) * prior, -1.0)))
    return float(bpm[best]), float(np.clip(values[best, 0], 0.0, 1.0))


def onset_likeness(strength: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how alike the onsets of a sound are some frames later.

    Parameters
    ----------
    strength : ndarray (t,)
        Strength of onsets, by frame.

    Returns
    -------
    ndarray (len(TEMPO_LAGS),)
        Autocorrelation at :data:`TEMPO_LAGS`, 1 at no lag; 0 at lags longer than the sound.
    """
    alike = _autocorrelation(strength, max(TEMPO_LAGS))
    return alike[np.array(TEMPO_LAGS)]


def _autocorrelation(strength: NDArray[np.float32], longest: int) -> NDArray[np.float64]:
    """Return the autocorrelation at lags of 0 to ``longest``, 1 at 0; all 0 for a sound without onsets."""
    away = np.asarray(strength, dtype=np.float64) - np.mean(strength, dtype=np.float64)
    length = fft.next_fast_len(len(away) + longest + 1, real=True)
    alike = np.asarray(fft.irfft(np.square(np.abs(fft.rfft(away, length))), length))[: longest + 1]
    alike = np.pad(alike, (0, longest + 1 - len(alike)))
    alike[len(away) :] = 0.0
    return alike / alike[0] if alike[0] > 1e-12 * len(away) else np.zeros(longest + 1)
