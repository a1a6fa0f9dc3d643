"""Racing cars seen from the track side."""

import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import FPS, SIZE, pair
from avrec_lib.world.picture.look import mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["motor_race"]


def motor_race(shot: Shot) -> Painter:
    """Prepare racing cars that the camera follows past the stands."""
    rng, look = shot.rng, shot.look
    period = 256.0
    stops = [
        (0, look.between("#6a7c92", "#4aa6f0")),
        (34, look.between("#a4b0ba", "#cfeefc")),
        (92, look.between("#4c5058", "#7a7c84")),
        (128, look.between("#383c44", "#5c5e68")),
    ]
    crowd = ("#e8e4da", "#e84a4a", "#3a78d8", "#f4c83a", "#4ab06a", "#f08ab0", "#2c3444")
    boards = ("#d8342c", "#f4f0e4", "#1c5cc0", "#f4c020", "#168a5a", "#22242c")

    def paint(p: Pen) -> None:
        for x in np.arange(0.0, period, 64.0):
            p.polygon([(x + 4, 26), (x + 60, 20), (x + 60, 24), (x + 4, 30)], look.between("#8a9098", "#f0f2f4"))
            p.line([(x + 8, 28), (x + 8, 66)], (120, 124, 132), 1.2)
            p.box(x + 2, 34, x + 62, 68, look.between("#4a4e5a", "#5c6070"))
            for row in range(6):
                for at in np.arange(x + 4 + (row % 2) * 1.6, x + 61, 3.2):
                    tone = mix(crowd[int(rng.integers(7))], "#5c6070", 0.25 + 0.35 * (1 - look.mood))
                    p.disc(at, 37.5 + 5 * row, 1.35, tone)
                p.line([(x + 2, 40.5 + 5 * row), (x + 62, 40.5 + 5 * row)], (58, 60, 70), 0.5)
        for x in np.arange(30.0, period, 128.0):
            p.line([(x, 10), (x, 68)], (210, 210, 214), 1.0)
            for k in range(12):
                p.box(
                    x + 0.8 + 1.6 * (k % 6),
                    11 + 3 * (k // 6),
                    x + 2.4 + 1.6 * (k % 6),
                    14 + 3 * (k // 6),
                    (20, 20, 24) if (k + k // 6) % 2 else (250, 250, 250),
                )
        for k, x in enumerate(np.arange(0.0, period, 32.0)):
            tone = mix(boards[(3 * k + shot.index) % 6], "#70747c", 0.3 * (1 - look.mood))
            p.box(x, 68, x + 32, 78, tone)
            letters = mix(tone, "#ffffff" if sum(tone) < 420 else "#20242c", 0.85)
            for j in range(5):
                p.box(x + 5 + 4.6 * j, 71, x + 8 + 4.6 * j, 75.4, letters)
        p.box(-1, 78, period + 1, 80.5, (190, 194, 198))
        p.box(-1, 80.5, period + 1, 87, look.between("#4e6a48", "#5cb23e"))
        for k, x in enumerate(np.arange(0.0, period, 8.0)):
            p.box(x, 87, x + 8, 90, (226, 40, 36) if k % 2 else (246, 244, 240))
            p.polygon(
                [(x, 121), (x + 8, 121), (x + 8, 127), (x, 127)], (226, 40, 36) if (k // 2) % 2 else (246, 244, 240)
            )
        for x, y, w in rng.uniform([0, 92, 10], [period, 119, 40], (60, 3)):
            p.line([(x, y), (x + w, y)], mix("#202228", "#9a9ca4", rng.random()), 0.6)
        for x in np.arange(0.0, period, 32.0):
            p.box(x, 104.2, x + 16, 105.2, (222, 222, 218))

    track = shot.wall(stops, paint, period)
    teams = ("#e02020", "#1560d8", "#ffb800", "#00a878", "#ff6a00", "#f4f4f4")
    order = rng.permutation(6)
    cars = [(94.0, 0.82, 0), (101.0, 0.96, 1), (111.0, 1.14, 2)]
    place, sway = rng.uniform(0.18, 0.82, 3), rng.uniform(0, 6, 3)
    forward = -np.sign(shot.velocity[0]) or 1.0
    view = SIZE / shot.zoom

    spoke = np.full(2, 0.6)

    def car(p: Pen, x: float, y: float, s: float, colour: tuple[float, float, float], spin: float, jolt: float) -> None:
        def at(points: list[tuple[float, float]]) -> np.ndarray:
            return np.array([(x + forward * s * a, y + s * (b + jolt)) for a, b in points])

        p.oval(x, y + 5.0 * s, 24 * s, 2.0 * s, (26, 27, 32))
        p.polygon(at([(-21, -8), (-14, -8), (-14, -5.6), (-21, -5.6)]), mix(colour, "#000000", 0.35))
        p.polygon(at([(-20, -6), (-18.4, -6), (-17, 1), (-19.4, 1)]), (30, 30, 34))
        p.polygon(
            at(
                [
                    (-20, 0.5),
                    (-15, -3),
                    (-5, -6.2),
                    (-1.5, -6.4),
                    (1, -2.6),
                    (10, -1.6),
                    (23, 1.2),
                    (23, 3.2),
                    (-20, 3.6),
                ]
            ),
            colour,
        )
        p.polygon(at([(-15, -2.6), (-5, -5.4), (-3, -5.6), (-4, -1), (-14, 0)]), mix(colour, "#ffffff", 0.35))
        p.polygon(at([(-14, 1.6), (12, 1.6), (20, 2.6), (-16, 3.6)]), mix(colour, "#000000", 0.45))
        p.disc(*pair(at([(1.6, -4.4)])[0]), 2.3 * s, (250, 240, 90))
        p.polygon(at([(2.0, -5.2), (4.0, -4.8), (3.8, -3.6), (2.0, -3.6)]), (30, 34, 50))
        p.polygon(at([(19, 3.2), (25.5, 3.0), (25.5, 4.6), (19, 4.6)]), mix(colour, "#000000", 0.25))
        p.disc(*pair(at([(-4, -1.6)])[0]), 2.1 * s, (250, 250, 250))
        for a in (-13.0, 14.0):
            centre = (x + forward * s * a, y + 1.2 * s)
            p.disc(*centre, 4.6 * s, (20, 20, 24))
            p.disc(*centre, 2.4 * s, (120, 122, 130))
            arm = 2.2 * s * np.array([np.cos(spin), np.sin(spin)])
            cross = np.array([-arm[1], arm[0]])
            p.lines(
                np.array([[centre - arm, centre + arm], [centre - cross, centre + cross]]),
                [(60, 62, 68)] * 2,
                spoke * s,
            )
            p.disc(*centre, 0.8 * s, colour)

    def frame_at(time: float) -> np.ndarray:
        frame = np.empty((SIZE, SIZE, 3), dtype=np.uint8)
        track.draw(frame, *shot.shift(time))
        pen = shot.pen(frame)
        for (y, size, k), where, start in zip(cars, place, sway, strict=True):
            x = shot.left + view * (where + 0.10 * np.sin(0.9 * shot.rate * (time - shot.start) + start))
            colour = mix("#6a6c74", teams[int(order[k])], 0.55 + 0.45 * look.mood)
            behind = x - forward * 24 * size
            for j in range(2):
                yy = y + size * (1.5 + j * 2.0)
                pen.line(
                    [(behind, yy), (behind - forward * (10 + 5 * ((j * 7 + int(time * FPS)) % 3)), yy)],
                    (176, 178, 186),
                    0.6,
                )
            car(pen, float(x), y, size, colour, 17.0 * time * forward * shot.rate, 0.25 * np.sin(19 * time + start))
        return frame

    return frame_at
