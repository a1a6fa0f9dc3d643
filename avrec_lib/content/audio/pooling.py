"""From frames to a vector of fixed length: statistics over time."""

import numpy as np
from numpy.typing import NDArray

from avrec_lib.content.audio.measure import Frames
from avrec_lib.content.audio.modulation import MODULATION_BANDS, MODULATION_RATES

__all__ = ["VECTOR_NAMES", "pool"]

_WIDTHS = {
    "log_mel": 128,
    "mfcc": 20,
    "mfcc_delta": 20,
    "mfcc_delta2": 20,
    "chroma": 12,
    "f0": 1,
    "aperiodicity": 1,
    "rms": 1,
    "centroid": 1,
    "bandwidth": 1,
    "rolloff": 1,
    "flatness": 1,
    "contrast": 7,
    "zero_crossings": 1,
    "onset_strength": 1,
    "harmonic": 1,
}

VECTOR_NAMES: tuple[str, ...] = (
    *(
        f"{name}-{number:02d}-{statistic}" if width > 1 else f"{name}-{statistic}"
        for statistic in ("mean", "spread")
        for name, width in _WIDTHS.items()
        for number in range(width)
    ),
    *(f"modulation-{band:02d}-{rate:g}hz" for band in range(MODULATION_BANDS) for rate in MODULATION_RATES),
    "tempo",
    "beat-regularity",
    "loudness",
)
"""Names of the entries of a vector, in order."""


def pool(frames: Frames, modulation: NDArray[np.float32], whole: tuple[float, float, float]) -> NDArray[np.float32]:
    """Sum up frames by their mean and their standard deviation.

    Parameters
    ----------
    frames : dict of str to ndarray (t, ...)
        By frame.
    modulation : ndarray (16, 6)
        Of the whole sound.
    whole : tuple of float
        Tempo, regularity of the beat, loudness.

    Returns
    -------
    ndarray (len(VECTOR_NAMES),) of float32
        See :data:`VECTOR_NAMES`.
    """
    table = np.concatenate([frames[name].reshape(len(frames[name]), -1) for name in _WIDTHS], axis=1)
    parts = [table.mean(axis=0, dtype=np.float64), table.std(axis=0, dtype=np.float64), modulation.ravel(), whole]
    return np.concatenate([np.asarray(part, dtype=np.float64).ravel() for part in parts]).astype(np.float32)
