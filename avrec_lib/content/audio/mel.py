"""The mel scale: filter bank, logarithm, cosine transform and differences in time."""

from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import fft

__all__ = ["N_MELS", "N_MFCC", "TOP", "delta", "hz_from_mel", "mel_filters", "mel_from_hz", "mfcc"]

N_MELS = 128
N_MFCC = 20
TOP = 11_025.0
"""Hz: where the highest of the mel bands ends, at every sampling rate."""

_WIDTH = 9  # frames of a slope
_LINEAR_TO = 1_000.0  # Hz: below, mel is linear in frequency
_STEP = 200.0 / 3.0  # Hz a mel there
_RATIO = np.log(6.4) / 27.0  # natural logarithm of frequency a mel above


def mel_from_hz(hertz: NDArray[np.floating] | float) -> NDArray[np.float64]:
    """Return Slaney's mel: linear to 1 kHz, logarithmic above.

    Parameters
    ----------
    hertz : ndarray or float
        Frequencies, not negative.

    Returns
    -------
    ndarray
        Mels, 15 at 1 kHz.

    References
    ----------
    Slaney (1998), Auditory Toolbox, version 2; librosa's default.
    """
    hertz = np.asarray(hertz, dtype=np.float64)
    return np.where(
        hertz < _LINEAR_TO,
        hertz / _STEP,
        _LINEAR_TO / _STEP + np.log(np.maximum(hertz, _LINEAR_TO) / _LINEAR_TO) / _RATIO,
    )


def hz_from_mel(mel: NDArray[np.floating] | float) -> NDArray[np.float64]:
    """Return the frequencies of mels: the inverse of :func:`mel_from_hz`.

    Parameters
    ----------
    mel : ndarray or float
        Mels.

    Returns
    -------
    ndarray
        Hz.
    """
    mel = np.asarray(mel, dtype=np.float64)
    knee = _LINEAR_TO / _STEP
    return np.where(mel < knee, mel * _STEP, _LINEAR_TO * np.exp(_RATIO * (mel - knee)))


@lru_cache(maxsize=16)
def mel_filters(sample_rate: int, n_fft: int) -> NDArray[np.float32]:
    """Return 128 triangles that overlap by half, evenly spaced in mel up to 11,025 Hz, each of the same area.

    Bands above half the sampling rate are empty.

    Parameters
    ----------
    sample_rate, n_fft : int
        Of the spectra.

    Returns
    -------
    ndarray (n_fft // 2 + 1, 128) of float32
        Read-only. Equal to ``librosa.filters.mel(sr=sample_rate, n_fft=n_fft, fmax=11025).T``.
    """
    frequencies = fft.rfftfreq(n_fft, 1.0 / sample_rate)
    corners = hz_from_mel(np.linspace(0.0, mel_from_hz(TOP), N_MELS + 2))
    rise = (frequencies[:, None] - corners[:-2]) / (corners[1:-1] - corners[:-2])
    fall = (corners[2:] - frequencies[:, None]) / (corners[2:] - corners[1:-1])
    filters = np.maximum(0.0, np.minimum(rise, fall)) * (2.0 / (corners[2:] - corners[:-2]))
    filters = filters.astype(np.float32)
    filters.flags.writeable = False
    return filters


def mfcc(log_mel: NDArray[np.float32], n_mfcc: int = N_MFCC) -> NDArray[np.float32]:
    """Return mel-frequency cepstral coefficients: the orthonormal cosine transform of log-mel spectra.

    Parameters
    ----------
    log_mel : ndarray (t, n_mels)
        Decibels.
    n_mfcc : int
        How many to keep, from the zeroth.

    Returns
    -------
    ndarray (t, n_mfcc)
        Equal to ``librosa.feature.mfcc(S=log_mel.T).T``.
    """
    return np.asarray(fft.dct(log_mel, type=2, axis=1, norm="ortho"))[:, :n_mfcc]


def delta(values: NDArray[np.float32], order: int = 1) -> NDArray[np.float32]:
    """Return slopes over time: the derivative of a polynomial fitted to nine frames (Savitzky and Golay).

    Parameters
    ----------
    values : ndarray (t, k)
        One row a frame.
    order : int
        1 for the slope, 2 for the curvature; also the polynomial's degree.

    Returns
    -------
    ndarray (t, k)
        A frame; equal to ``librosa.feature.delta(values.T, order=order).T``. A sound of fewer than nine frames, which
        librosa refuses, is held at its ends.
    """
    mode = "interp" if len(values) >= _WIDTH else "nearest"
    return np.asarray(scipy.signal.savgol_filter(values, _WIDTH, polyorder=order, deriv=order, axis=0, mode=mode))
