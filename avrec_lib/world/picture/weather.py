"""The setting over every picture: clear, fog, snow, rain, starlight or ember."""

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from avrec_lib.world.picture.canvas import SIZE, Layer, lay_over, periodic_layer
from avrec_lib.world.picture.canvas import tile_noise as noise
from avrec_lib.world.picture.look import LUMA, Look, mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["Weather", "prepare_weather", "setting_matrix"]

Weather = Callable[[np.ndarray, float], None]
"""Changes a frame in place, given the time in seconds."""


def setting_matrix(setting: str) -> np.ndarray:
    """Return the light of a setting, apart from what falls or flies.

    Parameters
    ----------
    setting : str
        One of ``SETTINGS``.

    Returns
    -------
    ndarray float64 (3, 4)
        Multiplies (red, green, blue, 1), in units of [0, 255].
    """
    # Each row: share of one-colour light, its colour, gain, and light added to the shadows.
    share, tone, gain, lift = {
        "clear": (0.0, (1.0, 1.0, 1.0), 1.0, (0.0, 0.0, 0.0)),
        "fog": (0.35, (0.98, 1.0, 1.02), 0.92, (14.0, 15.0, 16.0)),
        "snow": (0.30, (0.94, 1.0, 1.10), 0.84, (10.0, 13.0, 18.0)),
        "rain": (0.42, (0.84, 0.98, 1.10), 0.72, (4.0, 6.0, 9.0)),
        "starlight": (0.66, (0.50, 0.68, 1.30), 0.60, (3.0, 5.0, 20.0)),
        "ember": (0.58, (1.36, 0.86, 0.48), 0.78, (16.0, 4.0, 0.0)),
    }[setting]
    matrix = gain * ((1.0 - share) * np.eye(3) + share * np.outer(tone, LUMA))
    return np.hstack([matrix, np.array(lift)[:, None]])


def prepare_weather(setting: str, look: Look, rng: np.random.Generator) -> Weather:
    """Prepare what a setting lays over each frame.

    Parameters
    ----------
    setting : str
        One of ``SETTINGS``.
    look : Look
        The clip's colours: fog takes its colour from the mood.
    rng : Generator
        Source of randomness.

    Returns
    -------
    callable
        Changes a frame in place, given the time in seconds.
    """
    makers: dict[str, Callable[[Look, np.random.Generator], Weather]] = {
        "clear": _clear,
        "fog": _fog,
        "snow": _snow,
        "rain": _rain,
        "starlight": _starlight,
        "ember": _ember,
    }
    return makers[setting](look, rng)


def _clear(look: Look, rng: np.random.Generator) -> Weather:
    def nothing(frame: np.ndarray, time: float) -> None:
        return None

    return nothing


def _fog(look: Look, rng: np.random.Generator) -> Weather:
    colour = np.array(mix("#838a92", "#e2dccc", look.mood))
    seed = int(rng.integers(4))
    banks = []
    for k, (thin, thick) in enumerate([(0.26, 0.56), (0.0, 0.46)]):
        opacity = thin + (thick - thin) * noise(400 + 2 * seed + k, roughness=2.2, stretch=0.4)
        premultiplied = np.rint(opacity[..., None] * colour).astype(np.uint8)
        banks.append(Layer(premultiplied, np.rint(255.0 * opacity).astype(np.uint8), (True, True)))
    x, y = rng.uniform(0.0, 256.0, 2)
    drift = rng.choice([-1.0, 1.0])

    def veil(frame: np.ndarray, time: float) -> None:
        banks[0].draw(frame, x + 5.0 * drift * time, y)
        banks[1].draw(frame, x - 7.0 * drift * time, y + 90.0 + 2.0 * time)

    return veil


def _snow(look: Look, rng: np.random.Generator) -> Weather:
    x, y = rng.uniform(0.0, SIZE, 2)
    sway = rng.uniform(0.0, 2.0 * np.pi, 3)
    wind = rng.uniform(-7.0, 7.0)

    def flakes(frame: np.ndarray, time: float) -> None:
        for k, (speed, swing) in enumerate([(17.0, 2.0), (27.0, 3.0), (40.0, 4.5)]):
            at = x + wind * (k + 1.0) / 2.0 * time + swing * np.sin(1.7 * time + sway[k])
            _flakes(k).draw(frame, round(at), round(y + speed * time))

    return flakes


@lru_cache(maxsize=3)
def _flakes(depth: int) -> Layer:
    rng = np.random.default_rng([31, depth])
    count, radius = [(64, 0.75), (34, 1.25), (13, 2.1)][depth]

    def paint(pen: Pen) -> None:
        for x, y, size in rng.uniform([0, 0, 0.75], [SIZE, SIZE, 1.25], (count, 3)):
            pen.disc(x, y, radius * size, (244, 248, 255))

    return periodic_layer(paint, width=SIZE, height=SIZE, blur=0.35 + 0.15 * depth)


_RAIN_SLANT = 0.22


def _rain(look: Look, rng: np.random.Generator) -> Weather:
    start = rng.uniform(0.0, SIZE, (3, 2))
    side = rng.choice([-1.0, 1.0])
    splash_rng = np.random.default_rng(rng.integers(2**31))

    def streaks(frame: np.ndarray, time: float) -> None:
        for k, speed in enumerate([150.0, 205.0, 270.0]):
            x, y = start[k]
            _streaks(k, side > 0).draw(frame, round(x + side * _RAIN_SLANT * speed * time), round(y + speed * time))
        pen = Pen(frame)
        for x, y in splash_rng.uniform([2, 88], [126, 126], (5, 2)):
            size = 1.0 + 2.2 * (y - 86.0) / 40.0
            pen.line(
                [(x - size, y), (x - 0.4 * size, y + 0.35 * size), (x + 0.4 * size, y + 0.35 * size), (x + size, y)],
                (188, 202, 214),
            )

    return streaks


@lru_cache(maxsize=6)
def _streaks(depth: int, to_right: bool) -> Layer:
    rng = np.random.default_rng([37, depth])
    count, length, strength = [(54, 9.0, 0.30), (34, 14.0, 0.42), (15, 20.0, 0.58)][depth]
    slant = _RAIN_SLANT if to_right else -_RAIN_SLANT

    def paint(pen: Pen) -> None:
        for x, y, part in rng.uniform([0, 0, 0.7], [SIZE, SIZE, 1.3], (count, 3)):
            pen.line([(x, y), (x + slant * length * part, y + length * part)], (206, 220, 236), 0.5 + 0.25 * depth)

    return periodic_layer(paint, width=SIZE, height=SIZE, strength=strength)


def _starlight(look: Look, rng: np.random.Generator) -> Weather:
    pick = int(rng.integers(4))
    fields = [_stars(pick, k) for k in range(3)]
    phase, rhythm = rng.uniform(0.0, 2.0 * np.pi, 3), rng.uniform(2.2, 4.2, 3)

    def twinkle(frame: np.ndarray, time: float) -> None:
        for field, start, pulse in zip(fields, phase, rhythm, strict=True):
            cv2.addWeighted(frame, 1.0, field, 0.66 + 0.34 * float(np.sin(start + pulse * time)), 0.0, dst=frame)

    return twinkle


@lru_cache(maxsize=12)
def _stars(pick: int, part: int) -> np.ndarray:
    """Draw a third of a sky full of stars, denser towards the top: uint8 (128, 128, 3)."""
    rng = np.random.default_rng([41, pick, part])
    image = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
    pen = Pen(image)
    place = rng.random((34, 2)) ** [1.0, 1.7] * SIZE
    for (x, y), size in zip(place, rng.pareto(2.2, 34) + 0.55, strict=True):
        size = min(size, 2.6)
        tone = mix("#ffe9c9", "#cfe0ff", rng.random())
        pen.disc(x, y, 0.42 * min(size, 1.6), tone)
        if size > 1.25:
            pen.glow(x, y, 2.2 * size, tone, 0.5)
            pen.line([(x - 1.7 * size, y), (x + 1.7 * size, y)], mix("#000000", tone, 0.55))
            pen.line([(x, y - 1.7 * size), (x, y + 1.7 * size)], mix("#000000", tone, 0.55))
    return image


def _ember(look: Look, rng: np.random.Generator) -> Weather:
    x, y = rng.uniform(0.0, SIZE, 2)
    sway = rng.uniform(0.0, 2.0 * np.pi, 3)
    glow = _ember_glow()

    def sparks(frame: np.ndarray, time: float) -> None:
        cv2.addWeighted(frame, 1.0, glow, 0.85 + 0.15 * float(np.sin(2.1 * time + sway[0])), 0.0, dst=frame)
        for k, (speed, swing) in enumerate([(16.0, 2.0), (27.0, 3.0), (42.0, 4.5)]):
            at = x + swing * np.sin(2.3 * time + sway[k]) + 4.0 * (k - 1) * time
            light, keep = _sparks(k)
            column, row = round(-at) % SIZE, round(-(y - speed * time)) % SIZE
            window = (slice(row, row + SIZE), slice(column, column + SIZE))
            lay_over(frame, light[window], keep[window])

    return sparks


@lru_cache(maxsize=1)
def _ember_glow() -> np.ndarray:
    """Draw a fire's light from below: uint8 (128, 128, 3)."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / (SIZE - 1.0)
    strength = np.clip(1.15 - np.hypot((x - 0.5) * 0.9, (1.06 - y) * 1.05), 0.0, 1.0) ** 2
    return np.rint(strength[..., None] * np.array([104.0, 40.0, 4.0])).astype(np.uint8)


@lru_cache(maxsize=3)
def _sparks(depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw flying sparks: their light and what they leave of the picture, each uint8 (256, 256, 3)."""
    rng = np.random.default_rng([43, depth])
    count, radius = [(40, 0.45), (22, 0.7), (9, 1.05)][depth]
    image = np.zeros((2 * SIZE, 2 * SIZE, 4), dtype=np.uint8)
    pen = Pen(image, 2.0, 0.0, 0.0, (2 * SIZE, 2 * SIZE))
    for x, y, heat in rng.uniform([0, 0, 0], [SIZE, SIZE, 1], (count, 3)):
        pen.glow(x, y, 3.6 * radius + 1.0, (255, 110, 20), 0.75)
        pen.disc(x, y, radius, mix("#ff9a2e", "#fff0a8", heat))
    small = np.tile(cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA), (2, 2, 1))
    keep = np.repeat(255 - small[..., 3:], 3, axis=2)
    return np.ascontiguousarray(small[..., :3]), np.ascontiguousarray(keep)
