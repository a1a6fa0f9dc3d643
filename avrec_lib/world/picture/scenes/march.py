"""A marching band in a street with flags."""

import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import SIZE
from avrec_lib.world.picture.look import mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["brass_march"]


def brass_march(shot: Shot) -> Painter:
    """Prepare ranks of players with horns and flags in a street, filmed from a moving car."""
    rng, look = shot.rng, shot.look
    period = 240.0
    coat = mix(look.between("#3d4a72", "#d8283a"), ("#20508c", "#c8242e", "#2a7a4a")[int(rng.integers(3))], 0.45)
    gold = look.between("#a8904e", "#ffcf3e")
    stops = [
        (0, look.between("#5a6880", "#4aa8ec")),
        (70, look.between("#8c97a6", "#d6f0ff")),
        (98, look.between("#6a7078", "#e8dcc4")),
        (128, look.between("#40464e", "#b4a488")),
    ]
    houses = rng.uniform(0.0, 1.0, (9, 4))
    widths = 0.7 + houses[:, 0]
    edges = np.concatenate([[0.0], np.cumsum(widths)]) / widths.sum() * period
    tones = (("#6b5a58", "#f2b27a"), ("#4e5c66", "#f7d9a0"), ("#5c4a50", "#e88a78"), ("#56604e", "#b8d48a"))

    def paint(p: Pen) -> None:
        for k in range(9):
            x0, x1, roof = edges[k], edges[k + 1], 22.0 + 20.0 * houses[k, 1]
            wall = look.between(*tones[int(4 * houses[k, 2])])
            p.box(x0, roof, x1, 92, wall)
            p.polygon(
                [(x0 - 1, roof), ((x0 + x1) / 2, roof - 9 * houses[k, 3] - 2), (x1 + 1, roof)],
                mix(wall, "#3a1c1c", 0.5),
            )
            for x in np.arange(x0 + 4, x1 - 5, 8.0):
                for y in np.arange(roof + 5, 70, 13.0):
                    p.box(x, y, x + 4.5, y + 7.5, mix(wall, "#1c2c44", 0.55))
                    p.box(x, y + 7.5, x + 4.5, y + 8.4, mix(wall, "#ffffff", 0.5))
        p.box(-1, 92, period + 1, 97, look.between("#50545a", "#c8b89c"))
        for x in np.arange(0.0, period, 4.0):
            head = rng.uniform(84.5, 87.5)
            p.oval(x + 1, 93, 2.4, 5, mix(look.between("#39404a", "#c86a5a"), "#3a6ab0", rng.random()))
            p.disc(x + 1, head, 1.7, (214, 170, 138))
        for x in np.arange(0.0, period, 20.0):
            p.line([(x, 112), (x + 10, 112)], look.between("#7c8288", "#fff4dc"), 1.0)
        t = np.linspace(0.0, 1.0, 13)
        for x in np.arange(0.0, period, 60.0):
            rope = np.stack([x + 60 * t, 16 + 9 * np.sin(np.pi * t)], axis=1)
            p.line(rope, (60, 56, 60), 0.6)
            for k in range(12):
                tone = (coat, gold, (240, 240, 236))[k % 3]
                a, b = rope[k], rope[k + 1]
                p.polygon([a, b, (a + b) / 2 + [0, 7]], tone)

    street = shot.wall(stops, paint, period)
    gap = 24.0
    ranks = np.arange(0.0, period, gap)
    kinds = rng.permutation(np.arange(len(ranks)) % 4)
    beat = 1.75 * shot.rate**0.4

    def legs(p: Pen, x: float, step: float) -> None:
        for side in (-1.0, 1.0):
            hip, lift = x + side * 1.8, max(0.0, side * step)
            knee, foot = (hip + 3.5 * lift, 106 - 4.0 * lift), (hip + 0.8 * lift, 117 - 6.5 * lift)
            p.line([(hip, 97), knee, foot], (236, 236, 232), 3.2)
            p.oval(foot[0] + 1.0, foot[1] + 0.6, 2.8, 1.5, (24, 22, 26))

    def body(p: Pen, x: float, kind: int) -> None:
        p.polygon([(x - 5.4, 77), (x + 5.4, 77), (x + 4.6, 99), (x - 4.6, 99)], coat)
        p.line([(x - 4.5, 78), (x + 4.2, 95)], (244, 240, 230), 1.5)
        p.box(x - 5.0, 94, x + 5.0, 96.2, gold)
        p.oval(x - 5.4, 78.4, 2.2, 1.2, gold)
        p.oval(x + 5.4, 78.4, 2.2, 1.2, gold)
        p.disc(x, 71.5, 4.2, (222, 174, 140))
        p.polygon([(x - 4.4, 69.5), (x - 4.0, 60.5), (x + 4.0, 60.5), (x + 4.4, 69.5)], coat)
        p.box(x - 4.6, 67.8, x + 4.8, 69.6, gold)
        p.oval(x, 56.5, 1.8, 4.6, (250, 248, 240))
        if kind == 0:  # A trumpet held level.
            p.line([(x + 2, 73.5), (x + 15, 72)], gold, 1.6)
            p.polygon([(x + 13, 71), (x + 18, 68), (x + 18, 76), (x + 13, 73.4)], gold)
            p.line(
                [(x + 5, 73), (x + 7, 77), (x + 11, 76.6), (x + 11, 72.4)],
                mix(gold, "#7a4a10", 0.4),
                1.0,
            )
            p.line([(x - 4, 81), (x + 4, 82), (x + 7, 76)], mix(coat, "#000000", 0.25), 2.6)
        elif kind == 1:  # A sousaphone around the shoulders.
            p.ring(x, 84, 8.6, gold, 2.6)
            p.line([(x + 7.5, 80), (x + 7.0, 63)], gold, 3.0)
            p.oval(x + 6.4, 58.5, 8.6, 7.4, gold)
            p.oval(x + 6.4, 58.5, 6.4, 5.3, mix(gold, "#7a4a10", 0.55))
        elif kind == 2:  # A big drum.
            p.disc(x + 3, 87, 9.4, mix(coat, "#000000", 0.2))
            p.disc(x + 3, 87, 8.2, (244, 238, 224))
            p.ring(x + 3, 87, 8.6, gold, 1.2)
            p.line([(x - 5, 80), (x - 1, 86)], (120, 80, 50), 1.2)
        else:  # A flag.
            p.line([(x + 6, 100), (x + 6, 36)], (92, 62, 40), 1.3)
            p.disc(x + 6, 35.5, 1.5, gold)

    def flag(p: Pen, x: float, y: float, wave: float) -> None:
        t = np.linspace(0.0, 1.0, 7)
        ripple = 1.8 * np.sin(5.0 * t + wave) * t**0.5
        top = np.stack([x + 6 + 20 * t, 38 + ripple + y], axis=1)
        bottom = np.stack([x + 6 + 20 * t, 52 + ripple + y], axis=1)
        p.polygon(np.concatenate([top, bottom[::-1]]), coat)
        down = np.array([0.0, 4.6])
        p.polygon(np.concatenate([top + down, bottom[::-1] - down]), (244, 240, 230))

    def rank(p: Pen, odd: int) -> None:
        for k in range(odd, len(ranks), 2):
            body(p, ranks[k], int(kinds[k]))

    rows = [shot.layer(lambda p: rank(p, 0), period), shot.layer(lambda p: rank(p, 1), period)]

    def frame_at(time: float) -> np.ndarray:
        frame = np.empty((SIZE, SIZE, 3), dtype=np.uint8)
        dx, dy = shot.shift(time)
        street.draw(frame, dx, dy)
        pen = shot.pen(frame)
        step = float(np.sin(np.pi * beat * time))
        right = shot.left + SIZE / shot.zoom + 12
        seen = [(k, float(x)) for k, x in enumerate(shot.carried(ranks, time, period)) if x < right]
        for k, x in seen:
            pen.oval(x + 1, 118, 7.5, 1.8, mix(stops[3][1], "#000000", 0.35))
            legs(pen, x, step if k % 2 else -step)
        # Who marches stands a little higher in the middle of a step.
        up = 0.9 * abs(step)
        for row in rows:
            row.draw(frame, dx, dy - up * shot.zoom)
        for k, x in seen:
            if kinds[k] == 3:
                flag(pen, x, -up, 2.0 * np.pi * beat * time + k)
        return frame

    return frame_at
