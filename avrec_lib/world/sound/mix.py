"""Balance and colour of the two stems: loudness, treble, faults of a poor recording, limiter and fades."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, signal

from avrec_lib.world.catalogue import ClipSpec
from avrec_lib.world.sound.noises import band, noise
from avrec_lib.world.sound.tones import SAMPLE_RATE, Samples, swell

__all__ = ["CEILING", "loudness", "mix"]

CEILING = 0.89
"""Highest absolute sample of a clip: 1 dB below full scale leaves room for the codec."""

_QUIETEST, _LOUDEST = -25.0, -16.0


def loudness(samples: Samples) -> float:
    """Measure loudness as the ear weighs it, near to ITU-R BS.1770 without its gate.

    Parameters
    ----------
    samples : ndarray of shape (n_samples,)
        The sound.

    Returns
    -------
    float
        Decibels below the loudness of a full-scale 1 kHz sine's unit power; -120 for silence.
    """
    length = fft.next_fast_len(len(samples), real=True)
    spectrum = fft.rfft(samples, length)
    frequency = np.linspace(0.0, SAMPLE_RATE / 2.0, len(spectrum), dtype=np.float32)
    lows = (frequency**2 / (frequency**2 + np.float32(60.0**2))) ** 2
    highs = np.float32(1.0) + np.float32(1.5) * frequency**2 / (frequency**2 + np.float32(1_500.0**2))
    power = (spectrum.real**2 + spectrum.imag**2) * lows * highs
    mean = 2.0 * float(power.sum(dtype=np.float64)) / length / len(samples)
    return float(10.0 * np.log10(max(mean, 1e-12)))


def mix(
    bed: Samples, lead: Samples, clip: ClipSpec, rng: np.random.Generator, *, lead_db: float
) -> tuple[Samples, Samples]:
    """Bring two stems to their final loudness and colour.

    Arousal sets loudness over a range of 9 dB, warmth and dark moods take
    treble away, and low quality narrows the band and adds hiss and mains hum.

    Parameters
    ----------
    bed, lead : ndarray of shape (n_samples,)
        The stems.
    clip : ClipSpec
        The clip.
    rng : Generator
        Source of randomness.
    lead_db : float
        Loudness of the lead above the bed in decibels.

    Returns
    -------
    tuple of ndarray, each of shape (n_samples,)
        The stems; their sum is the clip's sound and stays below :data:`CEILING`.
    """
    stems = np.stack([bed, lead * np.float32(10.0 ** ((loudness(bed) + lead_db - loudness(lead)) / 20.0))])
    stems = _colour(stems, clip)
    target = _QUIETEST + (_LOUDEST - _QUIETEST) * (clip.arousal + 1.0) / 2.0 + 0.5 * float(np.clip(rng.normal(), -2, 2))
    stems *= np.float32(10.0 ** ((target - loudness(stems.sum(axis=0))) / 20.0))
    stems[0] += _faults(clip, rng, stems.shape[1])
    stems *= _limit(stems.sum(axis=0)) * swell(stems.shape[1], 0.012, 0.06)
    return stems[0], stems[1]


def _colour(stems: Samples, clip: ClipSpec) -> Samples:
    """Tilt the treble by warmth and a little by valence, narrow the band by quality; both stems alike."""
    # a first-order shelf: unity well below 1.2 kHz, up to 7 dB more or less well above it
    gain = 10.0 ** ((10.0 * (0.5 - clip.warmth) + 2.0 * clip.valence) / 20.0)
    corner = np.tan(np.pi * 1_200.0 / SAMPLE_RATE) * np.sqrt(gain)
    b = np.array([gain + corner, corner - gain]) / (1.0 + corner)
    a = np.array([1.0, (corner - 1.0) / (1.0 + corner)])
    low_b, low_a = signal.butter(2, 5_500.0 + 4_500.0 * clip.quality, fs=SAMPLE_RATE)
    both_b, both_a = np.convolve(b, low_b).astype(np.float32), np.convolve(a, low_a).astype(np.float32)
    return np.asarray(signal.lfilter(both_b, both_a, stems, axis=1), dtype=np.float32)


def _faults(clip: ClipSpec, rng: np.random.Generator, n_samples: int) -> Samples:
    """Return the hiss and the mains hum of a poor recording, at a level that does not follow the music's."""
    poor = 1.0 - clip.quality
    # nobody hears two seconds of faint hiss come round again
    hiss = np.resize(noise(rng, 2 * SAMPLE_RATE, band(1_000.0, 9_500.0)), n_samples)
    hiss *= np.float32(10.0 ** ((-74.0 + 22.0 * poor) / 20.0))
    angle = (2.0 * np.pi * ((np.arange(n_samples) * (50.0 / SAMPLE_RATE) + rng.random()) % 1.0)).astype(np.float32)
    hum = np.sin(2.0 * angle) + np.float32(0.5) * np.sin(3.0 * angle)
    return np.asarray(hiss + np.float32(10.0 ** ((-74.0 + 24.0 * poor) / 20.0)) * hum, dtype=np.float32)


def _limit(samples: Samples) -> Samples:
    """Return a smooth gain that keeps every sample below the ceiling.

    The gain looks ahead: it is the mean, over a window, of the lowest gain
    needed within that window, so that it is never too high and never jumps.
    """
    over = np.abs(samples)
    if float(over.max(initial=0.0)) <= CEILING:
        return np.ones(len(samples), dtype=np.float32)
    half = round(0.004 * SAMPLE_RATE)
    needed = np.minimum(1.0, CEILING / np.maximum(over, 1e-9))
    lowest = ndimage.minimum_filter1d(needed, 2 * half + 1, mode="nearest")
    smooth: NDArray[np.float64] = ndimage.uniform_filter1d(lowest.astype(np.float64), 2 * half + 1, mode="nearest")
    return np.asarray(smooth * (1.0 - 1e-6), dtype=np.float32)
