"""Fingerprints: what a clip looks and sounds like, in words of bits that survive a new encoding.

Two files with the same film differ in every byte. A fingerprint keeps only comparisons (*is this part of the
spectrum above that one?*), which compression seldom turns round, so that copies differ in few bits and
strangers in half of them. A *track* is a row of such words at a steady rate: 64 bits twice a second for the
picture, 32 bits 86 times a second for the sound.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, signal

from avrec_lib.media import Sound

__all__ = [
    "PICTURE_FPS",
    "SOUND_WORDS_PER_SECOND",
    "Fingerprint",
    "Fingerprints",
    "Track",
    "Tracks",
    "picture_hash",
    "picture_track",
    "sound_fingerprint",
]

PICTURE_FPS = 2.0
"""Pictures a second that are hashed."""

_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
_SIDE, _KEPT = 32, 8
_FLAT = 4.0  # grey levels: a picture of less contrast (black, a fade) has a hash of noise

_RATE = Fraction(11_025, 2)  # samples a second
_WINDOW, _HOP = 2048, 64  # 0.37 s and 11.6 ms, as in the paper
_BANDS, _LOWEST, _HIGHEST = 33, 300.0, 2000.0  # Hz
_QUIET = 1e-3  # root mean square, full scale at 1: below it a codec's noise decides the bits
_AT_ONCE = 2048  # windows, so that memory does not grow with the length of a clip

SOUND_WORDS_PER_SECOND = float(_RATE) / _HOP
"""Words of sound a second."""


@dataclass(frozen=True)
class Track:
    """Words of bits at a steady rate.

    Attributes
    ----------
    words : ndarray of uint32 or uint64, shape (n,)
        The bits.
    valid : ndarray of bool, shape (n,)
        Which words say anything: not those of a black picture or of silence.
    """

    words: NDArray[np.unsignedinteger]
    valid: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.words.shape != self.valid.shape or self.words.ndim != 1 or self.valid.dtype != np.bool_:
            raise ValueError(f"words and valid (bool) are (n,) both, not {self.words.shape} and {self.valid.shape}")

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class Fingerprint:
    """A clip's two tracks; one without valid words is absent.

    Attributes
    ----------
    picture : Track
        uint64, `PICTURE_FPS` words a second.
    sound : Track
        uint32, `SOUND_WORDS_PER_SECOND` words a second.
    """

    picture: Track
    sound: Track


@dataclass(frozen=True)
class Tracks:
    """One track a clip, behind each other.

    Attributes
    ----------
    words, valid : ndarray (sum of lengths,)
        As in :class:`Track`.
    offsets : ndarray of int64, shape (n + 1,)
        Clip i has the words from ``offsets[i]`` up to ``offsets[i + 1]``.
    """

    words: NDArray[np.unsignedinteger]
    valid: NDArray[np.bool_]
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        ends = (int(self.offsets[0]), int(self.offsets[-1])) if len(self.offsets) else (-1, -1)
        if ends != (0, len(self.words)) or (np.diff(self.offsets) < 0).any() or len(self.valid) != len(self.words):
            raise ValueError(f"offsets rise from 0 to the number of words, {len(self.words)}, and valid is as long")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of(cls, tracks: Sequence[Track], dtype: type[np.unsignedinteger]) -> Self:
        """Put tracks behind each other.

        Parameters
        ----------
        tracks : sequence of Track
            One a clip.
        dtype : type
            ``np.uint32`` or ``np.uint64``.

        Returns
        -------
        Tracks
            All of them.
        """
        empty = Track(np.empty(0, dtype), np.empty(0, np.bool_))
        words = np.concatenate([track.words for track in [*tracks, empty]]).astype(dtype)
        valid = np.concatenate([track.valid for track in [*tracks, empty]])
        return cls(words, valid, np.cumsum([0, *map(len, tracks)], dtype=np.int64))


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints of many clips, as arrays.

    Attributes
    ----------
    ids : ndarray of str (n,)
        Clips.
    picture, sound : Tracks
        n tracks each.
    """

    ids: NDArray[np.str_]
    picture: Tracks
    sound: Tracks

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.picture) == len(self.sound):
            raise ValueError(f"{len(self.ids)} clips, {len(self.picture)} picture and {len(self.sound)} sound tracks")
        if len(np.unique(self.ids)) < len(self.ids):
            raise ValueError("an identifier occurs twice")

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, ids: Sequence[str], fingerprints: Sequence[Fingerprint]) -> Self:
        """Gather single fingerprints.

        Parameters
        ----------
        ids : sequence of str
            Clips.
        fingerprints : sequence of Fingerprint
            In the same order.

        Returns
        -------
        Fingerprints
            All of them.
        """
        return cls(
            np.array(ids, dtype=np.str_),
            Tracks.of([one.picture for one in fingerprints], np.uint64),
            Tracks.of([one.sound for one in fingerprints], np.uint32),
        )

    def save(self, path: str | Path) -> None:
        """Write to one ``.npz`` file.

        Parameters
        ----------
        path : str or Path
            Where to.
        """
        tracks = {"picture": self.picture, "sound": self.sound}
        arrays = {f"{name}_{part}": array for name, track in tracks.items() for part, array in vars(track).items()}
        with Path(path).open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, ids=self.ids, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Fingerprints
            The same arrays.
        """
        with np.load(path, allow_pickle=False) as kept:
            picture, sound = (
                Tracks(*(kept[f"{name}_{part}"] for part in ("words", "valid", "offsets")))
                for name in ("picture", "sound")
            )
            return cls(kept["ids"], picture, sound)


@lru_cache(maxsize=16)
def _waves(size: int) -> NDArray[np.float32]:
    """Return (8, size): the cosine transform's rows 1 to 8, after a mean over 32 equal parts of `size` pixels.

    Both steps are linear, so they are one matrix.
    """
    edges = np.linspace(0.0, size, _SIDE + 1)
    pixel = np.arange(size)
    share = np.clip(np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel), 0.0, None)
    k, x = np.ogrid[1 : _KEPT + 1, :_SIDE]
    cosine = np.cos(np.pi * k * (2 * x + 1) / (2 * _SIDE))
    return np.asarray(cosine @ (share * _SIDE / size), dtype=np.float32)


def picture_track(images: ArrayLike) -> Track:
    """Hash pictures: tell of each of 64 low frequencies whether it is stronger than their median.

    Fading and brightness scale all frequencies alike and turn no comparison round. The rows and columns of
    frequency 0 are left out: they hold brightness and plain stripes, which unrelated scenes share.

    Parameters
    ----------
    images : array of uint8, shape (t, height, width, 3)
        RGB.

    Returns
    -------
    Track
        uint64 (t,); bit 63 is the lowest frequency. Pictures almost without contrast are not valid.

    Raises
    ------
    ValueError
        If the array is not as above.

    References
    ----------
    Zauner, Implementation and benchmarking of perceptual image hash functions, thesis, FH Hagenberg (2010).
    """
    pictures = np.asarray(images)
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3 or 0 in pictures.shape[1:]:
        raise ValueError(f"images must be uint8 (t, height, width, 3), not {pictures.dtype} {pictures.shape}")
    grey = pictures @ _GREY
    low = _waves(grey.shape[1]) @ grey @ _waves(grey.shape[2]).T
    flat = low.reshape(len(low), -1)
    bits = flat > np.median(flat, axis=1, keepdims=True)
    words = np.packbits(bits, axis=1).view(">u8").astype(np.uint64)[:, 0]
    return Track(words, grey.std(axis=(1, 2)) >= _FLAT)


def picture_hash(image: ArrayLike) -> np.uint64:
    """Hash one picture; see :func:`picture_track`.

    Parameters
    ----------
    image : array of uint8, shape (height, width, 3)
        RGB.

    Returns
    -------
    np.uint64
        64 comparisons.
    """
    return np.uint64(picture_track(np.asarray(image)[None]).words[0])


def sound_fingerprint(sound: Sound) -> Track:
    """Describe sound by 32 bits each 11.6 ms: how the differences between neighbouring bands change.

    With E(t, b) the energy of band b in window t, bit b is 1 where
    E(t, b) - E(t, b+1) - (E(t-1, b) - E(t-1, b+1)) is positive. Loudness scales both sides and does no harm; a
    shift of pitch moves energy to other bands and breaks the fingerprint.

    Parameters
    ----------
    sound : Sound
        Mono, any sampling rate.

    Returns
    -------
    Track
        uint32; word k belongs to the window that begins at ``(k + 1) / SOUND_WORDS_PER_SECOND`` seconds. Empty if the
        sound is shorter than two windows of 0.37 s. Windows of near silence are not valid.

    Raises
    ------
    ValueError
        If the sound is not mono.

    References
    ----------
    Haitsma and Kalker, A highly robust audio fingerprinting system, ISMIR (2002), section 4.2.
    """
    if sound.samples.ndim != 1:
        raise ValueError(f"the sound must be mono, shape (n,), not {sound.samples.shape}")
    ratio = _RATE / sound.sample_rate
    slow = np.asarray(signal.resample_poly(sound.samples, ratio.numerator, ratio.denominator), dtype=np.float32)
    if len(slow) < _WINDOW + _HOP:
        return Track(np.empty(0, np.uint32), np.empty(0, np.bool_))
    windows = np.lib.stride_tricks.sliding_window_view(slow, _WINDOW)[::_HOP]
    shape = signal.windows.hann(_WINDOW, sym=False).astype(np.float32)
    edges = np.rint(np.geomspace(_LOWEST, _HIGHEST, _BANDS + 1) * _WINDOW / float(_RATE)).astype(np.int64)
    energy, loud = [], []
    for start in range(0, len(windows), _AT_ONCE):
        some = windows[start : start + _AT_ONCE] * shape
        power = np.abs(fft.rfft(some, axis=1)[:, : edges[-1]]) ** 2
        energy.append(np.add.reduceat(power, edges[:-1], axis=1))
        loud.append(np.sqrt(np.mean(some * some, axis=1)) >= _QUIET)
    slope = -np.diff(np.concatenate(energy), axis=1)
    bits = np.diff(slope, axis=0) > 0
    words = np.packbits(bits, axis=1).view(">u4").astype(np.uint32)[:, 0]
    return Track(words, np.concatenate(loud)[1:])
