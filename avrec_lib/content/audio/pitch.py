"""Fundamental frequency: YIN, on all frames at once."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = ["HIGHEST_F0", "LOWEST_F0", "yin"]

LOWEST_F0, HIGHEST_F0 = 65.0, 2_093.0
_THRESHOLD = 0.1


def yin(
    frames: NDArray[np.float32],
    sample_rate: int,
    *,
    low: float = LOWEST_F0,
    high: float = HIGHEST_F0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the fundamental frequency of frames, and how far from periodic each is.

    A sound of period T is equal to itself T later. The difference of a frame with its copy shifted by each lag, over
    its mean over the shorter lags, is near 0 at T; the first lag where it dips below a tenth wins, and the lowest of
    all where none does.

    Parameters
    ----------
    frames : ndarray (t, size)
        Overlapping frames of the waveform, without a window; the lowest pitch should fit twice.
    sample_rate : int
        Hz.
    low, high : float
        Hz: where to look.

    Returns
    -------
    f0 : ndarray (t,) of float32
        Hz; a number for each frame, meaningless where the second is near 1. Equal to ``librosa.yin``.
    aperiodicity : ndarray (t,) of float32
        The difference at that lag: 0 for a periodic frame, about 1 for noise.

    Raises
    ------
    ValueError
        If the range does not fit the sampling rate or the frames.

    References
    ----------
    de Cheveigné and Kawahara (2002), YIN, a fundamental frequency estimator for speech and music, equations 6-8.
    """
    size = frames.shape[1]
    shortest, longest = int(sample_rate / high), min(int(np.ceil(sample_rate / low)), size - 1)
    if not (0.0 < low < high <= sample_rate / 2.0 and shortest + 2 <= longest):
        raise ValueError(f"{low:g} to {high:g} Hz cannot be found at {sample_rate} Hz in frames of {size} samples")
    # Circular, so padded by the longest lag alone.
    length = fft.next_fast_len(size + longest + 1, real=True)
    spectra = fft.rfft(frames, length, axis=1)
    power = np.square(spectra.real) + np.square(spectra.imag)
    alike = fft.irfft(power, length, axis=1)[:, : longest + 1]
    energy = np.cumsum(np.square(frames[:, :longest]), axis=1)
    difference = 2.0 * (alike[:, :1] - alike[:, 1:]) - energy
    mean = np.cumsum(difference, axis=1) / np.arange(1, longest + 1, dtype=np.float32)
    curve = difference[:, shortest - 1 :] / (mean[:, shortest - 1 :] + np.finfo(np.float32).tiny)
    trough = np.empty(curve.shape, dtype=bool)
    trough[:, 1:-1] = (curve[:, 1:-1] < curve[:, :-2]) & (curve[:, 1:-1] <= curve[:, 2:])
    trough[:, 0] = curve[:, 0] < curve[:, 1]
    trough[:, -1] = curve[:, -1] < curve[:, -2]
    deep = trough & (curve < _THRESHOLD)
    best = np.where(deep.any(axis=1), deep.argmax(axis=1), curve.argmin(axis=1))
    row = np.arange(len(curve))
    here = curve[row, best]
    before, after = curve[row, np.maximum(best - 1, 0)], curve[row, np.minimum(best + 1, curve.shape[1] - 1)]
    bend, slope = before + after - 2.0 * here, (after - before) / 2.0
    inside = (np.abs(slope) < np.abs(bend)) & (best > 0) & (best < curve.shape[1] - 1)
    shift = np.where(inside, -slope / np.where(inside, bend, 1.0), 0.0)
    f0 = sample_rate / (shortest + best + shift)
    return f0.astype(np.float32), np.clip(here, 0.0, None).astype(np.float32)
