"""From samples to spectra: overlapping frames, the short-time Fourier transform, decibels."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy import fft

__all__ = ["FrameGrid", "decibels", "frame_grid", "frames_of", "istft", "spectra_of", "stft"]

_HOP_SECONDS = 512 / 22_050
_RATES = (8_000, 192_000)


@dataclass(frozen=True)
class FrameGrid:
    """Where the frames of a sound lie: frame i is centred at sample ``i * hop``.

    Attributes
    ----------
    sample_rate : int
        Hz.
    n_fft : int
        Samples a frame.
    hop : int
        Samples from one frame to the next.
    """

    sample_rate: int
    n_fft: int
    hop: int

    def __post_init__(self) -> None:
        low, high = _RATES
        if not low <= self.sample_rate <= high:
            raise ValueError(f"sample_rate must be {low} to {high} Hz, not {self.sample_rate}")
        if self.n_fft < 64 or self.n_fft % 2:
            raise ValueError(f"n_fft must be even and at least 64, not {self.n_fft}")
        if not 1 <= self.hop <= self.n_fft:
            raise ValueError(f"hop must be 1 to n_fft, {self.n_fft}, not {self.hop}")

    @property
    def frames_per_second(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.hop

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """Frequency of each bin of a frame's spectrum, in Hz: (n_fft // 2 + 1,)."""
        return np.asarray(fft.rfftfreq(self.n_fft, 1.0 / self.sample_rate))

    def n_frames(self, n_samples: int) -> int:
        """Return how many frames a sound of ``n_samples`` has."""
        return 1 + n_samples // self.hop


def frame_grid(sample_rate: int, n_fft: int | None = None, hop: int | None = None) -> FrameGrid:
    """Choose frames for a sampling rate: 23 ms from one to the next, and about four times as long.

    Parameters
    ----------
    sample_rate : int
        Hz, 8,000 to 192,000.
    n_fft, hop : int, optional
        Samples a frame and from one to the next, where the choice is not to be made here.

    Returns
    -------
    FrameGrid
        At 22,050 Hz 2,048 and 512 samples, librosa's own choice.

    Raises
    ------
    ValueError
        If a number makes no sense.
    """
    if n_fft is None:
        wanted = max(1, round(_HOP_SECONDS * sample_rate) if hop is None else hop)
        n_fft = 2 * fft.next_fast_len(2 * wanted, real=True)  # even, and quick to transform
        return FrameGrid(int(sample_rate), max(64, n_fft), wanted if hop is None else hop)
    return FrameGrid(int(sample_rate), int(n_fft), int(n_fft // 4 if hop is None else hop))


def frames_of(samples: ArrayLike, size: int, hop: int) -> NDArray[np.float32]:
    """Return overlapping frames, without copying: (1 + (n - size) // hop, size); n must be at least ``size``."""
    return np.lib.stride_tricks.sliding_window_view(np.asarray(samples), size)[::hop]


def stft(samples: ArrayLike, n_fft: int = 2048, hop: int | None = None) -> NDArray[np.complex64]:
    """Return the short-time Fourier transform with a Hann window, equal to ``librosa.stft(...).T``.

    Parameters
    ----------
    samples : ndarray (n,)
        One channel, at least one sample.
    n_fft : int
        Samples a frame; even.
    hop : int, optional
        Samples from one frame to the next; a quarter of a frame when left out.

    Returns
    -------
    ndarray (1 + n // hop, n_fft // 2 + 1) of complex64
        One row a frame; frame i is centred at sample ``i * hop``, with silence before the sound and after it.
        (librosa keeps one column a frame.)

    Raises
    ------
    ValueError
        If a size makes no sense.
    """
    samples = np.asarray(samples, dtype=np.float32)
    hop = n_fft // 4 if hop is None else hop
    if samples.ndim != 1 or not len(samples):
        raise ValueError(f"samples must be one channel of shape (n,), not {samples.shape}")
    if n_fft < 2 or n_fft % 2 or hop < 1:
        raise ValueError(f"n_fft must be even and hop at least 1, not {n_fft} and {hop}")
    frames = frames_of(np.pad(samples, n_fft // 2), n_fft, hop)
    return spectra_of(frames, scipy.signal.get_window("hann", n_fft))


def spectra_of(frames: NDArray[np.float32], window: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Return the spectra of windowed frames: (t, size) to (t, size // 2 + 1).

    In double precision, kept in single: beside a loud tone, rounding would otherwise fill the quiet bins.
    """
    return np.asarray(fft.rfft(frames * window, axis=1), dtype=np.complex64)


def istft(
    spectra: NDArray[np.complexfloating], hop: int | None = None, *, length: int | None = None
) -> NDArray[np.float32]:
    """Return the samples whose :func:`stft` with a Hann window is nearest to ``spectra`` in least squares.

    Parameters
    ----------
    spectra : ndarray (t, n_fft // 2 + 1) of complex
        One row a frame.
    hop : int, optional
        Samples from one frame to the next; a quarter of a frame when left out.
    length : int, optional
        Number of samples wanted; ``(t - 1) * hop`` when left out.

    Returns
    -------
    ndarray (length,) of float32
        One channel.

    References
    ----------
    Griffin and Lim (1984), Signal estimation from modified short-time Fourier transform, equation 6.
    """
    n_fft = 2 * (spectra.shape[1] - 1)
    hop = n_fft // 4 if hop is None else hop
    window = scipy.signal.get_window("hann", n_fft)
    frames = np.asarray(fft.irfft(spectra, n_fft, axis=1)) * window
    total = (len(frames) - 1) * hop + n_fft
    where = (np.arange(len(frames))[:, None] * hop + np.arange(n_fft)).ravel()
    added = np.bincount(where, weights=frames.ravel(), minlength=total)
    weight = np.bincount(where, weights=np.tile(np.square(window), len(frames)), minlength=total)
    samples = (added / np.where(weight > 1e-8, weight, 1.0))[n_fft // 2 :]
    length = (len(frames) - 1) * hop if length is None else length
    return np.pad(samples[:length], (0, max(0, length - len(samples)))).astype(np.float32)


def decibels(power: NDArray[np.floating], loudest: float | None = None) -> NDArray[np.float32]:
    """Return ``10 log10`` of power, at least -100 dB and at most 80 dB below the loudest, as ``librosa.power_to_db``.

    Parameters
    ----------
    power : ndarray
        Any shape.
    loudest : float, optional
        The power below which 80 dB are kept; the largest in ``power`` when left out.

    Returns
    -------
    ndarray of float32
        In the shape of ``power``.
    """
    loudest = float(power.max(initial=0.0)) if loudest is None else loudest
    floor = max(1e-10, loudest * 1e-8)
    return np.asarray(10.0 * np.log10(np.maximum(power, np.float32(floor))), dtype=np.float32)
