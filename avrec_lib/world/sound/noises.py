"""Unpitched building blocks: coloured noise, showers of small sounds and slow random curves."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, signal

from avrec_lib.world.sound.tones import SAMPLE_RATE, Samples

__all__ = ["Colour", "band", "burst", "drift", "moving_band", "noise", "shower", "soften"]

Colour = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Frequencies in hertz to linear gains."""


def band(low: float, high: float, *, order: float = 2.0, tilt: float = 0.0) -> Colour:
    """Describe a band of frequencies with soft edges.

    Parameters
    ----------
    low, high : float
        Edges in hertz.
    order : float
        Steepness: the edges fall by about ``6 * order`` dB an octave.
    tilt : float
        Slope inside the band in dB an octave; -3 is pink.

    Returns
    -------
    Colour
        The gain as a function of frequency.
    """

    def gain(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        f = np.maximum(frequency, 1.0)
        edges = np.sqrt(1.0 / ((1.0 + (low / f) ** (2.0 * order)) * (1.0 + (f / high) ** (2.0 * order))))
        centre = np.sqrt(low * high)
        return np.asarray(edges * (f / centre) ** (tilt / 6.0206), dtype=np.float64)

    return gain


def noise(rng: np.random.Generator, n_samples: int, colour: Colour) -> Samples:
    """Make Gaussian noise of a given colour.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    n_samples : int
        Length.
    colour : Colour
        Gain as a function of frequency.

    Returns
    -------
    ndarray of shape (n_samples,)
        Noise of root mean square 1, float32.
    """
    length = fft.next_fast_len(n_samples, real=True)
    # the gain is smooth, so that a coarse grid of frequencies describes it
    grid = np.linspace(0.0, SAMPLE_RATE / 2.0, 1_025)
    n_bins = length // 2 + 1
    gain = np.interp(np.linspace(0.0, 1_024.0, n_bins), np.arange(1_025.0), colour(grid)).astype(np.float32)
    spectrum = rng.standard_normal(2 * n_bins, dtype=np.float32).view(np.complex64) * gain
    spectrum[0] = 0.0
    sound = fft.irfft(spectrum, length)[:n_samples]
    return np.asarray(sound / np.sqrt(np.mean(sound**2) + 1e-20), dtype=np.float32)


def burst(rng: np.random.Generator, seconds: float, colour: Colour, *, decay: float, attack: float = 0.001) -> Samples:
    """Make a short noise that rises quickly and dies away exponentially.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    seconds : float
        Length.
    colour : Colour
        Gain as a function of frequency.
    decay, attack : float
        Seconds to 1/e; seconds of the rise.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sound, float32, of peak amplitude near 1.
    """
    n_samples = max(64, round(seconds * SAMPLE_RATE))
    time = np.arange(n_samples, dtype=np.float32) / np.float32(SAMPLE_RATE)
    end = np.minimum(1.0, (time[-1] - time) / 0.005)
    shape = np.minimum(1.0, time / np.float32(attack)) * np.exp(-time / np.float32(decay)) * end
    return np.asarray(0.35 * noise(rng, n_samples, colour) * shape, dtype=np.float32)


def shower(rng: np.random.Generator, n_samples: int, rate: float, grains: list[Samples]) -> Samples:
    """Scatter many copies of a few short sounds over time at random.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    n_samples : int
        Length.
    rate : float
        Sounds a second, of each grain.
    grains : list of ndarray
        The sounds to scatter.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sound, float32; loudness varies from copy to copy.
    """
    track = np.zeros(n_samples, dtype=np.float32)
    count = max(1, round(rate * n_samples / SAMPLE_RATE))
    for grain in grains:
        hits = np.zeros(n_samples, dtype=np.float32)
        gains = rng.gamma(0.7, 1.0, count).astype(np.float32) * rng.choice(np.array([-1.0, 1.0], np.float32), count)
        np.add.at(hits, rng.integers(n_samples, size=count), gains)
        track += signal.oaconvolve(hits, grain)[:n_samples].astype(np.float32)
    return track


def drift(rng: np.random.Generator, n_samples: int, rate: float, low: float = 0.0, high: float = 1.0) -> Samples:
    """Draw a smooth random curve.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    n_samples : int
        Length.
    rate : float
        New values a second.
    low, high : float
        Range.

    Returns
    -------
    ndarray of shape (n_samples,)
        The curve, float32.
    """
    points = rng.uniform(low, high, int(n_samples / SAMPLE_RATE * rate) + 3).astype(np.float32)
    position = np.arange(n_samples, dtype=np.float32) * np.float32(rate / SAMPLE_RATE)
    whole = position.astype(np.int32)
    part = position - whole
    ease = part * part * (np.float32(3.0) - np.float32(2.0) * part)
    return np.asarray(points[whole] + ease * np.diff(points)[whole], dtype=np.float32)


def moving_band(rng: np.random.Generator, centre: ArrayLike, width: float) -> Samples:
    """Make narrow-band noise whose centre moves.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    centre : array_like of shape (n_samples,)
        Centre frequency in hertz.
    width : float
        Half width of the band in hertz.

    Returns
    -------
    ndarray of shape (n_samples,)
        The noise, float32, of root mean square near 1.
    """
    track = np.asarray(centre, dtype=np.float64)
    angle = (2.0 * np.pi * ((np.cumsum(track) / SAMPLE_RATE) % 1.0)).astype(np.float32)
    base = band(1.0, width, order=2.0)
    real, imaginary = noise(rng, len(track), base), noise(rng, len(track), base)
    return np.asarray(real * np.cos(angle) - imaginary * np.sin(angle), dtype=np.float32)


def soften(samples: Samples, cutoff: float) -> Samples:
    """Muffle a sound by a gentle low-pass filter.

    Parameters
    ----------
    samples : ndarray of shape (n_samples,)
        The sound.
    cutoff : float
        Hertz at which it is 3 dB down; 12 dB an octave from there.

    Returns
    -------
    ndarray of shape (n_samples,)
        The filtered sound, float32.
    """
    b, a = signal.butter(2, cutoff, fs=SAMPLE_RATE)
    return np.asarray(signal.lfilter(b.astype(np.float32), a.astype(np.float32), samples), dtype=np.float32)
