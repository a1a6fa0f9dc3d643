"""Colours of frames, in a space where equal distances look about equally different."""

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np

__all__ = [
    "COLOUR_BINS",
    "ColourCells",
    "Palette",
    "colour_histogram",
    "colour_moments",
    "dominant_colours",
    "lab_bytes",
    "lab_units",
]

_LIGHTS, _HUES = 4, 8
_GREY, _RICH = 8.0, 30.0  # chroma: below, no hue is seen; above, the colour is rich
_CELLS = 16  # slices of each axis in which pixels are gathered before colours are chosen
_ROUNDS = 30
_ZERO = np.array([0, 128, 128], dtype=np.float32)
_UNIT = np.array([100 / 255, 1, 1], dtype=np.float32)

_KINDS = ("grey", *(f"{strength}-{hue}" for strength in ("pale", "rich") for hue in range(_HUES)))
COLOUR_BINS: tuple[str, ...] = tuple(f"{kind}-light-{light}" for light in range(_LIGHTS) for kind in _KINDS)
"""Names of the bins of :func:`colour_histogram`, in order."""


def lab_bytes(images: np.ndarray) -> np.ndarray:
    """Convert pictures to CIE L*a*b* (1976), a byte a value.

    OpenCV converts one picture at a time, and frames that lie on top of each other are one picture.

    Parameters
    ----------
    images : ndarray (t, h, w, 3) of uint8
        RGB.

    Returns
    -------
    ndarray (t, h, w, 3) of uint8
        L * 255 / 100, a + 128 and b + 128, rounded: see :func:`lab_units`.

    Raises
    ------
    ValueError
        If the shape or the type is wrong.
    """
    images = np.ascontiguousarray(images)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(f"images must be uint8 of shape (t, h, w, 3), not {images.dtype} {images.shape}")
    t, h, w, _ = images.shape
    if images.size == 0:
        return images.copy()
    return cv2.cvtColor(images.reshape(t * h, w, 3), cv2.COLOR_RGB2LAB).reshape(t, h, w, 3)


def lab_units(codes: np.ndarray) -> np.ndarray:
    """Turn bytes of :func:`lab_bytes` into units: L in [0, 100], a and b from about -110 to 110.

    Parameters
    ----------
    codes : ndarray (..., 3)
        Bytes, or means of bytes.

    Returns
    -------
    ndarray (..., 3) of float32
        Within half a unit of the exact colour: a byte is 0.4 units of L and one unit of a or b.
    """
    return (np.asarray(codes, dtype=np.float32) - _ZERO) * _UNIT


@cache
def _hue_table() -> np.ndarray:
    """Return the colour kind of each pair of bytes (a, b): 0 grey, then pale hues, then rich ones: uint8 (65536,)."""
    a, b = np.meshgrid(np.arange(256) - 128.0, np.arange(256) - 128.0, indexing="ij")
    chroma = np.hypot(a, b)
    hue = np.floor(np.arctan2(b, a) / (2.0 * np.pi) % 1.0 * _HUES).astype(np.intp) % _HUES
    kind = 1 + hue + _HUES * (chroma >= _RICH)
    return np.where(chroma < _GREY, 0, kind).astype(np.uint8).ravel()


def colour_histogram(lab: np.ndarray) -> np.ndarray:
    """Count a frame's pixels by lightness, hue and chroma.

    Grey is a bin of its own, because the hue of a nearly grey pixel is noise.

    Parameters
    ----------
    lab : ndarray (t, h, w, 3) of uint8
        As :func:`lab_bytes` gives it.

    Returns
    -------
    ndarray (t, 68) of float32
        Shares that sum to 1; names in :data:`COLOUR_BINS`.
    """
    t = len(lab)
    width = len(COLOUR_BINS)
    kind = _hue_table().take(lab[..., 1].astype(np.uint16) << 8 | lab[..., 2])
    code = (lab[..., 0] >> 6) * np.uint8(len(_KINDS)) + kind
    return count_rows(code.reshape(t, -1), width) / np.float32(max(1, code[0].size if t else 1))


def count_rows(codes: np.ndarray, n: int) -> np.ndarray:
    """Count the values of each row: codes (t, m) of uint8, all below n, become float32 (t, n)."""
    counts = np.empty((len(codes), n), np.float32)
    # OpenCV counts one row at a time, and yet sooner than np.bincount, which needs codes of eight bytes.
    for row, count in zip(codes, counts, strict=True):
        count[:] = cv2.calcHist([row], [0], None, [n], [0, n]).ravel()
    return counts


def colour_moments(lab: np.ndarray) -> np.ndarray:
    """Return mean, standard deviation and skew of a frame's L, a and b.

    The skew is the cube root of the third central moment, so that all nine are in units of L*a*b*
    (Stricker and Orengo, Similarity of color images, 1995).

    Parameters
    ----------
    lab : ndarray (t, h, w, 3) of uint8
        As :func:`lab_bytes` gives it.

    Returns
    -------
    ndarray (t, 9) of float32
        Means of L, a, b, then deviations, then skews.
    """
    # A byte has 256 values, so that moments follow from counts.
    value = np.arange(256.0)
    shares = [count_rows(lab[..., axis].reshape(len(lab), -1), 256) for axis in range(3)]
    share = np.stack(shares, axis=1).astype(np.float64) / max(1, lab[0, ..., 0].size if len(lab) else 1)
    mean = share @ value
    centred = value - mean[..., None]
    squared = np.square(centred)
    spread = np.sqrt((share * squared).sum(axis=2))
    skew = np.cbrt((share * squared * centred).sum(axis=2))
    return np.concatenate([lab_units(mean), spread * _UNIT, skew * _UNIT], axis=1).astype(np.float32)


class Palette(NamedTuple):
    """The colours that cover most of a clip.

    Attributes
    ----------
    colours : ndarray (k, 3) of uint8
        RGB, the most frequent first.
    lab : ndarray (k, 3) of float32
        The same in L*a*b*.
    shares : ndarray (k,) of float32
        Share of the pixels that each stands for.
    """

    colours: np.ndarray
    lab: np.ndarray
    shares: np.ndarray


class ColourCells:
    """Pixels gathered in cells of L*a*b*, from as many frames as come: the memory does not grow with them."""

    def __init__(self) -> None:
        self._count = np.zeros(_CELLS**3)
        self._sums = np.zeros((3, _CELLS**3))

    def add(self, lab: np.ndarray) -> None:
        """Add frames (t, h, w, 3) of uint8, as :func:`lab_bytes` gives them; small ones are enough."""
        flat = lab.reshape(-1, 3)
        cell = (flat >> 4).astype(np.intp) @ np.array([_CELLS * _CELLS, _CELLS, 1])
        self._count += np.bincount(cell, minlength=_CELLS**3)
        for axis in range(3):
            self._sums[axis] += np.bincount(cell, weights=flat[:, axis], minlength=_CELLS**3)

    def palette(self, k: int) -> Palette:
        """Choose k colours by k-means over the cells' mean colours, each weighing as much as it has pixels.

        Parameters
        ----------
        k : int
            How many colours; where there are fewer, the last have share 0.

        Returns
        -------
        Palette
            The same for the same pixels: the start is the heaviest cell, then whichever is far and heavy.
        """
        held = np.flatnonzero(self._count)
        if not len(held):
            raise ValueError("no pixels were added, so there is no palette")
        weight = self._count[held]
        points = lab_units((self._sums[:, held] / weight).T).astype(np.float64)
        centres = points[[int(weight.argmax())]]
        for _ in range(k - 1):
            away = np.square(points[:, None] - centres[None]).sum(axis=2).min(axis=1)
            centres = np.vstack([centres, points[(weight * away).argmax()]])
        for _ in range(_ROUNDS):
            nearest = np.square(points[:, None] - centres[None]).sum(axis=2).argmin(axis=1)
            member = (nearest[:, None] == np.arange(k)) * weight[:, None]
            mass = member.sum(axis=0)
            moved = np.where(mass[:, None] > 0, member.T @ points / np.maximum(mass, 1e-9)[:, None], centres)
            if np.array_equal(moved, centres):
                break
            centres = moved
        order = np.argsort(-mass, kind="stable")
        lab = centres[order].astype(np.float32)
        rgb = cv2.cvtColor(lab[None], cv2.COLOR_LAB2RGB)[0]
        colours = np.rint(255 * rgb.clip(0, 1)).astype(np.uint8)
        return Palette(colours, lab, (mass[order] / mass.sum()).astype(np.float32))


def dominant_colours(images: np.ndarray, k: int = 5) -> Palette:
    """Find the k colours that cover most of a clip.

    Frames are reduced to about 32 pixels a side first, so that grain does not count as colour.

    Parameters
    ----------
    images : ndarray (t, h, w, 3) of uint8
        RGB, at least one frame.
    k : int
        How many colours.

    Returns
    -------
    Palette
        The most frequent colour first.

    Raises
    ------
    ValueError
        If there are no pixels, or k is below 1.
    """
    if k < 1:
        raise ValueError(f"k must be 1 or more, not {k}")
    lab = lab_bytes(images)
    cells = ColourCells()
    if lab.size:
        cells.add(reduced(lab, max(1, min(lab.shape[1:3]) // 32)))
    return cells.palette(k)


def reduced(images: np.ndarray, factor: int) -> np.ndarray:
    """Average squares of factor by factor pixels: uint8 (t, h, w, c) or (t, h, w) becomes smaller, of the same type."""
    t, h, w = images.shape[:3]
    rows, columns = h // factor, w // factor
    # Squares never reach over a frame's edge, so that all frames can be reduced as one tall picture.
    inner = np.ascontiguousarray(images[:, : rows * factor, : columns * factor])
    tall = inner.reshape(t * rows * factor, columns * factor, *images.shape[3:])
    if factor == 1:
        return inner
    small = cv2.resize(tall, (columns, t * rows), interpolation=cv2.INTER_AREA)
    return small.reshape(t, rows, columns, *images.shape[3:])
