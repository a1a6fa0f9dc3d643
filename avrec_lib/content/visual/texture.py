"""Textures of frames: local binary patterns, co-occurrence of grey levels, and Gabor energies."""

from functools import cache, lru_cache

import cv2
import numpy as np
from scipy import fft

from avrec_lib.content.visual.colour import count_rows

__all__ = [
    "GABOR_NAMES",
    "GLCM_NAMES",
    "LBP_NAMES",
    "gabor_energies",
    "glcm_statistics",
    "grey_bytes",
    "lbp_histogram",
]

_CIRCLE = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))  # down and right
# The diagonal neighbours of a circle of radius 1 lie between pixels, at 1/sqrt(2), for which 12/17 stands. One of them
# is at least as bright as the pixel c itself where 5 v + 5 h + 12 d >= 22 c, with v, h and d the pixels above or below,
# beside and across: whole numbers, so that flat regions have no noise.
_NEAR, _FAR = 5, 12

_LEVELS = 16
_WAVELENGTHS = (4, 8, 16, 32)  # pixels
_ANGLES = (0, 45, 90, 135)  # degrees, of the direction in which the brightness varies: 0 to the right, 90 down

LBP_NAMES: tuple[str, ...] = (*(f"lbp-{ones}" for ones in range(9)), "lbp-mixed")
"""Names of the entries of :func:`lbp_histogram`: number of brighter neighbours in a row, or a mixture."""

_STATISTICS = ("contrast", "homogeneity", "energy", "correlation", "entropy")
GLCM_NAMES: tuple[str, ...] = (
    *(f"glcm-{name}" for name in _STATISTICS),
    *(f"glcm-{name}-range" for name in _STATISTICS),
)
"""Names of the entries of :func:`glcm_statistics`: mean over four directions, then largest less smallest."""

GABOR_NAMES: tuple[str, ...] = tuple(f"gabor-{length}px-{angle}" for length in _WAVELENGTHS for angle in _ANGLES)
"""Names of the entries of :func:`gabor_energies`: wavelength, and degrees of the direction of change."""


def grey_bytes(images: np.ndarray) -> np.ndarray:
    """Convert pictures to grey, weighted as in ITU-R BT.601.

    Parameters
    ----------
    images : ndarray (t, h, w, 3) of uint8
        RGB.

    Returns
    -------
    ndarray (t, h, w) of uint8
        Brightness.

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
        return images[..., 0].copy()
    return cv2.cvtColor(images.reshape(t * h, w, 3), cv2.COLOR_RGB2GRAY).reshape(t, h, w)


@cache
def _uniform_table() -> np.ndarray:
    """Return the class of each 8-bit pattern: its number of ones if they stand in a row on the circle, else 9."""
    bits = np.arange(256)[:, None] >> np.arange(8) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), 9).astype(np.uint8)


def lbp_histogram(grey: np.ndarray) -> np.ndarray:
    """Count local binary patterns: which of eight neighbours are at least as bright as the pixel between them.

    Patterns are uniform and rotation invariant, eight points on a circle of radius 1 (Ojala, Pietikäinen and
    Mäenpää, 2002, eq. 9). Pixels at the very edge have not all neighbours and do not count.

    Parameters
    ----------
    grey : ndarray (t, h, w) of uint8
        At least 3 by 3 pixels.

    Returns
    -------
    ndarray (t, 10) of float32
        Shares that sum to 1; names in :data:`LBP_NAMES`.
    """
    t, h, w = grey.shape
    flat = np.ascontiguousarray(grey).ravel()
    near, far, own = (weight * flat.astype(np.int16) for weight in (_NEAR, _FAR, 2 * _NEAR + _FAR))
    # In one row of bytes each neighbour lies so many further on. Over a frame's edge it is another: these are cut off.
    first, last = w + 1, flat.size - w - 1

    def beside(values: np.ndarray, down: int, right: int) -> np.ndarray:
        return values[first + down * w + right : last + down * w + right]

    pattern = np.zeros_like(flat)
    for bit, (down, right) in enumerate(_CIRCLE):
        if down and right:
            between = beside(near, down, 0) + beside(near, 0, right) + beside(far, down, right)
            brighter = between >= beside(own, 0, 0)
        else:
            brighter = beside(flat, down, right) >= beside(flat, 0, 0)
        pattern[first:last] |= brighter.view(np.uint8) << np.uint8(bit)
    kinds = cv2.LUT(pattern.reshape(t * h, w), _uniform_table()).reshape(t, h, w)[:, 1:-1, 1:-1]
    return count_rows(kinds.reshape(t, -1), 10) / np.float32((h - 2) * (w - 2))


def glcm_statistics(grey: np.ndarray) -> np.ndarray:
    r"""Describe which grey levels stand side by side.

    With :math:`p_{ij}` the share of neighbouring pixels of which one has level i and the other j, of 16 levels, in
    both orders: contrast :math:`\sum p_{ij} (i-j)^2`, homogeneity :math:`\sum p_{ij} / (1 + (i-j)^2)`,
    energy :math:`(\sum p_{ij}^2)^{1/2}`, the correlation of i and j, and entropy :math:`-\sum p_{ij} \ln p_{ij}`
    (Haralick, Shanmugam and Dinstein, 1973).

    Parameters
    ----------
    grey : ndarray (t, h, w) of uint8
        At least 2 by 2 pixels.

    Returns
    -------
    ndarray (t, 10) of float32
        Each as mean over four directions, then as range over them; names in :data:`GLCM_NAMES`.
    """
    level = grey >> 4
    here = level << 4
    sides = [
        (here[:, :, :-1], level[:, :, 1:]),
        (here[:, :-1, :-1], level[:, 1:, 1:]),
        (here[:, :-1, :], level[:, 1:, :]),
        (here[:, :-1, 1:], level[:, 1:, :-1]),
    ]
    counts = np.stack([count_rows((a | b).reshape(len(grey), -1), _LEVELS**2) for a, b in sides], axis=1)
    p = counts.reshape(len(grey), 4, _LEVELS, _LEVELS).astype(np.float64)
    p = p + p.transpose(0, 1, 3, 2)
    p /= p.sum(axis=(2, 3), keepdims=True)
    i, j = np.mgrid[:_LEVELS, :_LEVELS]
    apart = np.square(i - j)
    mean = (p * i).sum(axis=(2, 3))
    variance = (p * np.square(i - mean[..., None, None])).sum(axis=(2, 3))
    product = (p * (i - mean[..., None, None]) * (j - mean[..., None, None])).sum(axis=(2, 3))
    # One level alone goes along with itself.
    correlation = np.divide(product, variance, out=np.ones_like(product), where=variance > 1e-15)
    statistics = np.stack(
        [
            (p * apart).sum(axis=(2, 3)),
            (p / (1.0 + apart)).sum(axis=(2, 3)),
            np.sqrt(np.square(p).sum(axis=(2, 3))),
            correlation,
            -(p * np.log(np.where(p > 0.0, p, 1.0))).sum(axis=(2, 3)),
        ],
        axis=2,
    )
    spread = statistics.max(axis=1) - statistics.min(axis=1)
    return np.concatenate([statistics.mean(axis=1), spread], axis=1).astype(np.float32)


@lru_cache(maxsize=8)
def gabor_transfer(height: int, width: int) -> np.ndarray:
    r"""Return the Gabor filters in the frequency domain, one a row: float32 (16, height * (width // 2 + 1)).

    A filter is a Gaussian around the frequency :math:`1/\lambda` in one direction, as wide as an octave
    (:math:`\sigma = 0.56 \lambda` in the picture). What is returned is the sum of its squared value at a frequency
    and at the opposite one, times how often that frequency occurs in a half spectrum of a real picture, halved.
    """
    down = fft.fftfreq(height)[:, None]
    right = fft.rfftfreq(width)[None, :]
    # A real picture's half spectrum stands for both halves, except in its first and, if even, last column.
    twice = np.full(right.shape, 2.0)
    twice[0, 0] = 1.0
    if width % 2 == 0:
        twice[0, -1] = 1.0
    rows = []
    for length in _WAVELENGTHS:
        for angle in np.radians(_ANGLES):
            centre = np.array([np.sin(angle), np.cos(angle)]) / length
            spread = 2.0 * np.square(np.pi * 0.56 * length)
            both = [
                np.exp(-2.0 * spread * (np.square(down - s * centre[0]) + np.square(right - s * centre[1])))
                for s in (1.0, -1.0)
            ]
            rows.append((twice * (both[0] + both[1]) / 2.0).ravel())
    return np.array(rows, dtype=np.float32)


def gabor_energies(grey: np.ndarray) -> np.ndarray:
    r"""Return how strongly a frame's brightness waves at four wavelengths in four directions.

    The mean squared response of a filter needs no filtering: by Parseval's theorem it is a weighted sum of the
    frame's power spectrum, for all filters one matrix product. A Hann window takes the frame's edges out.

    Parameters
    ----------
    grey : ndarray (t, h, w) of uint8
        At least 8 by 8 pixels.

    Returns
    -------
    ndarray (t, 16) of float32
        :math:`\log_{10}` of the mean square plus 1e-6, of brightness in [0, 1]; names in :data:`GABOR_NAMES`.
    """
    t, h, w = grey.shape
    window = (np.hanning(h + 2)[1:-1, None] * np.hanning(w + 2)[None, 1:-1]).astype(np.float32)
    window /= np.sqrt(np.square(window).mean())
    bright = grey.astype(np.float32) / np.float32(255)
    bright -= (bright * window).mean(axis=(1, 2), keepdims=True) / window.mean()
    spectrum = fft.rfft2(bright * window).reshape(t, -1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    energy = power @ gabor_transfer(h, w).T / np.float32((h * w) ** 2)
    return np.log10(energy + np.float32(1e-6))
