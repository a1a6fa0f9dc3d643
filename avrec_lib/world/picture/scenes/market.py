"""Market stalls with awnings, fruit and people."""

import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import SIZE
from avrec_lib.world.picture.look import mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["market"]


def market(shot: Shot) -> Painter:
    """Prepare stalls with striped awnings, fruit and people, passed at walking pace."""
    rng, look = shot.rng, shot.look
    period = 216.0
    stops = [
        (0, look.between("#5c6c86", "#5cb4f0")),
        (40, look.between("#8c98a6", "#dcf0fa")),
        (100, look.between("#6c6660", "#d8b48c")),
        (128, look.between("#4c4844", "#b08a62")),
    ]
    cloths = ("#e0403a", "#2a8a5c", "#2a6ac0", "#f0a020", "#8a4ab0", "#e0609a")
    order = rng.permutation(6)
    fruits = ("#e83a2c", "#ff9a1a", "#ffd83a", "#7cc83a", "#8a3aa0", "#c8202c", "#f4c46a")

    def figure(
        p: Pen,
        x: float,
        y: float,
        size: float,
        coat: tuple[float, float, float],
        skin: tuple[float, float, float],
        step: float = 0.0,
    ) -> None:
        p.line(
            [(x - 1.4 * size, y), (x - 1.4 * size - 2.2 * step * size, y + 11 * size)],
            mix(coat, "#101018", 0.6),
            2.6 * size,
        )
        p.line(
            [(x + 1.4 * size, y), (x + 1.4 * size + 2.2 * step * size, y + 11 * size)],
            mix(coat, "#101018", 0.6),
            2.6 * size,
        )
        p.polygon(
            [
                (x - 3.4 * size, y - 12 * size),
                (x + 3.4 * size, y - 12 * size),
                (x + 4.2 * size, y + 2 * size),
                (x - 4.2 * size, y + 2 * size),
            ],
            coat,
        )
        p.line(
            [(x - 3.2 * size, y - 11 * size), (x - 5.0 * size - step * size, y - 2 * size)],
            mix(coat, "#101018", 0.2),
            2.0 * size,
        )
        p.line(
            [(x + 3.2 * size, y - 11 * size), (x + 5.0 * size + step * size, y - 2 * size)],
            mix(coat, "#101018", 0.2),
            2.0 * size,
        )
        p.disc(x, y - 15.4 * size, 3.3 * size, skin)
        p.oval(x, y - 17.2 * size, 3.4 * size, 2.2 * size, mix("#2c1c14", "#a8702c", rng.random() if not step else 0.3))

    def paint(p: Pen) -> None:
        x = 0.0
        while x < period - 4:
            w, roof = min(rng.uniform(18, 30), period - x), rng.uniform(8, 24)
            wall = look.between(
                *(
                    (("#6a5c5c", "#f0b88a"), ("#5c646e", "#f6dca8"), ("#66585e", "#e89a86"), ("#5a6460", "#bcd0a4"))[
                        int(rng.integers(4))
                    ]
                )
            )
            p.box(x, roof, x + w, 80, wall)
            p.box(x - 1, roof - 2, x + w + 1, roof, mix(wall, "#4a2018", 0.5))
            for wx in np.arange(x + 4, x + w - 5, 8):
                p.box(wx, roof + 6, wx + 4, roof + 14, mix(wall, "#20344c", 0.6))
            x += w
        for k in range(4):
            left = 54.0 * k + 3
            tone = mix("#8a8c90", cloths[int(order[k])], 0.55 + 0.45 * look.mood)
            p.box(left + 1, 52, left + 47, 94, mix(tone, "#1c1410", 0.72))
            for wx in (left + 1, left + 45.6):
                p.box(wx, 48, wx + 1.6, 112, (96, 66, 44))
            figure(p, left + 16 + 14 * (k % 2), 88, 1.0, mix(tone, "#f4f0e4", 0.6), (220, 170, 134))
            for j in range(8):
                cloth = tone if j % 2 == 0 else (250, 246, 234)
                a, b = left - 2 + 6.5 * j, left - 2 + 6.5 * (j + 1)
                p.polygon([(a + 2.2 - 0.55 * j, 38), (b + 1.65 - 0.55 * j, 38), (b, 54), (a, 54)], cloth)
                p.oval((a + b) / 2, 54, 3.25, 3.0, mix(cloth, "#000000", 0.08))
            p.line([(left + 24, 56), (left + 24, 61)], (40, 36, 36), 0.5)
            p.glow(left + 24, 62.5, 13, (255, 190, 90), 0.75)
            p.disc(left + 24, 62.5, 1.8, (255, 236, 180))
            p.box(left - 1, 92, left + 49, 112, (128, 86, 54))
            for j in range(4):
                p.line([(left - 1, 96.5 + 4.5 * j), (left + 49, 96.5 + 4.5 * j)], (92, 60, 38), 0.6)
            for j in range(3):
                fruit = mix("#8a8480", fruits[int(rng.integers(7))], 0.55 + 0.45 * look.mood)
                c = left + 8.5 + 15.6 * j
                p.polygon([(c - 7.4, 88), (c + 7.4, 88), (c + 6.4, 97), (c - 6.4, 97)], (176, 128, 80))
                for row, count in enumerate((5, 4, 3)):
                    for i in range(count):
                        fx, fy = c + (i - (count - 1) / 2) * 3.0, 87.0 - 2.5 * row
                        p.disc(fx, fy, 1.75, mix(fruit, "#000000", 0.12))
                        p.disc(fx - 0.4, fy - 0.5, 1.05, mix(fruit, "#ffffff", 0.28))
        for x, y in rng.uniform([0, 113], [period, 128], (70, 2)):
            p.oval(x, y, rng.uniform(2, 4), 1.0, mix(stops[3][1], "#3a3028", 0.25 + 0.3 * rng.random()))
        t = np.linspace(0, 1, 13)
        for x in np.arange(0.0, period, 54.0):
            rope = np.stack([x + 54 * t, 26 + 7 * np.sin(np.pi * t)], axis=1)
            p.line(rope, (70, 60, 60), 0.5)
            for k in range(0, 12, 2):
                p.polygon(
                    [rope[k], rope[k + 1], (rope[k] + rope[k + 1]) / 2 + [0, 5]],
                    mix("#9a9690", cloths[(k // 2) % 6], 0.5 + 0.5 * look.mood),
                )

    street = shot.wall(stops, paint, period)
    n = 6
    walkers = rng.uniform([0, -1, 0, 0.95], [period, 1, 6, 1.2], (n, 4))
    coats = [
        mix("#6a6870", ("#c84a3a", "#3a6a9a", "#4a7a4a", "#d8a84a", "#7a4a8a", "#3a3a4a")[k], 0.35 + 0.6 * look.mood)
        for k in rng.permutation(6)
    ]
    skins = [((232, 190, 160), (196, 146, 110), (120, 82, 60))[int(k)] for k in rng.integers(3, size=n)]
    bags = rng.random(n) < 0.5
    pace = 0.45 * abs(shot.velocity[0]) / shot.zoom

    def frame_at(time: float) -> np.ndarray:
        frame = np.empty((SIZE, SIZE, 3), dtype=np.uint8)
        street.draw(frame, *shot.shift(time))
        pen = shot.pen(frame)
        for k in range(n):
            x0, way, start, size = walkers[k]
            x = float(shot.carried(x0 + np.sign(way) * pace * time, time, period))
            if x > shot.left + SIZE / shot.zoom + 10:
                continue
            step = np.sin(4.2 * shot.rate**0.6 * time + start)
            pen.oval(x, 124.5, 6.5, 1.5, mix(stops[3][1], "#000000", 0.4))
            figure(pen, x, 112.0 - 0.7 * abs(step), size, coats[k], skins[k], float(step))
            if bags[k]:
                pen.polygon(
                    [(x + 4.4 + step, 109), (x + 8.6 + step, 109), (x + 8.2 + step, 116), (x + 4.8 + step, 116)],
                    (206, 160, 96),
                )
        return frame

    return frame_at
