"""Paint on small pictures: smooth shapes, light, and layers that scroll without a seam."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np

__all__ = ["FPS", "SIZE", "Colour", "Layer", "Pen", "gradient", "lay_over", "pair", "periodic_layer", "tile_noise"]

SIZE = 128
"""Width and height of every picture in pixels."""

FPS = 12
"""Frames a second of every picture."""

Colour = tuple[float, float, float]
"""Red, green, blue, each in [0, 255]."""

_SHIFT = 4
_ONE = 1 << _SHIFT
_SUPERSAMPLE = 2


class Pen:
    """Draws in scene units on an image, with smooth edges.

    A scene is 128 units wide and high when the zoom is 1; the pen carries the
    zoom, so that a close-up is drawn sharp and not enlarged.

    Parameters
    ----------
    image : ndarray uint8 (h, w, 3) or (h, w, 4)
        What is drawn on. Four channels hold premultiplied colour and opacity.
    scale : float
        Pixels a unit.
    left, top : float
        Scene coordinates of the image's upper left corner.
    period : tuple of int
        Pixels after which the picture repeats along x and y; 0 where it does not.
    """

    def __init__(
        self,
        image: np.ndarray,
        scale: float = 1.0,
        left: float = 0.0,
        top: float = 0.0,
        period: tuple[int, int] = (0, 0),
    ) -> None:
        self.image = image
        self.scale = scale
        self.left = left
        self.top = top
        self.period = period
        self._four = image.shape[2] == 4
        self._fine = scale * _ONE
        # Pixel centres lie half a pixel inside the image.
        self._x0 = left * self._fine + _ONE / 2
        self._y0 = top * self._fine + _ONE / 2

    def _paint(self, colour: Sequence[float]) -> tuple[float, ...]:
        return (*colour, 255.0) if self._four else tuple(colour)

    def _fixed(self, points: object) -> np.ndarray:
        """Return the points in fixed-point pixels: int32 (n, 2)."""
        at = np.asarray(points, dtype=np.float64) * self._fine
        at -= (self._x0, self._y0)
        return np.rint(at, out=at).astype(np.int32)

    def _repeats(self, x0: float, y0: float, x1: float, y1: float) -> list[tuple[int, int]]:
        """Return by how many pixels to repeat a shape of these bounds (fixed point) so that no seam shows."""
        steps = []
        for low, high, period, size in (
            (x0, x1, self.period[0], self.image.shape[1]),
            (y0, y1, self.period[1], self.image.shape[0]),
        ):
            margin = 4 * _ONE
            axis = [0]
            if period and low < margin:
                axis.append(period)
            if period and high > size * _ONE - margin:
                axis.append(-period)
            steps.append(axis)
        return [(dx, dy) for dx in steps[0] for dy in steps[1]]

    def _outlines(self, points: object, margin: float = 0.0) -> list[np.ndarray]:
        """Return the points in fixed-point pixels, once for every repetition that can be seen."""
        at = self._fixed(points)
        if self.period == (0, 0):
            return [at]
        x0, y0 = at.min(axis=0) - margin
        x1, y1 = at.max(axis=0) + margin
        moves = self._repeats(x0, y0, x1, y1)
        return [at] if len(moves) == 1 else [at + np.multiply(move, _ONE, dtype=np.int32) for move in moves]

    def _centres(self, x: float, y: float, reach: float) -> list[tuple[int, int]]:
        """Return a centre in fixed-point pixels, once for every repetition that can be seen."""
        cx, cy = round(x * self._fine - self._x0), round(y * self._fine - self._y0)
        if self.period == (0, 0):
            return [(cx, cy)]
        moves = self._repeats(cx - reach, cy - reach, cx + reach, cy + reach)
        return [(cx + dx * _ONE, cy + dy * _ONE) for dx, dy in moves]

    def _width(self, width: float) -> int:
        return max(1, round(width * self.scale))

    def polygon(self, points: object, colour: Sequence[float]) -> None:
        """Fill a polygon given as (n, 2) points in units."""
        paint = self._paint(colour)
        for at in self._outlines(points):
            cv2.fillPoly(self.image, [at], paint, cv2.LINE_AA, _SHIFT)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Sequence[float]) -> None:
        """Fill an upright rectangle from (x0, y0) to (x1, y1) in units."""
        paint = self._paint(colour)
        for at in self._outlines(((x0, y0), (x1, y0), (x1, y1), (x0, y1))):
            cv2.fillConvexPoly(self.image, at, paint, cv2.LINE_AA, _SHIFT)

    def disc(self, x: float, y: float, radius: float, colour: Sequence[float]) -> None:
        """Fill a circle; radius in units."""
        size = max(1, round(radius * self._fine))
        paint = self._paint(colour)
        for centre in self._centres(x, y, size):
            cv2.circle(self.image, centre, size, paint, -1, cv2.LINE_AA, _SHIFT)

    def ring(self, x: float, y: float, radius: float, colour: Sequence[float], width: float = 1.0) -> None:
        """Draw a circle's outline; radius and width in units."""
        size = max(1, round(radius * self._fine))
        paint = self._paint(colour)
        for centre in self._centres(x, y, size + width * self._fine):
            cv2.circle(self.image, centre, size, paint, self._width(width), cv2.LINE_AA, _SHIFT)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Sequence[float], angle: float = 0.0) -> None:
        """Fill an ellipse with half axes rx and ry in units, turned clockwise by degrees."""
        axes = (max(1, round(rx * self._fine)), max(1, round(ry * self._fine)))
        paint = self._paint(colour)
        for centre in self._centres(x, y, max(axes)):
            cv2.ellipse(self.image, centre, axes, angle, 0.0, 360.0, paint, -1, cv2.LINE_AA, _SHIFT)

    def line(self, points: object, colour: Sequence[float], width: float = 1.0, *, closed: bool = False) -> None:
        """Draw a line through (n, 2) points; width in units."""
        paint, thick = self._paint(colour), self._width(width)
        for at in self._outlines(points, width * self._fine):
            cv2.polylines(self.image, [at], closed, paint, thick, cv2.LINE_AA, _SHIFT)

    def glow(self, x: float, y: float, radius: float, colour: Sequence[float], strength: float = 1.0) -> None:
        """Add light that fades from (x, y) to nothing at the radius in units."""
        reach = max(1, round(radius * self.scale))
        patch = _glow_patch(reach, tuple(min(252, max(0, round(c * strength / 4.0) * 4)) for c in colour))
        high, wide = self.image.shape[:2]
        for cx, cy in self._centres(x, y, reach * _ONE):
            column, row = (cx >> _SHIFT) - reach, (cy >> _SHIFT) - reach
            x0, y0 = max(column, 0), max(row, 0)
            x1, y1 = min(column + 2 * reach + 1, wide), min(row + 2 * reach + 1, high)
            if x0 < x1 and y0 < y1:
                target = self.image[y0:y1, x0:x1, :3]
                target[...] = cv2.add(target, patch[y0 - row : y1 - row, x0 - column : x1 - column])


@lru_cache(maxsize=512)
def _glow_patch(reach: int, colour: tuple[int, ...]) -> np.ndarray:
    """Draw a round light: uint8 (2 reach + 1, 2 reach + 1, 3)."""
    axis = np.arange(-reach, reach + 1) / reach
    distance = np.sqrt(axis[:, None] ** 2 + axis[None, :] ** 2)
    fade = np.clip(1.0 - distance, 0.0, 1.0) ** 2
    return np.ascontiguousarray(np.rint(fade[..., None] * np.asarray(colour, dtype=np.float64)).astype(np.uint8))


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
