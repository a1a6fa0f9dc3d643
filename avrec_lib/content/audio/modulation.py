"""How fast the bands of a sound swell and fade: the spectrum of its spectrum over time."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = ["MODULATION_BANDS", "MODULATION_RATES", "modulation_spectrum"]

MODULATION_RATES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Hz: edges of the rates, but for the last, which has no upper edge."""
MODULATION_BANDS = 16
_SECONDS = 3.0


def modulation_spectrum(log_mel: NDArray[np.float32], frames_per_second: float) -> NDArray[np.float32]:
    """Return how strongly groups of mel bands swell and fade, by rate.

    Parameters
    ----------
    log_mel : ndarray (t, n_mels)
        Decibels.
    frames_per_second : float
        Frames a second.

    Returns
    -------
    ndarray (16, 6) of float32
        Decibels (root mean square of the swelling) by group of bands, low to high, and rate, slow to fast: 0.5-1,
        1-2, 2-4, 4-8, 8-16 and above 16 Hz. Windows of 3 s that overlap by half; a shorter sound is padded by its
        mean.
    """
    bands = log_mel.reshape(len(log_mel), MODULATION_BANDS, -1).mean(axis=2)
    size = round(_SECONDS * frames_per_second / 2.0) * 2
    step = size // 2
    n_windows = max(1, -(-(len(bands) - size) // step) + 1)
    missing = (n_windows - 1) * step + size - len(bands)
    bands = bands - bands.mean(axis=0)
    bands = np.pad(bands, ((0, missing), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(bands, size, axis=0)[::step]
    taper = np.hanning(size + 1)[:-1].astype(np.float32)
    power = np.square(np.abs(fft.rfft((windows - windows.mean(axis=2, keepdims=True)) * taper, axis=2))).mean(axis=0)
    power *= 2.0 / (size * np.square(taper).sum())
    rates = fft.rfftfreq(size, 1.0 / frames_per_second)
    group = np.searchsorted(MODULATION_RATES, rates, side="right") - 1
    inside = group[:, None] == np.arange(len(MODULATION_RATES))
    return np.sqrt(power @ inside).astype(np.float32)
