"""Describe a sound: all measurements by frame, and a vector of fixed length that sums them up."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avrec_lib.content.audio.harmony import KEYS, key_scores
from avrec_lib.content.audio.loudness import integrated_loudness
from avrec_lib.content.audio.measure import Frames, Peaks, finish, joined, measure
from avrec_lib.content.audio.modulation import modulation_spectrum
from avrec_lib.content.audio.pooling import VECTOR_NAMES, pool
from avrec_lib.content.audio.rhythm import tempo
from avrec_lib.content.audio.separation import CONTEXT
from avrec_lib.content.audio.spectrum import FrameGrid, frame_grid
from avrec_lib.content.features import NoFeaturesError
from avrec_lib.media import read_sound

__all__ = ["Features", "describe", "describe_file"]

_SILENCE = 1e-4  # amplitude of -80 dB: below, a sample of 16 bits holds nothing
_BLOCK = 1024  # frames that are measured at once
FILE_RATE = 22_050
"""Hz: the sampling rate at which files are described."""


@dataclass(frozen=True, eq=False)
class Features:
    """What was measured in a sound. t is the number of frames; frame i is centred at ``times[i]``.

    Attributes
    ----------
    grid : FrameGrid
        Sampling rate, length of a frame and hop.
    times : ndarray (t,)
        Seconds.
    log_mel : ndarray (t, 128)
        Decibels in mel bands up to 11,025 Hz, at most 80 dB below the sound's loudest.
    mfcc, mfcc_delta, mfcc_delta2 : ndarray (t, 20)
        Cepstral coefficients, their slope and their curvature.
    chroma : ndarray (t, 12)
        Energy by pitch class from C, the largest of a frame 1.
    f0, aperiodicity : ndarray (t,)
        Fundamental frequency in Hz by YIN, and how far from periodic the frame is: 0 for a tone, about 1 for noise.
    rms : ndarray (t,)
        Root mean square of the frame's samples.
    centroid, bandwidth, rolloff : ndarray (t,)
        Hz.
    flatness : ndarray (t,)
        1 for white noise, near 0 for a tone.
    contrast : ndarray (t, 7)
        Decibels between the strong and the weak bins of octave bands.
    zero_crossings : ndarray (t,)
        Share of samples at which the sign changes.
    onset_strength : ndarray (t,)
        Mean rise of the mel bands in decibels.
    harmonic : ndarray (t,)
        Share of the frame's energy that rings rather than clicks.
    modulation : ndarray (16, 6)
        How strongly groups of bands swell and fade, by rate.
    tempo_bpm, beat_regularity : float
        Beats a minute (0 where there are none), and how regular they are, in [0, 1].
    key : str
        The best-fitting key, such as ``"A minor"``.
    loudness_lufs : float
        By ITU-R BS.1770, at least -70.
    vector : ndarray (len(names),) of float32
        All that in numbers of a fixed count: what a classifier reads. Scale before comparing.
    """

    grid: FrameGrid
    times: NDArray[np.float64]
    log_mel: NDArray[np.float32]
    mfcc: NDArray[np.float32]
    mfcc_delta: NDArray[np.float32]
    mfcc_delta2: NDArray[np.float32]
    chroma: NDArray[np.float32]
    f0: NDArray[np.float32]
    aperiodicity: NDArray[np.float32]
    rms: NDArray[np.float32]
    centroid: NDArray[np.float32]
    bandwidth: NDArray[np.float32]
    rolloff: NDArray[np.float32]
    flatness: NDArray[np.float32]
    contrast: NDArray[np.float32]
    zero_crossings: NDArray[np.float32]
    onset_strength: NDArray[np.float32]
    harmonic: NDArray[np.float32]
    modulation: NDArray[np.float32]
    tempo_bpm: float
    beat_regularity: float
    key: str
    loudness_lufs: float
    vector: NDArray[np.float32]

    @property
    def names(self) -> tuple[str, ...]:
        """What each entry of ``vector`` is."""
        return VECTOR_NAMES


def describe(waveform: ArrayLike, sample_rate: int, *, n_fft: int | None = None, hop: int | None = None) -> Features:
    """Measure a sound: one short-time Fourier transform, and everything from it.

    Parameters
    ----------
    waveform : ndarray (n,)
        One channel, in [-1, 1]; any length from one sample on.
    sample_rate : int
        Hz, 8,000 to 192,000. Bands above half of it are empty.
    n_fft, hop : int, optional
        Samples a frame and from one to the next; see :func:`frame_grid` for the choice without them.

    Returns
    -------
    Features
        By frame, and in a vector whose length does not depend on the sound's.

    Raises
    ------
    NoFeaturesError
        If there are no samples or all are silent (below -80 dB).
    ValueError
        If the shape or the rate is wrong, or a sample is not finite.
    """
    samples = np.asarray(waveform, dtype=np.float32)
    if samples.ndim != 1:
        raise ValueError(f"waveform must be one channel of shape (n,), not {samples.shape}")
    grid = frame_grid(sample_rate, n_fft, hop)
    if not np.isfinite(samples).all():
        raise ValueError(f"{(~np.isfinite(samples)).sum()} samples are not finite")
    if not len(samples) or float(np.abs(samples).max()) <= _SILENCE:
        raise NoFeaturesError("the sound is silent" if len(samples) else "the sound has no samples")
    raw = joined(_blocks(samples, grid))
    peaks = Peaks()
    peaks.update(raw)
    frames = finish(raw, peaks, grid)
    bpm, regularity = tempo(frames["onset_strength"], grid.frames_per_second)
    modulation = modulation_spectrum(frames["log_mel"], grid.frames_per_second)
    loudness = integrated_loudness(samples, sample_rate)
    key = KEYS[int(np.argmax(key_scores(frames["chroma"].mean(axis=0))))]
    return Features(
        grid=grid,
        times=np.arange(len(raw["rms"])) / grid.frames_per_second,
        **frames,
        modulation=modulation,
        tempo_bpm=bpm,
        beat_regularity=regularity,
        key=key,
        loudness_lufs=loudness,
        vector=pool(frames, modulation, (bpm, regularity, loudness)),
    )


def describe_file(path: Path) -> NDArray[np.float32]:
    """Read a file's sound track, as one channel at 22,050 Hz, and sum it up: the vector of :func:`describe`.

    Parameters
    ----------
    path : Path
        A file with sound.

    Returns
    -------
    ndarray (len(VECTOR_NAMES),) of float32
        The vector.

    Raises
    ------
    MediaError
        If the file has no sound track or cannot be read.
    NoFeaturesError
        If the sound is silent.
    """
    sound = read_sound(path, sample_rate=FILE_RATE)
    return describe(sound.samples, sound.sample_rate).vector


def _blocks(samples: NDArray[np.float32], grid: FrameGrid) -> Iterator[Frames]:
    """Measure a sound in stretches, so that memory does not grow with what is thrown away."""
    half, total = grid.n_fft // 2, grid.n_frames(len(samples))
    for first in range(0, total, _BLOCK):
        last = min(first + _BLOCK, total)
        # Frames on either side, which decide the masks of those within.
        begin, end = max(0, first - CONTEXT), min(total, last + CONTEXT)
        start, stop = begin * grid.hop - half, (end - 1) * grid.hop + half
        before, after = max(0, -start), max(0, stop - len(samples))
        piece = np.pad(samples[max(0, start) : stop], (before, after))
        raw = measure(piece, grid, before=before, after=after)
        yield {name: values[first - begin : last - begin] for name, values in raw.items()}
