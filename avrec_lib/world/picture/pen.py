"""A pen that draws smooth shapes and light in scene units."""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

__all__ = ["Pen"]

_SHIFT = 4
_ONE = 1 << _SHIFT
"""Coordinates are handed on in sixteenths of a pixel."""


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
        # Rounding a NumPy scalar is ten times slower than a plain number.
        cx, cy = round(float(x) * self._fine - self._x0), round(float(y) * self._fine - self._y0)
        if self.period == (0, 0):
            return [(cx, cy)]
        moves = self._repeats(cx - reach, cy - reach, cx + reach, cy + reach)
        return [(cx + dx * _ONE, cy + dy * _ONE) for dx, dy in moves]

    def _width(self, width: float) -> int:
        return max(1, round(float(width) * self.scale))

    def polygon(self, points: object, colour: Sequence[float]) -> None:
        """Fill a polygon given as (n, 2) points in units."""
        paint = self._paint(colour)
        for at in self._outlines(points):
            cv2.fillPoly(self.image, [at], paint, cv2.LINE_AA, _SHIFT)

    def cut(self, points: object) -> None:
        """Take away, down to nothing, what is inside a polygon given as (n, 2) points in units."""
        for at in self._outlines(points):
            cv2.fillPoly(self.image, [at], (0.0, 0.0, 0.0, 0.0), cv2.LINE_AA, _SHIFT)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Sequence[float]) -> None:
        """Fill an upright rectangle from (x0, y0) to (x1, y1) in units."""
        paint = self._paint(colour)
        for at in self._outlines(((x0, y0), (x1, y0), (x1, y1), (x0, y1))):
            cv2.fillConvexPoly(self.image, at, paint, cv2.LINE_AA, _SHIFT)

    def _each(self, points: np.ndarray, margin: float = 0.0) -> list[tuple[int, np.ndarray]]:
        """Return (which, points in fixed-point pixels) of many shapes, and their repetitions that can be seen."""
        at = self._fixed(points)
        shapes = list(enumerate(at))
        if self.period == (0, 0):
            return shapes
        low, high = at.min(axis=1) - margin, at.max(axis=1) + margin
        size = np.array([self.image.shape[1], self.image.shape[0]]) * _ONE
        near = ((low < 4 * _ONE) | (high > size - 4 * _ONE)).any(axis=1)
        shapes = [(k, shape) for k, shape in shapes if not near[k]]
        for k in np.flatnonzero(near):
            moves = self._repeats(low[k, 0], low[k, 1], high[k, 0], high[k, 1])
            shapes += [(int(k), at[k] + np.multiply(move, _ONE, dtype=np.int32)) for move in moves]
        return sorted(shapes, key=lambda shape: shape[0])

    def polygons(self, points: np.ndarray, colours: Sequence[Sequence[float]]) -> None:
        """Fill m polygons given as (m, n, 2) points in units, in order."""
        paints = [self._paint(colour) for colour in colours]
        for k, at in self._each(points):
            cv2.fillPoly(self.image, [at], paints[k], cv2.LINE_AA, _SHIFT)

    def lines(self, points: np.ndarray, colours: Sequence[Sequence[float]], widths: np.ndarray) -> None:
        """Draw m lines given as (m, n, 2) points in units, in order; widths (m,) in units."""
        paints = [self._paint(colour) for colour in colours]
        thick = np.maximum(1, np.rint(np.asarray(widths) * self.scale)).astype(int).tolist()
        for k, at in self._each(points, float(np.max(widths, initial=0.0)) * self._fine):
            cv2.polylines(self.image, [at], False, paints[k], thick[k], cv2.LINE_AA, _SHIFT)

    def disc(self, x: float, y: float, radius: float, colour: Sequence[float]) -> None:
        """Fill a circle; radius in units."""
        size = max(1, round(float(radius) * self._fine))
        paint = self._paint(colour)
        for centre in self._centres(x, y, size):
            cv2.circle(self.image, centre, size, paint, -1, cv2.LINE_AA, _SHIFT)

    def ring(self, x: float, y: float, radius: float, colour: Sequence[float], width: float = 1.0) -> None:
        """Draw a circle's outline; radius and width in units."""
        size = max(1, round(float(radius) * self._fine))
        paint = self._paint(colour)
        for centre in self._centres(x, y, size + width * self._fine):
            cv2.circle(self.image, centre, size, paint, self._width(width), cv2.LINE_AA, _SHIFT)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Sequence[float], angle: float = 0.0) -> None:
        """Fill an ellipse with half axes rx and ry in units, turned clockwise by degrees."""
        axes = (max(1, round(float(rx) * self._fine)), max(1, round(float(ry) * self._fine)))
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
        reach = max(1, round(float(radius) * self.scale))
        tint = np.diag([float(c * strength) / 255.0 for c in colour])
        patch = cv2.transform(_glow_profile(reach), tint)
        high, wide = self.image.shape[:2]
        for cx, cy in self._centres(x, y, reach * _ONE):
            column, row = (cx >> _SHIFT) - reach, (cy >> _SHIFT) - reach
            x0, y0 = max(column, 0), max(row, 0)
            x1, y1 = min(column + 2 * reach + 1, wide), min(row + 2 * reach + 1, high)
            if x0 < x1 and y0 < y1:
                target = self.image[y0:y1, x0:x1, :3]
                target[...] = cv2.add(target, patch[y0 - row : y1 - row, x0 - column : x1 - column])


@lru_cache(maxsize=512)
def _glow_profile(reach: int) -> np.ndarray:
    """Draw a round white light that fades to nothing at its edge: uint8 (2 reach + 1, 2 reach + 1, 3)."""
    axis = np.arange(-reach, reach + 1) / reach
    fade = np.clip(1.0 - np.hypot(axis[:, None], axis[None, :]), 0.0, 1.0) ** 2
    return np.repeat(np.rint(255.0 * fade)[..., None], 3, axis=2).astype(np.uint8)
