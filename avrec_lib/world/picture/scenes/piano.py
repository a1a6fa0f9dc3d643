"""A keyboard under the moon."""

import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import SIZE
from avrec_lib.world.picture.look import mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["nocturne_piano"]

_KEY = 9.0


_OCTAVE_BLACK = (0, 1, 3, 4, 5)


def nocturne_piano(shot: Shot) -> Painter:
    """Prepare a keyboard under a window with the moon, seen by a camera that glides along it."""
    rng, look = shot.rng, shot.look
    period = 21 * _KEY
    sky = shot.backdrop(
        [
            (0, look.between("#0a1024", "#272b74")),
            (34, look.between("#1a2748", "#6a4f9e")),
            (60, look.between("#2b3c5c", "#d58aa0")),
        ]
    )
    pen = shot.pen(sky)
    moon = (shot.left + rng.uniform(0.3, 0.7) * SIZE / shot.zoom, 22.0 + 0.35 * shot.top)
    for x, y in rng.uniform([shot.left, 0], [shot.left + SIZE / shot.zoom, 48], (26, 2)):
        pen.disc(x, y, 0.35, (190, 200, 235))
    pen.glow(*moon, 46.0, look.between("#4a5c86", "#8f7f8c"))
    pen.disc(*moon, 10.5, look.between("#cfd9ea", "#fff3cf"))
    for x, y, r in ((-3.0, -2.0, 2.2), (2.5, 3.0, 1.7), (4.0, -4.0, 1.2)):
        pen.disc(moon[0] + x, moon[1] + y, r, look.between("#b7c3da", "#f3e0b4"))

    def paint_keys(p: Pen) -> None:
        p.box(-1, 56, period + 1, 130, (10, 10, 16))
        wood = look.between("#120f18", "#3a1c22")
        p.box(-1, 50, period + 1, 74, wood)
        p.box(-1, 50, period + 1, 51.5, mix(wood, "#b8c4e0", 0.45))
        for k in range(21):
            p.box(k * _KEY + 0.6, 57.0, (k + 1) * _KEY - 0.6, 72.5, mix(wood, "#dfe4f4", 0.10))
        for k in range(3):
            p.box(k * 63.0 + 30.0, 50.0, k * 63.0 + 33.0, 0.0, mix(wood, "#000000", 0.35))
            p.box(k * 63.0 + 30.0, 0.0, k * 63.0 + 30.7, 50.0, mix(wood, "#b8c4e0", 0.30))
        p.box(-1, 71.8, period + 1, 74.2, look.between("#4a2138", "#a33348"))
        ivory = look.between("#c6d0e2", "#fff6e6")
        for step in range(21):
            shade = max(0.0, 0.56 - 0.032 * step)
            p.box(-1, 74.2 + 2.0 * step, period + 1, 76.5 + 2.0 * step, mix(ivory, "#2a3050", shade))
        p.box(-1, 115.8, period + 1, 117.0, mix(ivory, "#ffffff", 0.7))
        p.box(-1, 117.0, period + 1, 123.0, mix(ivory, "#30364e", 0.42))
        for k in range(21):
            p.box(k * _KEY - 0.35, 74.2, k * _KEY + 0.35, 123.0, (34, 36, 50))

    def paint_black(p: Pen) -> None:
        for octave in range(3):
            for k in _OCTAVE_BLACK:
                x = (octave * 7 + k + 1) * _KEY
                p.polygon([(x - 2.9, 74), (x + 2.9, 74), (x + 3.1, 100), (x - 3.1, 100)], (12, 12, 20))
                p.polygon([(x - 2.1, 74), (x + 2.1, 74), (x + 2.0, 95.5), (x - 2.0, 95.5)], (38, 40, 56))
                p.polygon(
                    [(x - 1.6, 76), (x - 0.6, 76), (x - 0.6, 94), (x - 1.6, 94)], look.between("#5d6c90", "#9a86a4")
                )

    keys, black = shot.layer(paint_keys, period), shot.layer(paint_black, period)
    n_notes = int(4 + (shot.stop - shot.start) * (1.6 + 2.2 * shot.rate))
    begin = np.sort(rng.uniform(shot.start - 0.5, shot.stop, n_notes))
    hold = rng.uniform(0.35, 0.9, n_notes)
    home = (shot.left + rng.uniform(0.2, 0.8) * SIZE / shot.zoom) / _KEY - shot.velocity[0] * begin / shot.zoom / _KEY
    which = np.floor(home + rng.normal(0.0, 3.2, n_notes)) % 21
    lit = look.between("#6fa0ff", "#ffc46b")

    def frame_at(time: float) -> np.ndarray:
        frame = sky.copy()
        x, y = shot.shift(time)
        keys.draw(frame, x, y)
        pen = shot.pen(frame)
        active = np.flatnonzero((begin <= time) & (time < begin + hold))
        places = shot.carried(which[active] * _KEY, time, period)
        strength = 1.0 - 0.6 * (time - begin[active]) / hold[active]
        for at, power in zip(places, strength, strict=True):
            pen.box(at + 0.35, 74.2, at + _KEY - 0.35, 117.5, mix("#c9d3e6", lit, 0.35 + 0.6 * power))
            pen.box(at + 0.35, 117.5, at + _KEY - 0.35, 123.0, mix("#20263a", lit, 0.3))
        black.draw(frame, x, y)
        for at, power in zip(places, strength, strict=True):
            pen.glow(at + _KEY / 2, 98.0, 21.0, lit, 0.34 * power)
            pen.glow(at + _KEY / 2, 64.0, 13.0, lit, 0.30 * power)
        return frame

    return frame_at
