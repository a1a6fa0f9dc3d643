"""A bench, turning wheels, a saw and a hammer."""

import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import Colour
from avrec_lib.world.picture.look import mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["workshop"]


def _gear(pen: Pen, x: float, y: float, radius: float, teeth: int, turn: float, colour: Colour) -> None:
    """Draw a toothed wheel; turn in radians."""
    angle = turn + np.arange(teeth * 4) * 2 * np.pi / (teeth * 4)
    reach = radius * np.tile([1.0, 1.0, 0.82, 0.82], teeth)
    pen.polygon(np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle)], axis=1), colour)
    pen.disc(x, y, 0.66 * radius, mix(colour, "#000000", 0.28))
    for k in range(5):
        arm = turn + k * 2 * np.pi / 5
        tip = (x + 0.68 * radius * np.cos(arm), y + 0.68 * radius * np.sin(arm))
        pen.line([(x, y), tip], colour, 0.17 * radius)
    pen.disc(x, y, 0.24 * radius, mix(colour, "#ffffff", 0.25))
    pen.disc(x, y, 0.10 * radius, (30, 28, 30))


def workshop(shot: Shot) -> Painter:
    """Prepare a bench under a lamp: wheels turn on the wall, a saw goes, a hammer strikes sparks."""
    rng, look = shot.rng, shot.look
    wall, board = look.between("#4a4c52", "#a87c50"), look.between("#6a5c50", "#d8a868")
    back = shot.backdrop(
        [
            (0, mix(wall, "#000000", 0.35)),
            (50, wall),
            (86, mix(wall, "#000000", 0.15)),
            (128, mix(wall, "#000000", 0.5)),
        ]
    )
    pen = shot.pen(back)
    for x in np.arange(-2.0, 132.0, 16.0):
        pen.line([(x, 0), (x, 90)], mix(wall, "#000000", 0.3), 0.8)
    pen.box(6, 12, 58, 56, mix(board, "#000000", 0.35))
    pen.box(7, 13, 57, 55, mix(board, "#2a2018", 0.18))
    for x in np.arange(10.0, 56.0, 4.0):
        for y in np.arange(16.0, 54.0, 4.0):
            pen.disc(x, y, 0.45, mix(board, "#000000", 0.5))
    steel, grip = look.between("#98a2ae", "#dce4ea"), look.between("#6a4434", "#c8582c")
    # Hanging tools: a spanner, a screwdriver, pliers and a square.
    pen.line([(15, 22), (15, 42)], steel, 2.2)
    pen.ring(15, 20, 2.8, steel, 1.8)
    pen.ring(15, 45, 2.8, steel, 1.8)
    pen.line([(24, 17), (24, 27)], grip, 3.2)
    pen.line([(24, 27), (24, 44)], steel, 1.2)
    pen.line([(32, 44), (34.5, 29), (37, 44)], grip, 1.8)
    pen.polygon([(33, 30), (36, 30), (35.4, 20), (33.6, 20)], steel)
    pen.polygon([(43, 18), (46, 18), (46, 42), (55, 42), (55, 45), (43, 45)], steel)
    pen.box(-4, 60, 62, 63, mix(board, "#000000", 0.25))
    for x, tone in zip((8, 17, 26, 35, 44), ("#c83a2c", "#2a6a9a", "#e8b83a", "#4a8a4a", "#e0e0da"), strict=True):
        pen.box(x, 50.5 + 2, x + 6.5, 60, mix("#70747a", tone, 0.4 + 0.5 * look.mood))
        pen.box(x + 0.4, 51.2, x + 6.1, 53.2, (216, 216, 210))
    pen.box(-4, 92, 132, 97, mix(board, "#ffffff", 0.12))
    pen.box(-4, 97, 132, 110, board)
    for y in (99.0, 101.6, 104.0, 107.0):
        x = np.linspace(-4, 132, 30)
        pen.line(np.stack([x, y + 0.5 * np.sin(x / 9 + y)], axis=1), mix(board, "#4a2c14", 0.35), 0.5)
    pen.box(-4, 110, 132, 112, mix(board, "#000000", 0.5))
    for x in (8.0, 108.0):
        pen.box(x, 112, x + 12, 132, mix(board, "#000000", 0.4))
    for x, y in rng.uniform([4, 88], [124, 92], (40, 2)):
        pen.oval(x, y + 3, 1.2, 0.6, mix(board, "#fff0c8", 0.45), float(rng.uniform(0, 180)))
    # The lamp and its cone of light.
    lamp = (92.0 + rng.uniform(-6, 6), 12.0)
    cone = np.zeros_like(back)
    shot.pen(cone).polygon(
        [(lamp[0] - 6, 14), (lamp[0] + 6, 14), (lamp[0] + 44, 96), (lamp[0] - 44, 96)],
        look.between("#20242a", "#3c2c14"),
    )
    back += np.minimum(cone, 255 - back)
    pen.line([(lamp[0], -4), (lamp[0], 8)], (40, 38, 40), 0.8)
    pen.polygon(
        [(lamp[0] - 3, 6), (lamp[0] + 3, 6), (lamp[0] + 8, 14), (lamp[0] - 8, 14)], look.between("#3a4a4a", "#2a7a5c")
    )
    pen.disc(lamp[0], 14.5, 2.4, (255, 240, 190))
    pen.glow(lamp[0], 15.0, 20.0, look.between("#60686e", "#a08040"))
    wheels = [(78.0, 44.0, 15.0, 14, 1.0), (101.5, 56.0, 12.0, 11, -14 / 11), (70.0, 68.5, 10.0, 9, -14 / 9)]
    metals = [
        look.between("#7a7c80", "#d8a03c"),
        look.between("#6a7684", "#b0bcc8"),
        look.between("#7a6050", "#c86c3a"),
    ]
    beat = 1.05 * shot.rate**0.8
    phase = rng.uniform(0, 1)
    directions = rng.uniform([-2.9, 22], [-0.2, 46], (16, 2))

    def frame_at(time: float) -> np.ndarray:
        frame = back.copy()
        pen = shot.pen(frame)
        turn = 0.9 * shot.rate * time
        for (x, y, r, teeth, ratio), metal in zip(wheels, metals, strict=True):
            pen.disc(x + 1.2, y + 1.8, r * 0.96, mix(wall, "#000000", 0.5))
            _gear(pen, x, y, r, teeth, turn * ratio, metal)
        # A saw in a plank.
        go = 9.0 * np.sin(2 * np.pi * beat * time * 0.8)
        pen.box(6, 84, 50, 92, mix(board, "#ffe0a8", 0.35))
        for y in (86.0, 89.0):
            pen.line([(6, y), (50, y)], mix(board, "#6a4420", 0.4), 0.5)
        base = np.array([22.0 + go, 86.0 - 0.25 * go])
        blade = np.array([(-2, 0), (34, -14), (36, -9.5), (0, 6.5)])
        pen.polygon(blade + base, steel)
        along = np.linspace(0, 1, 13)
        edge = np.stack([36 * along, 6.5 - 16 * along + 1.1 * (np.arange(13) % 2)], axis=1) + base
        pen.line(edge, mix(steel, "#20242a", 0.5), 0.7)
        pen.polygon(np.array([(33, -17), (44, -22), (48, -14), (44, -8), (36, -8)]) + base, grip)
        pen.oval(base[0] + 41, base[1] - 14.5, 2.6, 3.2, mix(wall, "#000000", 0.3), -20)
        for k in range(6):
            fall = (time * 1.9 + k / 6) % 1.0
            pen.disc(24 + 4 * np.sin(7 * k) + 0.3 * go, 86 + 8 * fall, 0.7, mix(board, "#fff0c8", 0.5))
        # A hammer on an anvil.
        cycle = (time * beat + phase) % 1.0
        lift = np.sin(np.pi * min(1.0, cycle / 0.78)) if cycle < 0.78 else 0.0
        angle = -0.95 * lift
        hand = np.array([121.0, 83.0])
        c, s = np.cos(angle), np.sin(angle)

        def swing(points: object) -> np.ndarray:
            return np.asarray(points, dtype=np.float64) @ np.array([[c, -s], [s, c]]) + hand

        iron = look.between("#3a4048", "#565c66")
        pen.polygon([(76, 86), (114, 86), (110, 90), (102, 92), (102, 95), (90, 95), (90, 92), (80, 90)], iron)
        pen.line([(76, 86.2), (114, 86.2)], mix(iron, "#ffffff", 0.45), 0.9)
        pen.box(90, 83.6, 104, 86, mix("#d83a10", "#ffb040", 0.5 + 0.3 * np.sin(2 * time)))
        pen.line(swing([(4, 0), (-22, -1)]), (150, 104, 66), 2.4)
        pen.polygon(swing([(-26, -6.5), (-18, -6.5), (-18, 4.0), (-26, 4.0)]), mix(steel, "#20242a", 0.35))
        pen.polygon(swing([(-26, -6.5), (-24, -6.5), (-24, 4.0), (-26, 4.0)]), steel)
        age = (cycle - 0.78) % 1.0
        if age < 0.42:
            seconds = age / beat
            pen.glow(97, 85, 15.0, (255, 170, 60), 0.8 * (1 - age / 0.42))
            for heading, speed in directions:
                reach = speed * seconds * 1.6
                x, y = 97 + reach * np.cos(heading), 85 + reach * np.sin(heading) + 38 * seconds**2
                tail = (x - 0.16 * speed * np.cos(heading) * 0.5, y - 0.16 * speed * np.sin(heading) * 0.5)
                pen.line([tail, (x, y)], mix("#ff7a1a", "#fff4b0", 1 - age / 0.42), 0.7)
        return frame

    return frame_at
