"""How a sound's bands swell and fade together: the spectrum of its log-mel spectrogram, over time and over bands."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = ["RIPPLE_NAMES", "RippleMeter", "ripple_power", "ripples"]

WINDOW, STEP = 128, 64
"""Frames of a window, 3 s, and from one window to the next."""
N_QUARTERS = 4
_BANDS = 32  # of the 128 mel bands
_RATE_EDGES = (1, 2, 4, 8, 16, 32, 64)  # cycles a window
_SCALE_EDGES = (0, 1, 2, 4, 8, 17)  # cycles over a quarter of the bands
RATES = 2 * (len(_RATE_EDGES) - 1)
SCALES = len(_SCALE_EDGES) - 1
_FLOOR = 1e-3
RIPPLE_NAMES: tuple[str, ...] = tuple(
    f"ripple-quarter{quarter}-{way}-rate{rate}-scale{scale}"
    for quarter in range(N_QUARTERS)
    for way in ("down", "up")
    for rate in _RATE_EDGES[:-1]
    for scale in _SCALE_EDGES[:-1]
)
"""Names of the ripples, in order: quarter of the bands, direction, cycles in 3 s and over the quarter (the lowest)."""


def ripple_power(windows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the power of ripples in windows of a spectrogram.

    A ripple is a wave that runs over the spectrogram: so many cycles a second, so many over the bands, upwards or
    downwards. Steady beats, trills, sweeps and the teeth of a harmonic sound are ripples.

    Parameters
    ----------
    windows : ndarray (n, t, 128)
        Log-mel spectra in decibels, t at most 128 frames.

    Returns
    -------
    ndarray (n, 4, 12, 5)
        Mean power by quarter of the bands (low to high), rate (downwards, then upwards; each 1, 2-3, 4-7, 8-15,
        16-31, 32-63 cycles in 3 s) and scale (0, 1, 2-3, 4-7, 8-16 cycles over the quarter).

    References
    ----------
    Chi, Ru and Shamma (2005), Multiresolution spectrotemporal analysis of complex sounds, the idea.
    """
    count, frames, _ = windows.shape
    quarters = (windows - windows.mean(axis=1, keepdims=True)).reshape(count, frames, N_QUARTERS, _BANDS)
    over_time = np.hanning(frames + 1)[:-1, None, None]
    tapered = (quarters * (over_time * np.hanning(_BANDS + 1)[:-1])).astype(np.float32)
    waves = fft.fft(fft.rfft(tapered, axis=3), WINDOW, axis=1)
    power = np.square(waves.real) + np.square(waves.imag)
    # Rows of negative rate hold the other direction.
    both = (power[:, 1 : WINDOW // 2], power[:, : WINDOW // 2 : -1])
    by_rate = [np.add.reduceat(part, np.array(_RATE_EDGES[:-1]) - 1, axis=1) for part in both]
    widths = np.tile(np.diff(_RATE_EDGES), 2).astype(np.float64)
    summed = np.add.reduceat(np.concatenate(by_rate, axis=1), np.array(_SCALE_EDGES[:-1]), axis=3)
    mean = summed / widths[:, None, None] / np.diff(_SCALE_EDGES)
    return np.asarray(mean.transpose(0, 2, 1, 3), dtype=np.float64)


class RippleMeter:
    """Gathers the ripples of a sound whose frames come in pieces."""

    def __init__(self) -> None:
        self._total = np.zeros((N_QUARTERS, RATES, SCALES))
        self._windows = 0
        self._rest = np.zeros((0, N_QUARTERS * _BANDS), np.float32)  # from the start of the next window

    def add(self, log_mel: NDArray[np.float32]) -> None:
        """Take the next frames: (t, 128), decibels."""
        rest = np.concatenate([self._rest, log_mel])
        count = max(0, (len(rest) - WINDOW) // STEP + 1)
        if count:
            windows = np.lib.stride_tricks.sliding_window_view(rest, WINDOW, axis=0)[::STEP][:count]
            self._total += ripple_power(windows.transpose(0, 2, 1)).sum(axis=0)
            self._windows += count
        self._rest = rest[count * STEP :]

    def result(self) -> NDArray[np.float32]:
        """Return the natural logarithm of the mean power: (4, 12, 5). What is left over makes a shorter window."""
        total, windows = self._total, self._windows
        if not windows or len(self._rest) > WINDOW - STEP:
            total, windows = total + ripple_power(self._rest[None]).sum(axis=0), windows + 1
        return np.log(total / windows + _FLOOR).astype(np.float32)


def ripples(log_mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how strong the ripples of a sound are.

    Parameters
    ----------
    log_mel : ndarray (t, 128)
        Decibels; at least one frame.

    Returns
    -------
    ndarray (4, 12, 5) of float32
        Natural logarithm of mean power over windows of 3 s that overlap by half; for the order see
        :func:`ripple_power`.
    """
    meter = RippleMeter()
    meter.add(log_mel)
    return meter.result()
