"""Shapes in frames: where edges point, and what the silhouette's moments say."""

from functools import cache

import numpy as np

from avrec_lib.content.visual.colour import count_rows

__all__ = ["HOG_NAMES", "MOMENT_NAMES", "mask_moments", "oriented_gradients", "silhouettes"]

_CELLS, _BINS = 4, 9

HOG_NAMES: tuple[str, ...] = tuple(
    f"edge-{row}{column}-{20 * b}" for row in range(_CELLS) for column in range(_CELLS) for b in range(_BINS)
)
"""Names of the entries of :func:`oriented_gradients`: row and column of the cell, and the first degree of the bin."""

MOMENT_NAMES: tuple[str, ...] = (
    *(f"hu-{k}" for k in range(1, 8)),
    "figure-share",
    "figure-down",
    "figure-right",
    "figure-length",
    "figure-lying",
    "figure-slanting",
)
"""Names of the entries of :func:`mask_moments`."""


@cache
def _gradient_tables() -> tuple[np.ndarray, np.ndarray]:
    """Return bin and size of each gradient (down, right), both from -255 to 255: (511 * 511,) each."""
    down, right = np.mgrid[-255:256, -255:256].astype(np.float64)
    angle = np.degrees(np.arctan2(down, right)) % 180.0
    return (angle // (180.0 / _BINS)).astype(np.uint8).ravel() % _BINS, np.hypot(down, right).astype(np.float32).ravel()


def oriented_gradients(grey: np.ndarray) -> np.ndarray:
    """Return histograms of oriented gradients, nine directions in each of four by four cells.

    A gradient counts by its size. A cell is divided by its own length, so that contrast does not matter, cut at
    0.2 and divided again (Dalal and Triggs, 2005, with blocks of one cell).

    Parameters
    ----------
    grey : ndarray (t, h, w) of uint8
        Sides at least 4; what is left over when they are divided by 4 is not looked at.

    Returns
    -------
    ndarray (t, 144) of float32
        Names in :data:`HOG_NAMES`.
    """
    t, h, w = grey.shape
    rows, columns = h // _CELLS, w // _CELLS
    # Gradients of bytes are few: direction and size are looked up.
    code = np.full((t, h, w), 255 * 511 + 255, np.int32)
    code[:, 1:-1] += 511 * np.subtract(grey[:, 2:], grey[:, :-2], dtype=np.int32)
    code[:, :, 1:-1] += np.subtract(grey[:, :, 2:], grey[:, :, :-2], dtype=np.int32)
    code = code[:, : rows * _CELLS, : columns * _CELLS]
    direction, size = _gradient_tables()
    cell = np.repeat(np.arange(_CELLS), rows)[:, None] * _CELLS + np.repeat(np.arange(_CELLS), columns)
    place = (np.arange(t)[:, None, None] * _CELLS**2 + cell) * _BINS + direction.take(code)
    total = np.bincount(place.ravel(), weights=size.take(code).ravel(), minlength=t * _CELLS**2 * _BINS)
    cells = total.reshape(t, _CELLS**2, _BINS) / (rows * columns)
    cells /= np.sqrt(np.square(cells).sum(axis=2, keepdims=True) + 1e-10)
    cells = np.minimum(cells, 0.2)
    cells /= np.sqrt(np.square(cells).sum(axis=2, keepdims=True) + 1e-10)
    return cells.reshape(t, -1).astype(np.float32)


def silhouettes(grey: np.ndarray) -> np.ndarray:
    """Part each frame in two by brightness, and call the part that touches the frame's edge less the figure.

    The threshold is the one that makes the two parts' means differ most, weighed by their sizes (Otsu, 1979).

    Parameters
    ----------
    grey : ndarray (t, h, w) of uint8
        Brightness.

    Returns
    -------
    ndarray (t, h, w) of bool
        The figure; empty where a frame has one brightness.
    """
    t, h, w = grey.shape
    share = count_rows(grey.reshape(t, -1), 256).astype(np.float64) / (h * w)
    below = np.cumsum(share, axis=1)
    mean_below = np.cumsum(share * np.arange(256), axis=1)
    mean = mean_below[:, -1:]
    apart = np.square(mean * below - mean_below)
    between = np.divide(apart, below * (1.0 - below), out=np.zeros_like(apart), where=(apart > 1e-12) & (below < 1.0))
    bright = grey > between.argmax(axis=1).astype(np.uint8)[:, None, None]
    edge = np.concatenate([bright[:, 0], bright[:, -1], bright[:, :, 0], bright[:, :, -1]], axis=1)
    figure = bright ^ (edge.mean(axis=1) > 0.5)[:, None, None]
    return figure & (between.max(axis=1) > 0.0)[:, None, None]


def mask_moments(mask: np.ndarray) -> np.ndarray:
    r"""Describe masks by their moments.

    Hu's seven invariants (Hu, 1962) stay the same when a figure moves, turns or grows; each is given as
    :math:`\operatorname{sign}(h) \log_{10}(1 + |h| / 10^{-7})`, because they span many powers of ten. Then come the
    figure's share of the frame, its centre (down and right, both from -1 to 1), how long it is (0 for round, near 1
    for a line), and how it lies: :math:`\cos 2\alpha` and :math:`\sin 2\alpha` of the angle of its long axis times
    its length, which has no jump.

    Parameters
    ----------
    mask : ndarray (t, h, w)
        True or non-zero where the figure is.

    Returns
    -------
    ndarray (t, 13) of float32
        Names in :data:`MOMENT_NAMES`; zeros for an empty mask.
    """
    _, h, w = mask.shape
    side = max(h, w) / 2.0
    y, x = (np.arange(h) - (h - 1) / 2.0) / side, (np.arange(w) - (w - 1) / 2.0) / side
    powers = np.arange(4)
    # All moments up to the third order are two matrix products.
    across = (mask != 0).astype(np.float32) @ (x[:, None] ** powers).astype(np.float32)
    raw = (y[:, None] ** powers).T @ across.astype(np.float64)
    area = np.maximum(raw[:, 0, 0], 1e-12)
    cy, cx = raw[:, 1, 0] / area, raw[:, 0, 1] / area
    central = {
        (p, q): sum(
            _CHOOSE[p][a] * _CHOOSE[q][b] * (-cy) ** (p - a) * (-cx) ** (q - b) * raw[:, a, b]
            for a in range(p + 1)
            for b in range(q + 1)
        )
        for p in range(4)
        for q in range(4 - p)
    }
    # The area in the same unit as x and y, for the moments are sums over pixels.
    eta = {pq: value / side**2 / (area / side**2) ** (1.0 + sum(pq) / 2.0) for pq, value in central.items()}
    hu = _hu(eta)
    level, tilt = eta[0, 2] - eta[2, 0], 2.0 * eta[1, 1]
    total = np.maximum(eta[0, 2] + eta[2, 0], 1e-12)
    figure = np.stack([raw[:, 0, 0] / (h * w), cy, cx, np.hypot(level, tilt) / total, level / total, tilt / total], 1)
    logs = np.sign(hu) * np.log10(1.0 + np.abs(hu) / 1e-7)
    return (np.concatenate([logs, figure], axis=1) * (raw[:, :1, 0] > 0.0)).astype(np.float32)


_CHOOSE = ((1,), (1, 1), (1, 2, 1), (1, 3, 3, 1))


def _hu(n: dict[tuple[int, int], np.ndarray]) -> np.ndarray:
    """Return Hu's seven invariants (t, 7) of normalised central moments, keyed by the powers of (y, x)."""
    n20, n02, n11 = n[0, 2], n[2, 0], n[1, 1]
    n30, n21, n12, n03 = n[0, 3], n[1, 2], n[2, 1], n[3, 0]
    a, b = n30 + n12, n21 + n03
    c, d = n30 - 3.0 * n12, 3.0 * n21 - n03
    return np.stack(
        [
            n20 + n02,
            (n20 - n02) ** 2 + 4.0 * n11**2,
            c**2 + d**2,
            a**2 + b**2,
            c * a * (a**2 - 3.0 * b**2) + d * b * (3.0 * a**2 - b**2),
            (n20 - n02) * (a**2 - b**2) + 4.0 * n11 * a * b,
            d * a * (a**2 - 3.0 * b**2) - c * b * (3.0 * a**2 - b**2),
        ],
        axis=1,
    )
