"""Pitched building blocks: decaying partials, periodic wave tables, glides and envelopes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "NYQUIST_GUARD",
    "SAMPLE_RATE",
    "Samples",
    "breakpoints",
    "damped",
    "glide",
    "hertz",
    "loop",
    "place",
    "read_tables",
    "swell",
    "wave_tables",
]

SAMPLE_RATE = 22_050
"""Samples a second of every clip's sound."""

NYQUIST_GUARD = 9_800.0
"""Highest partial in hertz: nothing above it is synthesised, so nothing folds back."""

Samples = NDArray[np.float32]

_TABLE_SIZE = 2_048


def hertz(midi: ArrayLike) -> NDArray[np.float64]:
    """Turn MIDI note numbers into frequencies.

    Parameters
    ----------
    midi : array_like
        Note numbers; 69 is the A of 440 Hz; fractions are allowed.

    Returns
    -------
    ndarray
        Frequencies in hertz, of the same shape, equal temperament.

    Examples
    --------
    >>> hertz([57, 69]).tolist()
    [220.0, 440.0]
    """
    return np.asarray(440.0 * 2.0 ** ((np.asarray(midi, dtype=np.float64) - 69.0) / 12.0), dtype=np.float64)


def damped(
    frequencies: ArrayLike,
    amplitudes: ArrayLike,
    decays: ArrayLike,
    n_samples: int,
    *,
    phases: ArrayLike = 0.0,
    attack: float = 0.002,
) -> Samples:
    """Sum exponentially decaying sines, the modes of a struck or plucked body.

    A decaying sine is a power of one complex number, and a power splits into a
    coarse and a fine part, so the sum over modes is one small matrix product
    instead of a sine and an exponential for every mode and sample.

    Parameters
    ----------
    frequencies, amplitudes, decays : array_like of shape (n_modes,)
        Hertz; linear; seconds until a mode has fallen to 1/e. Modes above
        :data:`NYQUIST_GUARD` are left out.
    n_samples : int
        Length of the result.
    phases : array_like
        Start phases in radians.
    attack : float
        Seconds of the linear rise that keeps the start free of a click.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sound, float32.
    """
    frequency, amplitude, decay, phase = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(a, dtype=np.float64)) for a in (frequencies, amplitudes, decays, phases))
    )
    keep = (frequency < NYQUIST_GUARD) & (amplitude != 0.0)
    rate = (2j * np.pi * frequency[keep] - 1.0 / decay[keep]) / SAMPLE_RATE
    block = 256
    n_blocks = -(-n_samples // block)
    coarse = amplitude[keep] * np.exp(1j * phase[keep] + rate * (block * np.arange(n_blocks))[:, None])
    fine = np.exp(rate[:, None] * np.arange(block))
    left = np.hstack([coarse.imag, coarse.real]).astype(np.float32)
    right = np.vstack([fine.real, fine.imag]).astype(np.float32)
    # einsum, not BLAS: its order of summation does not depend on the number of threads
    sound = np.einsum("bm,mf->bf", left, right).reshape(-1)[:n_samples]
    rise = min(n_samples, int(attack * SAMPLE_RATE))
    sound[:rise] *= np.linspace(0.0, 1.0, rise, endpoint=False, dtype=np.float32)
    return sound


def wave_tables(amplitudes: ArrayLike) -> Samples:
    """Build one period of each of several periodic waves from the amplitudes of their harmonics.

    Parameters
    ----------
    amplitudes : array_like of shape (..., n_harmonics)
        Amplitude of harmonic 1, 2, ...; at most 1023 of them.

    Returns
    -------
    ndarray of shape (n_waves, 2049)
        The tables, the leading axes flattened; the last column repeats the
        first, for interpolation.
    """
    harmonics = np.asarray(amplitudes, dtype=np.float64)
    harmonics = harmonics.reshape(-1, harmonics.shape[-1])
    spectrum = np.zeros((len(harmonics), _TABLE_SIZE // 2 + 1), dtype=np.complex128)
    # alternate quadrants keep the crest of bright waves low: a sum of pure sines is a spike
    turn = np.exp(1j * np.pi * np.arange(harmonics.shape[1]) ** 2 / max(harmonics.shape[1], 1))
    spectrum[:, 1 : harmonics.shape[1] + 1] = -0.5j * _TABLE_SIZE * harmonics * turn
    waves = np.fft.irfft(spectrum, _TABLE_SIZE)
    return np.hstack([waves, waves[:, :1]]).astype(np.float32)


def read_tables(tables: Samples, cycles: NDArray[np.float64], row: NDArray[np.intp] | int = 0) -> Samples:
    """Read wave tables along a running phase, with linear interpolation.

    Parameters
    ----------
    tables : ndarray of shape (n_waves, size + 1)
        As :func:`wave_tables` returns them.
    cycles : ndarray of shape (n_samples,)
        Phase in cycles, not negative.
    row : int or ndarray of shape (n_samples,)
        Which table to read at each sample.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sound, float32.
    """
    width = tables.shape[1]
    position = ((cycles - np.floor(cycles)) * (width - 1)).astype(np.float32)
    whole = np.minimum(position.astype(np.int32), width - 2)
    part = position - whole
    flat = tables.reshape(-1)
    index = whole + np.asarray(row, dtype=np.int32) * np.int32(width)
    low = flat[index]
    return np.asarray(low + part * (flat[index + 1] - low), dtype=np.float32)


def loop(frequency: ArrayLike, n_samples: int) -> NDArray[np.float64]:
    """Integrate a frequency into a running phase.

    Parameters
    ----------
    frequency : float or array_like of shape (n_samples,)
        Hertz.
    n_samples : int
        Length.

    Returns
    -------
    ndarray of shape (n_samples,)
        Phase in cycles, 0 at the first sample.
    """
    track = np.asarray(frequency, dtype=np.float64)
    if track.ndim == 0:
        return np.asarray(np.arange(n_samples) * (float(track) / SAMPLE_RATE), dtype=np.float64)
    return np.asarray((np.cumsum(track) - track[0]) / SAMPLE_RATE, dtype=np.float64)


def glide(frequency: ArrayLike, n_samples: int, *, harmonics: Sequence[float] = (1.0,)) -> Samples:
    """Play a few harmonics of a moving frequency.

    Parameters
    ----------
    frequency : float or array_like of shape (n_samples,)
        Hertz; the caller keeps the highest harmonic below the Nyquist frequency.
    n_samples : int
        Length.
    harmonics : sequence of float
        Amplitudes of harmonic 1, 2, ...

    Returns
    -------
    ndarray of shape (n_samples,)
        The sound, float32.
    """
    phase = loop(frequency, n_samples)
    angle = (2.0 * np.pi * (phase - np.floor(phase))).astype(np.float32)
    sound = np.zeros(n_samples, dtype=np.float32)
    for number, amplitude in enumerate(harmonics, start=1):
        sound += np.float32(amplitude) * np.sin(np.float32(number) * angle)
    return sound


def breakpoints(times: ArrayLike, levels: ArrayLike, n_samples: int) -> Samples:
    """Draw a curve through points by straight lines.

    Parameters
    ----------
    times, levels : array_like of shape (n_points,)
        Seconds, increasing; levels.
    n_samples : int
        Length.

    Returns
    -------
    ndarray of shape (n_samples,)
        The curve, float32; constant before the first and after the last point.
    """
    return np.interp(
        np.arange(n_samples) / SAMPLE_RATE, np.asarray(times, np.float64), np.asarray(levels, np.float64)
    ).astype(np.float32)


def swell(n_samples: int, attack: float, release: float) -> Samples:
    """Draw an envelope that rises and falls along half cosines and stays at 1 between.

    Parameters
    ----------
    n_samples : int
        Length.
    attack, release : float
        Seconds; shortened in proportion where the length has no room for both.

    Returns
    -------
    ndarray of shape (n_samples,)
        The envelope in [0, 1], float32, 0 at both ends.
    """
    shrink = min(1.0, n_samples / max(1.0, (attack + release) * SAMPLE_RATE))
    rise, fall = max(1, int(attack * shrink * SAMPLE_RATE)), max(1, int(release * shrink * SAMPLE_RATE))
    envelope = np.ones(n_samples, dtype=np.float32)
    envelope[:rise] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)).astype(np.float32)[:n_samples]
    envelope[max(0, n_samples - fall) :] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(fall) / fall)).astype(np.float32)[
        ::-1
    ][-n_samples:]
    return envelope


def place(track: Samples, piece: Samples, seconds: float, gain: float = 1.0) -> None:
    """Add a piece to a track in place; what does not fit is cut off.

    Parameters
    ----------
    track : ndarray of shape (n_samples,)
        Changed in place.
    piece : ndarray of shape (any,)
        The sound to add.
    seconds : float
        When it starts, not negative.
    gain : float
        Linear.
    """
    start = round(seconds * SAMPLE_RATE)
    length = min(len(piece), len(track) - start)
    if length > 0:
        track[start : start + length] += np.float32(gain) * piece[:length]
