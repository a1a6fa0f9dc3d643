"""How a near-duplicate is made from the clip that it copies, and what becomes of the truth."""

from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
from scipy import signal

from avrec_lib.world.picture import FPS, PictureTruth
from avrec_lib.world.sound import SAMPLE_RATE, SoundTruth
from avrec_lib.world.sound.score import KEY_NAMES

__all__ = ["Rendered", "alter", "shift_pitch"]

_WINDOW, _HOP = 1024, 256

Rendered = tuple[np.ndarray, np.ndarray, PictureTruth, SoundTruth]
"""Frames uint8 (t, h, w, 3), samples float32 (n,), and the truth of both."""


def shift_pitch(samples: np.ndarray, semitones: float) -> np.ndarray:
    """Raise or lower the pitch and keep the length, by a phase vocoder.

    The sound is stretched in time by the ratio of frequencies and then played that
    much faster.

    Parameters
    ----------
    samples : ndarray float32 (n,)
        Sound.
    semitones : float
        Positive is up.

    Returns
    -------
    ndarray float32 (n,)
        The shifted sound, within [-1, 1].

    References
    ----------
    Flanagan and Golden, Phase vocoder, Bell System Technical Journal 45 (1966).
    """
    ratio = Fraction(2.0 ** (semitones / 12.0)).limit_denominator(100)
    # A window of silence at the end keeps the last moments of the stretched sound.
    padded = np.concatenate([samples, np.zeros(_WINDOW, dtype=samples.dtype)])
    _, _, spectrum = signal.stft(padded, nperseg=_WINDOW, noverlap=_WINDOW - _HOP)
    magnitude, phase = np.abs(spectrum), np.angle(spectrum)
    last = spectrum.shape[1] - 1
    times = np.arange(0.0, last, float(1 / ratio))
    times = times[times < last]  # steps that are no binary fractions may reach the end by rounding
    left = times.astype(int)
    weight = times - left
    expected = 2.0 * np.pi * _HOP / _WINDOW * np.arange(spectrum.shape[0])[:, None]
    advance = phase[:, left + 1] - phase[:, left] - expected
    advance = expected + advance - 2.0 * np.pi * np.round(advance / (2.0 * np.pi))
    turned = phase[:, :1] + np.cumsum(advance, axis=1) - advance
    loud = (1.0 - weight) * magnitude[:, left] + weight * magnitude[:, left + 1]
    _, stretched = signal.istft(loud * np.exp(1j * turned), nperseg=_WINDOW, noverlap=_WINDOW - _HOP)
    shifted = signal.resample_poly(stretched, ratio.denominator, ratio.numerator)[: samples.size]
    whole = np.zeros(samples.size, dtype=np.float32)
    whole[: shifted.size] = shifted
    return np.clip(whole, -1.0, 1.0)


def _transpose(key: str | None, semitones: float) -> str | None:
    if key is None:
        return None
    tonic, _, mode = key.partition(" ")
    return f"{KEY_NAMES[(KEY_NAMES.index(tonic) + round(semitones)) % 12]} {mode}"


def _crop(frames: np.ndarray, keep: float) -> np.ndarray:
    """Cut out the middle and blow it up to the old size."""
    height, width = frames.shape[1:3]
    rows, columns = round(height * keep), round(width * keep)
    top, left = (height - rows) // 2, (width - columns) // 2
    cut = frames[:, top : top + rows, left : left + columns]
    return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR) for frame in cut])


def _ramp(n: int, rate: float, seconds: float) -> np.ndarray:
    """Rise from 0 at the start and fall to 0 at the end, float32 (n,)."""
    moment = (np.arange(n) + 0.5) / rate
    gain = np.clip(np.minimum(moment, n / rate - moment) / seconds, 0.0, 1.0)
    return gain.astype(np.float32)


def alter(clip: Rendered, form: str, amount: float) -> Rendered:
    """Turn a clip into a near-duplicate of itself.

    Parameters
    ----------
    clip : Rendered
        The original's frames, samples and truth.
    form : str
        One of :data:`avrec_lib.world.dirt_media.COPY_FORMS`. A re-encoded copy differs only by
        how it is written.
    amount : float
        Share of the width that a crop keeps, semitones of a shift, seconds of a fade.

    Returns
    -------
    Rendered
        The copy and what is true of it: pitch and key move with a shift, speed grows with a crop.

    Raises
    ------
    ValueError
        If the form is unknown.
    """
    frames, samples, picture, sound = clip
    if form == "re-encoded":
        return clip
    if form == "cropped":
        faster = replace(picture, speed_pixels_per_second=picture.speed_pixels_per_second / amount)
        return _crop(frames, amount), samples, faster, sound
    if form == "pitch-shifted":
        f0 = (sound.f0_hz * 2.0 ** (amount / 12.0)).astype(np.float32)
        shifted = replace(sound, f0_hz=f0, key=_transpose(sound.key, amount))
        return frames, shift_pitch(samples, amount), picture, shifted
    if form == "faded":
        light = _ramp(len(frames), FPS, amount)[:, None, None, None]
        darker = np.rint(frames * light).astype(np.uint8)
        return darker, samples * _ramp(samples.size, SAMPLE_RATE, amount), picture, sound
    raise ValueError(f"no copy of the form {form!r}")
