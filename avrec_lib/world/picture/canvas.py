"""Layers that scroll without a seam, colours that blend, noise that repeats."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np

from avrec_lib.world.picture.pen import Pen

__all__ = ["FPS", "SIZE", "Colour", "Layer", "gradient", "lay_over", "pair", "periodic_layer", "tile_noise"]

SIZE = 128
"""Width and height of every picture in pixels."""

FPS = 12
"""Frames a second of every picture."""

Colour = tuple[float, float, float]
"""Red, green, blue, each in [0, 255]."""

_SUPERSAMPLE = 2


class Layer:
    """A picture that can be larger than the frame and repeats without a seam.

    Parameters
    ----------
    colour : ndarray uint8 (h, w, 3)
        Premultiplied colour.
    opacity : ndarray uint8 (h, w) or None
        Opacity; None for a layer that hides all that is behind it.
    wraps : tuple of bool
        Whether the layer repeats along x and y.
    """

    def __init__(
        self, colour: np.ndarray, opacity: np.ndarray | None, wraps: tuple[bool, bool] = (True, False)
    ) -> None:
        self.height, self.width = colour.shape[:2]
        self.wraps = wraps
        self._colour = _padded(colour, wraps)
        self._keep = None
        if opacity is not None:
            self._keep = _padded(np.repeat(255 - opacity[..., None], 3, axis=2), wraps)

    def draw(self, frame: np.ndarray, x: float = 0.0, y: float = 0.0) -> None:
        """Lay the layer over a frame in place, moved to the right by x and down by y pixels."""
        column = (-x) % self.width if self.wraps[0] else min(max(_EDGE - x, 0.0), self.width + _EDGE - SIZE)
        row = (-y) % self.height if self.wraps[1] else min(max(_EDGE - y, 0.0), self.height + _EDGE - SIZE)
        colour = _window(self._colour, column, row)
        if self._keep is None:
            frame[...] = colour
        else:
            lay_over(frame, colour, _window(self._keep, column, row))


_EDGE = 3
"""Pixels of margin around a layer that does not repeat."""


def _padded(image: np.ndarray, wraps: tuple[bool, bool]) -> np.ndarray:
    """Continue an image so that a window can be cut out of it at any place."""
    sides = [(0, SIZE + 2) if wrap else (_EDGE, _EDGE + 1) for wrap in wraps]
    image = np.pad(image, ((0, 0), sides[0], (0, 0)), mode="wrap" if wraps[0] else "edge")
    return np.ascontiguousarray(np.pad(image, (sides[1], (0, 0), (0, 0)), mode="wrap" if wraps[1] else "edge"))


def _window(image: np.ndarray, column: float, row: float) -> np.ndarray:
    """Cut a frame out of a larger image, between its pixels where need be (bilinear)."""
    j, i = int(column), int(row)
    right, down = column - j, row - i
    cut = image[i : i + SIZE, j : j + SIZE]
    if right < 0.02 and down < 0.02:
        return cut
    if down < 0.02:
        return cv2.addWeighted(cut, 1.0 - right, image[i : i + SIZE, j + 1 : j + 1 + SIZE], right, 0.0)
    tall = image[i : i + SIZE + 1, j : j + SIZE]
    if right >= 0.02:
        tall = cv2.addWeighted(tall, 1.0 - right, image[i : i + SIZE + 1, j + 1 : j + 1 + SIZE], right, 0.0)
    return cv2.addWeighted(tall[:-1], 1.0 - down, tall[1:], down, 0.0)


def lay_over(frame: np.ndarray, colour: np.ndarray, keep: np.ndarray) -> None:
    """Lay premultiplied colour over a frame in place.

    Parameters
    ----------
    frame : ndarray uint8 (h, w, 3)
        Changed in place.
    colour : ndarray uint8 (h, w, 3)
        Premultiplied colour.
    keep : ndarray uint8 (h, w, 3)
        255 minus the opacity: how much of the frame stays.
    """
    cv2.multiply(frame, keep, dst=frame, scale=1.0 / 255.0)
    cv2.add(frame, colour, dst=frame)


def periodic_layer(
    paint: Callable[[Pen], None],
    *,
    width: float,
    height: float = 0.0,
    scale: float = 1.0,
    top: float = 0.0,
    backdrop: np.ndarray | None = None,
    blur: float = 0.0,
    strength: float = 1.0,
) -> Layer:
    """Paint a layer once, larger than needed and then reduced, so that its edges are smooth.

    Parameters
    ----------
    paint : callable
        Gets a pen and draws in scene units, x in [0, width).
    width : float
        Units after which the layer repeats along x.
    height : float
        Units after which it repeats along y; 0 for a layer as high as the frame that does not.
    scale : float
        Zoom, pixels a unit.
    top : float
        Scene coordinate of the frame's upper edge.
    backdrop : ndarray uint8 (rows, 1, 3), optional
        A column of colours that makes the layer opaque.
    blur : float
        Standard deviation in pixels of a softening of what repeats both ways.
    strength : float
        Opacity of the whole, in [0, 1].

    Returns
    -------
    Layer
        The layer, in pixels of the frame.
    """
    columns = round(width * scale)
    rows = round(height * scale) if height else SIZE
    n = _SUPERSAMPLE
    image = np.zeros((rows * n, columns * n, 3 if backdrop is not None else 4), dtype=np.uint8)
    if backdrop is not None:
        image[...] = np.repeat(backdrop, n, axis=0)[: rows * n]
    # The repetition is a whole number of pixels, so that the seam cannot show.
    pen = Pen(image, scale * n, 0.0, top, (columns * n, rows * n if height else 0))
    paint(pen)
    small = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    if blur:
        soft = cv2.GaussianBlur(np.pad(small, ((8, 8), (8, 8), (0, 0)), mode="wrap"), (0, 0), blur)
        small = np.ascontiguousarray(soft[8:-8, 8:-8])
    if strength < 1.0:
        small = np.rint(small * strength).astype(np.uint8)
    opacity = None if backdrop is not None else small[..., 3]
    return Layer(np.ascontiguousarray(small[..., :3]), opacity, (True, bool(height)))


def pair(point: np.ndarray) -> tuple[float, float]:
    """Take the two numbers out of a point given as an array of two."""
    return (float(point[0]), float(point[1]))


def gradient(stops: Sequence[tuple[float, Sequence[float]]], positions: np.ndarray) -> np.ndarray:
    """Blend colours along a line.

    Parameters
    ----------
    stops : sequence of (position, colour)
        In order of position.
    positions : ndarray (n,)
        Where the colours are wanted.

    Returns
    -------
    ndarray uint8 (n, 1, 3)
        A column of colours.
    """
    where = np.array([stop[0] for stop in stops])
    colours = np.array([stop[1] for stop in stops], dtype=np.float64)
    column = np.stack([np.interp(positions, where, colours[:, c]) for c in range(3)], axis=1)
    return np.rint(column).clip(0, 255).astype(np.uint8)[:, None, :]


@lru_cache(maxsize=32)
def tile_noise(seed: int, size: int = 256, roughness: float = 1.8, stretch: float = 1.0) -> np.ndarray:
    """Draw cloudy noise that repeats without a seam.

    Parameters
    ----------
    seed : int
        Which noise.
    size : int
        Width and height in pixels.
    roughness : float
        Exponent of the falling spectrum: 1 is rough, 3 very smooth.
    stretch : float
        How many times wider than high its structures are.

    Returns
    -------
    ndarray float32 (size, size)
        Values spread evenly over [0, 1]; shared, so not to be written to.
    """
    rng = np.random.default_rng([seed, 77])
    fy = np.fft.fftfreq(size)[:, None] * size
    fx = np.fft.rfftfreq(size)[None, :] * size * stretch
    radius = np.hypot(fy, fx)
    radius[0, 0] = 1.0
    spectrum = np.exp(2j * np.pi * rng.random(radius.shape)) * radius**-roughness
    spectrum[0, 0] = 0.0
    field = np.fft.irfft2(spectrum, s=(size, size))
    # A normal distribution's own curve, nearly, spreads the values evenly.
    even = 1.0 / (1.0 + np.exp(-1.702 * field / field.std()))
    even = even.astype(np.float32)
    even.flags.writeable = False
    return even
