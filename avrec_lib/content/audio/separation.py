"""Parting what rings from what clicks: harmonic lines lie along time, percussive ones across it."""

import numpy as np
from numpy.typing import NDArray

from avrec_lib.content.audio.medians import WIDTH, running_median

__all__ = ["CONTEXT", "harmonic_percussive"]

CONTEXT = WIDTH // 2
"""Frames on each side that decide a frame's masks."""


def harmonic_percussive(magnitude: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the shares of a spectrogram that belong to tones and to blows.

    A median over 31 frames keeps lines along time, a median over 31 bins lines across it; the shares are those of
    their squares (Wiener's masks).

    Parameters
    ----------
    magnitude : ndarray (t, bins)
        Absolute values of the spectra.

    Returns
    -------
    harmonic, percussive : ndarray (t, bins) of float32
        Masks in [0, 1] whose sum is 1. Times the spectra, equal to ``librosa.decompose.hpss``.

    References
    ----------
    Fitzgerald (2010), Harmonic/percussive separation using median filtering.
    """
    along = running_median(magnitude)
    across = np.ascontiguousarray(running_median(np.ascontiguousarray(magnitude.T)).T)
    along, across = np.square(along, out=along), np.square(across, out=across)
    across += along
    silent = across < np.finfo(np.float32).tiny
    if silent.any():
        along[silent], across[silent] = 0.5, 1.0
    harmonic = np.divide(along, across, out=along)
    return harmonic, np.float32(1.0) - harmonic
