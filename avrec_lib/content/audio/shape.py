"""The shape of a spectrum in a few numbers: where its energy lies, how wide, how noisy, how ragged."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONTRAST_BANDS", "contrast_extremes", "spectral_shape", "zero_crossing_rate"]

CONTRAST_BANDS = 7
_ROLLOFF = 0.85
_QUANTILE = 0.02
_FIRST_OCTAVE = 200.0  # Hz


def spectral_shape(
    magnitude: NDArray[np.float32], frequencies: NDArray[np.float64], power: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """Return centroid, bandwidth, roll-off and flatness of spectra.

    Parameters
    ----------
    magnitude : ndarray (t, bins)
        Absolute values of the spectra.
    frequencies : ndarray (bins,)
        Hz.
    power : ndarray (t, bins)
        Squares of ``magnitude``.

    Returns
    -------
    dict of str to ndarray (t,)
        ``centroid``, ``bandwidth`` and ``rolloff`` (below which 85 % of the magnitude lies) in Hz, 0 for a silent
        frame; ``flatness``, geometric over arithmetic mean of power, 1 for white noise. Equal to
        ``librosa.feature.spectral_*``.
    """
    scale = float(frequencies[-1])
    relative = frequencies / scale
    moments = magnitude @ np.stack([np.ones_like(relative), relative], axis=1).astype(np.float32)
    silent = moments[:, 0] < np.finfo(np.float32).tiny
    total = np.where(silent, np.float32(1.0), moments[:, 0])
    centroid = np.where(silent, 0.0, moments[:, 1] / total)
    # Around a point near the centroid, because the difference of two large numbers would lose digits.
    away = relative.astype(np.float32) - centroid[:, None].astype(np.float32)
    bandwidth = np.sqrt(np.einsum("tf,tf,tf->t", magnitude, away, away) / total)
    cumulated = np.cumsum(magnitude, axis=1)
    below = (cumulated < np.float32(_ROLLOFF) * cumulated[:, -1:]).sum(axis=1)
    floored = np.maximum(power, np.float32(1e-10))
    flatness = np.exp(np.log(floored).mean(axis=1)) / floored.mean(axis=1)
    return {
        "centroid": (scale * centroid).astype(np.float32),
        "bandwidth": (scale * bandwidth).astype(np.float32),
        "rolloff": frequencies[np.minimum(below, len(frequencies) - 1)].astype(np.float32),
        "flatness": flatness.astype(np.float32),
    }


def contrast_extremes(
    magnitude: NDArray[np.float32], frequencies: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean of the strongest and of the weakest bins in octave bands: peaks and valleys.

    Parameters
    ----------
    magnitude : ndarray (t, bins)
        Absolute values of the spectra.
    frequencies : ndarray (bins,)
        Hz, evenly spaced.

    Returns
    -------
    peaks, valleys : ndarray (t, 7) of float32
        Below 200 Hz, six octaves from there, the last without an end; 0 in bands above half the sampling rate.
        The difference of their decibels is ``librosa.feature.spectral_contrast``.

    References
    ----------
    Jiang et al. (2002), Music type classification by spectral contrast feature.
    """
    edges = _FIRST_OCTAVE * np.concatenate([[0.0], 2.0 ** np.arange(CONTRAST_BANDS)])
    peaks, valleys = np.zeros((2, len(magnitude), CONTRAST_BANDS), dtype=np.float32)
    for band, (low, high) in enumerate(pairwise(edges)):
        if low >= frequencies[-1]:
            break
        inside = np.flatnonzero((frequencies >= low) & (frequencies <= high))
        first, last = inside[0] - (band > 0), inside[-1] + 1
        final = band == CONTRAST_BANDS - 1
        last = len(frequencies) if final else last
        size = max(1, int(np.rint(_QUANTILE * (last - first))))
        part = magnitude[:, first : last if final else max(last - 1, first + 1)]
        size = min(size, part.shape[1])
        if size == 1:
            peaks[:, band], valleys[:, band] = part.max(axis=1), part.min(axis=1)
            continue
        part = np.sort(part, axis=1)  # sooner than np.partition for both ends
        valleys[:, band], peaks[:, band] = part[:, :size].mean(axis=1), part[:, -size:].mean(axis=1)
    return peaks, valleys


def zero_crossing_rate(
    padded: NDArray[np.float32], size: int, hop: int, *, before: int = 0, after: int = 0
) -> NDArray[np.float32]:
    """Return the share of samples in each frame at which the sign changes.

    Parameters
    ----------
    padded : ndarray (n,)
        Samples, with padding on both sides.
    size, hop : int
        Samples a frame and from one to the next.
    before, after : int
        How many samples of padding there are: where sound meets padding no crossing is counted.

    Returns
    -------
    ndarray (1 + (n - size) // hop,) of float32
        In [0, 1]. Equal to ``librosa.feature.zero_crossing_rate``.
    """
    # librosa takes what is nearer to zero than this for zero, and zero for positive
    negative = padded < -1e-10
    crossings = np.zeros(len(padded) + 1, dtype=np.int64)
    crossings[2:] = negative[1:] != negative[:-1]
    crossings[: before + 2] = 0
    if after:
        crossings[len(padded) - after + 1 :] = 0
    crossings = np.cumsum(crossings)
    first = np.arange(0, len(padded) - size + 1, hop)
    return ((crossings[first + size] - crossings[first + 1]) / size).astype(np.float32)
