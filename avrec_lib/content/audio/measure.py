"""All measurements of a stretch of sound, frame by frame, from one short-time Fourier transform."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from avrec_lib.content.audio.harmony import chroma_filters, normalised
from avrec_lib.content.audio.mel import delta, mel_filters, mfcc
from avrec_lib.content.audio.pitch import HIGHEST_F0, LOWEST_F0, yin
from avrec_lib.content.audio.rhythm import BASS_BANDS, onset_strength
from avrec_lib.content.audio.separation import harmonic_percussive
from avrec_lib.content.audio.shape import contrast_extremes, spectral_shape, zero_crossing_rate
from avrec_lib.content.audio.spectrum import FrameGrid, decibels, frames_of, spectra_of

__all__ = ["Frames", "Peaks", "finish", "joined", "loudest", "measure"]

Frames = dict[str, NDArray[np.float32]]
"""Arrays by name, one row a frame."""


@dataclass
class Peaks:
    """The largest values of a whole sound: 80 dB below them measurements end.

    Attributes
    ----------
    mel, peak, valley, rms : float
        Of the mel spectrum's power, of the octave bands' strongest and weakest bins, of the frames' level.
    """

    mel: float = 0.0
    peak: float = 0.0
    valley: float = 0.0
    rms: float = 0.0

    def update(self, raw: Frames) -> None:
        """Take note of a stretch of :func:`measure`."""
        for name in ("mel", "peak", "valley", "rms"):
            setattr(self, name, max(getattr(self, name), float(raw[name].max(initial=0.0))))


def measure(padded: NDArray[np.float32], grid: FrameGrid, *, before: int, after: int) -> Frames:
    """Measure the frames of a stretch of sound.

    Parameters
    ----------
    padded : ndarray (n,)
        Samples; the first frame begins at the first of them.
    grid : FrameGrid
        Size of the frames.
    before, after : int
        How many samples at either end are padding.

    Returns
    -------
    dict of str to ndarray (t, ...)
        What needs no more than the frame itself, or its 15 neighbours on each side: see the code for the names.
    """
    frames = frames_of(padded, grid.n_fft, grid.hop)
    spectra = spectra_of(frames, scipy.signal.get_window("hann", grid.n_fft))
    power = np.square(spectra.real) + np.square(spectra.imag)
    magnitude = np.sqrt(power)
    frequencies = grid.frequencies
    raw = spectral_shape(magnitude, frequencies, power)
    raw["mel"] = power @ mel_filters(grid.sample_rate, grid.n_fft)
    raw["chroma"] = normalised(power @ chroma_filters(grid.sample_rate, grid.n_fft))
    raw["peak"], raw["valley"] = contrast_extremes(magnitude, frequencies)
    raw["zero_crossings"] = zero_crossing_rate(padded, grid.n_fft, grid.hop, before=before, after=after)
    raw["rms"] = np.sqrt(np.einsum("tn,tn->t", frames, frames) / np.float32(grid.n_fft))
    raw["f0"], raw["aperiodicity"] = yin(frames, grid.sample_rate, low=LOWEST_F0, high=HIGHEST_F0)
    harmonic, _ = harmonic_percussive(magnitude)
    total = power.sum(axis=1)
    ringing = np.einsum("tf,tf,tf->t", harmonic, harmonic, power)
    raw["harmonic"] = ringing / np.where(total > 0.0, total, np.float32(1.0))
    return raw


def loudest(padded: NDArray[np.float32], grid: FrameGrid) -> Frames:
    """Measure only what :class:`Peaks` needs, in the same way as :func:`measure`."""
    frames = frames_of(padded, grid.n_fft, grid.hop)
    spectra = spectra_of(frames, scipy.signal.get_window("hann", grid.n_fft))
    power = np.square(spectra.real) + np.square(spectra.imag)
    peak, valley = contrast_extremes(np.sqrt(power), grid.frequencies)
    return {
        "mel": power @ mel_filters(grid.sample_rate, grid.n_fft),
        "peak": peak,
        "valley": valley,
        "rms": np.sqrt(np.einsum("tn,tn->t", frames, frames) / np.float32(grid.n_fft)),
    }


def finish(raw: Frames, peaks: Peaks, grid: FrameGrid) -> Frames:
    """Turn measurements of consecutive frames into what :class:`Features` holds.

    Parameters
    ----------
    raw : dict of str to ndarray (t, ...)
        From :func:`measure`.
    peaks : Peaks
        Of the whole sound.
    grid : FrameGrid
        Size of the frames.

    Returns
    -------
    dict of str to ndarray (t, ...)
        See :class:`Features`. A frame depends on 4 frames before and after it.
    """
    log_mel = decibels(raw["mel"], peaks.mel)
    cepstrum = mfcc(log_mel)
    contrast = decibels(raw["peak"], peaks.peak) - decibels(raw["valley"], peaks.valley)
    delay = grid.n_fft // (2 * grid.hop)
    kept = ("chroma", "f0", "aperiodicity", "rms", "centroid", "bandwidth", "rolloff", "flatness")
    return {
        "log_mel": log_mel,
        "mfcc": cepstrum,
        "mfcc_delta": delta(cepstrum, 1),
        "mfcc_delta2": delta(cepstrum, 2),
        **{name: raw[name] for name in kept},
        "contrast": contrast,
        "zero_crossings": raw["zero_crossings"],
        "onset_strength": onset_strength(log_mel, delay),
        "bass_onsets": onset_strength(log_mel[:, :BASS_BANDS], delay),
        "harmonic": raw["harmonic"],
    }


def joined(parts: Iterable[Frames]) -> Frames:
    """Put stretches one after the other."""
    parts = list(parts)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
