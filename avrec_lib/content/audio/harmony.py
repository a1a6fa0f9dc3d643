"""Which notes sound: energy by pitch class, and the key that fits it."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["KEYS", "PITCH_CLASSES", "chroma_filters", "key_scores", "normalised"]

PITCH_CLASSES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
KEYS = tuple(f"{name} {mode}" for mode in ("major", "minor") for name in PITCH_CLASSES)
"""Names of the keys, in the order of :func:`key_scores`."""

# How well each step above the tonic fits a key: what listeners judged, revised to tell keys apart. Temperley (1999).
_MAJOR = (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0)
_MINOR = (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0)


@lru_cache(maxsize=16)
def chroma_filters(sample_rate: int, n_fft: int) -> NDArray[np.float32]:
    """Return how much each bin of a spectrum counts for each pitch class, tuned to A = 440 Hz.

    A bin counts for the classes near its frequency as a bell of the width of a bin, at least a semitone wide. All
    octaves fold into one; those around 880 Hz count most.

    Parameters
    ----------
    sample_rate, n_fft : int
        Of the spectra.

    Returns
    -------
    ndarray (n_fft // 2 + 1, 12) of float32
        From C; read-only. Equal to ``librosa.filters.chroma(sr=sample_rate, n_fft=n_fft).T``.

    References
    ----------
    Ellis (2007), Chroma feature analysis and synthesis.
    """
    frequencies = np.arange(1, n_fft) * (sample_rate / n_fft)
    semitones = 12.0 * np.log2(frequencies / (440.0 / 16.0))  # above the A of 27.5 Hz
    semitones = np.concatenate([[semitones[0] - 18.0], semitones])
    widths = np.concatenate([np.maximum(np.diff(semitones), 1.0), [1.0]])[:, None]
    away = np.remainder(semitones[:, None] - np.arange(12) + 6.0, 12.0) - 6.0
    weights = np.exp(-0.5 * np.square(2.0 * away / widths))
    weights /= np.sqrt(np.square(weights).sum(axis=1, keepdims=True))
    weights *= np.exp(-0.5 * np.square((semitones[:, None] / 12.0 - 5.0) / 2.0))
    filters = np.roll(weights, -3, axis=1)[: n_fft // 2 + 1].astype(np.float32)
    filters.flags.writeable = False
    return filters


def normalised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide each row by its largest entry; a row of zeros stays."""
    largest = np.abs(values).max(axis=1, keepdims=True)
    return np.asarray(values / np.where(largest < np.finfo(np.float32).tiny, 1.0, largest), dtype=np.float32)


def key_scores(chroma: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how well the 24 keys fit: the correlation of the pitch classes' shares with each key's profile.

    Parameters
    ----------
    chroma : ndarray (12,)
        Energy by pitch class, from C, over the whole sound.

    Returns
    -------
    ndarray (24,)
        In [-1, 1], in the order of :data:`KEYS`; all 0 where the classes are equally strong.

    References
    ----------
    Temperley (1999), What's key for key? The Krumhansl-Schmuckler key-finding algorithm reconsidered.
    """
    profiles = np.stack([np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)])
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    profiles /= np.sqrt(np.square(profiles).sum(axis=1, keepdims=True))
    away = np.asarray(chroma, dtype=np.float64) - np.mean(chroma)
    size = np.sqrt(np.square(away).sum())
    return profiles @ (away / size) if size > 1e-12 else np.zeros(24)
