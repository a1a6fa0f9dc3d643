"""What the sound of a clip tells, in a few numbers."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from avrec_lib.content.audio.spectrum import frames_of
from avrec_lib.content.features import NoFeaturesError
from avrec_lib.media import iter_sound

__all__ = ["SOUND_FEATURES", "describe_sound", "describe_sound_file"]

_BANDS = 32
_LOWEST, _HIGHEST = 50.0, 8000.0  # Hz: the range that every recording of 16 kHz and more can hold
_FRAME_SECONDS = 0.046  # long enough to part two notes a tone apart at 250 Hz
_FLOOR = 1e-8  # power of -80 dB: below, a sample of 16 bits holds nothing
_RANGE = 1e-6  # 60 dB below the loudest frame
_RATE = 22_050
_AT_ONCE = 128  # frames: few enough for a processor's cache
_WHOLE_BLOCKS = 6  # of 10 s: sound up to there is held whole
Rows = NDArray[np.floating]

SOUND_FEATURES: tuple[str, ...] = (
    *(f"band-{i:02d}-mean" for i in range(_BANDS)),
    *(f"band-{i:02d}-spread" for i in range(_BANDS)),
    *(f"pitch-class-{i:02d}" for i in range(12)),
    "loudness-mean",
    "loudness-spread",
    "centroid-mean",
    "centroid-spread",
    "flatness-mean",
    "onset-rate",
    "onset-strength",
)
"""Names of the entries of :func:`describe_sound`, in order."""


def describe_sound(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    r"""Describe a sound by its mean spectrum, how that spectrum varies, its brightness, loudness and rhythm.

    The spectrum is taken in bands of equal width on the mel scale, :math:`m = 2595 \log_{10}(1 + f/700)`, as
    logarithms of power, relative to the whole sound's mean level: the same music played softer has the same spectrum,
    and its level is a feature of its own. Pitch classes count from A and fold all octaves into one. An onset is a
    local peak of the rise in the bands, summed, that stands out from its surroundings.

    Parameters
    ----------
    samples : ndarray (n,)
        One channel, in [-1, 1]; any length.
    sample_rate : int
        Hz, at least 16,000.

    Returns
    -------
    ndarray (len(SOUND_FEATURES),) of float32
        Decibels, octaves, events a second: see :data:`SOUND_FEATURES`. Scale before comparing.

    Raises
    ------
    NoFeaturesError
        If there are no samples or all are silent (below -80 dB).
    ValueError
        If the shape or the rate is wrong, or a sample is not finite.
    """
    samples = np.asarray(samples, dtype=np.float32)
    if samples.ndim != 1:
        raise ValueError(f"samples must be one channel of shape (n,), not {samples.shape}")
    if sample_rate < 2 * _HIGHEST:
        raise ValueError(f"sample_rate must be at least {2 * _HIGHEST:.0f} Hz, not {sample_rate}; resample first")
    if not np.isfinite(samples).all():
        raise ValueError(f"{(~np.isfinite(samples)).sum()} samples are not finite")
    if not len(samples):
        raise NoFeaturesError("the sound has no samples")
    return _describe(lambda: [samples], sample_rate)


def describe_sound_file(path: Path) -> np.ndarray:
    """Read a file's sound track, as one channel at 22,050 Hz, and describe it by :func:`describe_sound`.

    Sound of more than a minute is read twice, for its loudest frame and for the rest, and never held whole. What grows
    with its length is 36 numbers a frame: 22 MB an hour.

    Parameters
    ----------
    path : Path
        A file with sound.

    Returns
    -------
    ndarray (len(SOUND_FEATURES),) of float32
        The description.

    Raises
    ------
    MediaError
        If the file has no sound track or cannot be read.
    NoFeaturesError
        If the sound is silent.
    """
    begin = list(islice(_pieces(path), _WHOLE_BLOCKS + 1))
    if len(begin) <= _WHOLE_BLOCKS:
        return describe_sound(np.concatenate([*begin, np.zeros(0, np.float32)]), _RATE)
    del begin
    return _describe(lambda: _pieces(path), _RATE)


def _pieces(path: Path) -> Iterator[Rows]:
    """Read a file's sound as one channel at 22,050 Hz, 10 s at a time."""
    for block in iter_sound(path, sample_rate=_RATE):
        yield block.samples


def _describe(read: Callable[[], Iterable[Rows]], sample_rate: int) -> Rows:
    """Describe a sound that can be read again from its beginning, in pieces."""
    if not any(np.any(np.square(piece) > _FLOOR) for piece in read()):
        raise NoFeaturesError("the sound is silent")
    size = 2 ** int(np.ceil(np.log2(_FRAME_SECONDS * sample_rate)))
    hop = size // 2
    total = np.concatenate([power.sum(axis=1) for power in _power_spectra(read(), size, hop)])
    # The floor follows the sound, so that a softer copy keeps its spectrum; the codec's noise stays below it.
    floor = np.float32(_RANGE * total.max())
    frequencies = fft.rfftfreq(size, 1.0 / sample_rate)
    filters = _mel_filters(frequencies)
    heard = (frequencies >= _LOWEST) & (frequencies <= _HIGHEST)
    octaves = np.log2(frequencies[heard] / _LOWEST)
    parts = []
    for power in _power_spectra(read(), size, hop):
        spectrum = power[:, heard] + floor / heard.sum()
        centroid = spectrum / spectrum.sum(axis=1, keepdims=True) @ octaves
        flatness = 10.0 * (np.log10(spectrum).mean(axis=1) - np.log10(spectrum.mean(axis=1)))
        parts.append((10.0 * np.log10(power @ filters + floor), centroid, flatness))
    bands, centroid, flatness = (np.concatenate(part) for part in zip(*parts, strict=True))

    level = 10.0 * np.log10(total + _FLOOR)
    # A frame counts by its level, so that the pause between two notes does not hide them.
    loud = np.clip(level - level.max() + 40.0, 0.0, None)
    loud = loud / loud.sum()
    strength, rate = _onsets(bands, sample_rate / hop)
    mean = bands.mean(axis=0)
    vector = np.concatenate(
        [
            mean - mean.mean(),
            bands.std(axis=0),
            _pitch_classes(read(), sample_rate, 8 * size),
            [level.mean(), level.std()],
            [loud @ centroid, np.sqrt(loud @ np.square(centroid - loud @ centroid))],
            [loud @ flatness, rate, strength],
        ]
    )
    return vector.astype(np.float32)


def _power_spectra(pieces: Iterable[Rows], size: int, hop: int) -> Iterator[Rows]:
    """Yield power spectra of overlapping frames, (t, size // 2 + 1); a full-scale sine sums to about 1/2."""
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    scale = np.float32(2.0 / (size * np.square(window).sum()))
    for frames in _frames(pieces, size, hop):
        yield np.square(np.abs(fft.rfft(frames * window, axis=1))) * scale


def _frames(pieces: Iterable[Rows], size: int, hop: int) -> Iterator[Rows]:
    """Yield overlapping frames of a sound that comes in pieces, at most 128 at once: (t, size)."""
    # Half a frame of silence on both sides: the window is zero at a frame's ends, and the first sound must count.
    held, taken = np.zeros(size // 2, np.float32), 0
    for piece in chain(pieces, [None]):
        if piece is None:
            piece = np.zeros(size // 2 + -taken % hop, np.float32)
        taken += len(piece)
        held = np.concatenate([held, piece])
        count = (len(held) - size) // hop + 1 if len(held) >= size else 0
        for first in range(0, count, _AT_ONCE):
            yield frames_of(held[first * hop :], size, hop)[: min(_AT_ONCE, count - first)]
        held = held[count * hop :]


def _mel_filters(frequencies: np.ndarray) -> np.ndarray:
    """Return triangles that overlap by half, evenly spaced in mel: (n_frequencies, _BANDS)."""
    low, high = 2595.0 * np.log10(1.0 + np.array([_LOWEST, _HIGHEST]) / 700.0)
    corners = 700.0 * (10.0 ** (np.linspace(low, high, _BANDS + 2) / 2595.0) - 1.0)
    rise = (frequencies[:, None] - corners[:-2]) / (corners[1:-1] - corners[:-2])
    fall = (corners[2:] - frequencies[:, None]) / (corners[2:] - corners[1:-1])
    return np.clip(np.minimum(rise, fall), 0.0, None).astype(np.float32)


def _pitch_classes(pieces: Iterable[Rows], sample_rate: int, size: int) -> Rows:
    """Return the share of each of the twelve pitch classes (12,), from A, between 110 and 2000 Hz.

    The frames are long, because at 110 Hz two neighbouring notes are 6 Hz apart.
    """
    frequencies = fft.rfftfreq(size, 1.0 / sample_rate)
    inside = (frequencies >= 110.0) & (frequencies <= 2000.0)
    classes = np.round(12.0 * np.log2(frequencies[inside] / 440.0)).astype(int) % 12
    magnitude = np.sqrt(sum(power[:, inside].sum(axis=0) for power in _power_spectra(pieces, size, size // 2)))
    count = np.bincount(classes, minlength=12)
    share = np.bincount(classes, weights=magnitude, minlength=12) / np.maximum(count, 1)
    return np.asarray(share / max(share.sum(), 1e-12))


def _onsets(bands: np.ndarray, frames_per_second: float) -> tuple[float, float]:
    """Return the mean rise of the bands in decibels a frame, and the number of onsets a second."""
    if len(bands) < 3:
        return 0.0, 0.0
    rise = np.clip(np.diff(np.maximum(bands, bands.max() - 60.0), axis=0), 0.0, None).mean(axis=1)
    surround = max(3, round(0.25 * frames_per_second)) | 1
    around = np.convolve(np.pad(rise, surround // 2, mode="edge"), np.full(surround, 1.0 / surround), mode="valid")
    peak = (rise[1:-1] > rise[:-2]) & (rise[1:-1] >= rise[2:]) & (rise[1:-1] > 1.5 * around[1:-1] + 0.5)
    return float(rise.mean()), float(peak.sum() * frames_per_second / len(bands))
