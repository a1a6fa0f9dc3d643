"""Describe a sound: all measurements by frame, and a vector of fixed length that sums them up."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avrec_lib.content.audio.harmony import KEYS, key_scores
from avrec_lib.content.audio.loudness import LoudnessMeter, integrated_loudness
from avrec_lib.content.audio.measure import Peaks, finish, joined, loudest, measure
from avrec_lib.content.audio.modulation import modulation_spectrum
from avrec_lib.content.audio.pooling import VECTOR_NAMES, Pool
from avrec_lib.content.audio.spectrum import FrameGrid, frame_grid
from avrec_lib.content.audio.stretches import stretches
from avrec_lib.content.features import NoFeaturesError
from avrec_lib.media import iter_sound

__all__ = ["Features", "describe", "describe_file"]

_SILENCE = 1e-4  # amplitude of -80 dB: below, a sample of 16 bits holds nothing
_POOLED = 8_192  # frames that are summed up at once
_WHOLE_BLOCKS = 6  # of 10 s: sound up to there is held whole
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
    bass_onsets : ndarray (t,)
        The same of the lowest 8 bands, up to about 210 Hz.
    harmonic : ndarray (t,)
        Share of the frame's energy that rings rather than clicks.
    modulation : ndarray (16, 6)
        How strongly groups of bands swell and fade, by rate; see :func:`modulation_spectrum`.
    ripples : ndarray (4, 12, 5)
        How strongly the bands swell and fade together; see :func:`ripples`.
    tempo_bpm, beat_regularity : float
        Beats a minute (0 where there are none), and how regular they are, in [0, 1].
    key : str
        The best-fitting key, such as ``"A minor"``.
    loudness_lufs : float
        By ITU-R BS.1770, at least -70.
    vector : ndarray (len(names),) of float32
        What a classifier reads: statistics over time, of a fixed number whatever the sound's length; see
        :data:`VECTOR_NAMES`. Of what is above, ``mfcc_delta2``, ``modulation`` and ``key`` are not in it, because
        ``mfcc_delta``, ``ripples`` and ``chroma`` say nearly the same. Scale before comparing.
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
    bass_onsets: NDArray[np.float32]
    harmonic: NDArray[np.float32]
    modulation: NDArray[np.float32]
    ripples: NDArray[np.float32]
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
    if not len(samples) or max(float(samples.max()), -float(samples.min())) <= _SILENCE:
        raise NoFeaturesError("the sound is silent" if len(samples) else "the sound has no samples")
    parts = []
    for stretch in stretches([samples], grid):
        raw = measure(stretch.padded, grid, before=stretch.before, after=stretch.after)
        parts.append(stretch.own(raw))
    raw = joined(parts)
    peaks = Peaks()
    peaks.update(raw)
    frames = finish(raw, peaks, grid)
    pool = Pool(grid, peaks)
    for start in range(0, len(raw["rms"]), _POOLED):
        pool.add({name: values[start : start + _POOLED] for name, values in frames.items()})
    bpm, regularity = pool.tempo
    loudness = integrated_loudness(samples, sample_rate)
    return Features(
        grid=grid,
        times=np.arange(len(raw["rms"])) / grid.frames_per_second,
        **frames,
        modulation=modulation_spectrum(frames["log_mel"], grid.frames_per_second),
        ripples=pool.ripples,
        tempo_bpm=bpm,
        beat_regularity=regularity,
        key=KEYS[int(np.argmax(key_scores(frames["chroma"].mean(axis=0))))],
        loudness_lufs=loudness,
        vector=pool.vector(loudness),
    )


def describe_file(path: Path) -> NDArray[np.float32]:
    """Read a file's sound track, as one channel at 22,050 Hz, and sum it up: the vector of :func:`describe`.

    Sound of more than a minute is read twice, for its peaks and for the rest, and never held whole. What grows with
    its length is two numbers a frame and ten a second: 1.6 MB an hour.

    Parameters
    ----------
    path : Path
        A file with sound.

    Returns
    -------
    ndarray (len(VECTOR_NAMES),) of float32
        The vector; the same as that of the whole sound but for rounding.

    Raises
    ------
    MediaError
        If the file has no sound track, cannot be read or holds samples that are no sound.
    NoFeaturesError
        If the sound is silent.
    """
    begin = list(islice(_pieces(path), _WHOLE_BLOCKS + 1))
    if len(begin) <= _WHOLE_BLOCKS:
        return describe(np.concatenate([*begin, np.zeros(0, np.float32)]), FILE_RATE).vector
    del begin
    return _describe_stream(lambda: _pieces(path), FILE_RATE)


def _pieces(path: Path) -> Iterator[NDArray[np.float32]]:
    """Read a file's sound as one channel at 22,050 Hz, 10 s at a time."""
    for block in iter_sound(path, sample_rate=FILE_RATE):
        yield block.samples


def _describe_stream(read: Callable[[], Iterable[NDArray[np.float32]]], sample_rate: int) -> NDArray[np.float32]:
    """Return the vector of a sound that can be read again from its beginning, in pieces."""
    grid = frame_grid(sample_rate)
    peaks, meter = Peaks(), LoudnessMeter(sample_rate)
    highest = 0.0
    for stretch in stretches(read(), grid):
        peaks.update(loudest(stretch.padded, grid))
        highest = max(highest, float(np.abs(stretch.padded).max()))
    if highest <= _SILENCE:
        raise NoFeaturesError("the sound is silent")
    pool = Pool(grid, peaks)

    def measured() -> Iterator[NDArray[np.float32]]:
        for piece in read():
            meter.add(piece)
            yield piece

    for stretch in stretches(measured(), grid):
        raw = measure(stretch.padded, grid, before=stretch.before, after=stretch.after)
        pool.add(stretch.own(finish(raw, peaks, grid)))
    return pool.vector(meter.integrated())
