"""A meadow with flowers and birds."""

import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.look import mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["birdsong_meadow"]


def birdsong_meadow(shot: Shot) -> Painter:
    """Prepare a meadow with flowers, and birds above it."""
    rng, look = shot.rng, shot.look
    period = 192.0
    sky = shot.backdrop(
        [
            (0, look.between("#5c7894", "#3f9cf0")),
            (58, look.between("#a4b4be", "#d8f2ff")),
            (70, look.between("#b8c0bc", "#fff2cc")),
        ]
    )
    pen = shot.pen(sky)
    sun = (float(rng.uniform(20, 108)), 18.0)
    pen.glow(*sun, 44.0, look.between("#4a4a44", "#a05a18"))
    pen.disc(*sun, 7.5, look.between("#e4e6dc", "#fff3b0"))

    def paint_far(p: Pen) -> None:
        for x, y, w in rng.uniform([0, 12, 9], [period, 44, 17], (7, 3)):
            for k in range(5):
                p.oval(
                    x + (k - 2) * w / 2.6,
                    y - (1.4 - 0.5 * abs(k - 2)) * w / 6,
                    w / 2.6,
                    w / (4.2 + abs(k - 2)),
                    look.between("#c4ccd2", "#ffffff"),
                )
            p.oval(x, y + w / 9, w * 0.95, w / 8, look.between("#aab6be", "#e4f2fa"))
        x = np.linspace(-2, period + 2, 90)
        for base, tone, high, turns in (
            (62.0, look.between("#6c8a86", "#8ecf9a"), 6.0, 2),
            (70.0, look.between("#547a5e", "#6cc060"), 5.0, 3),
        ):
            y = base + high * np.sin(2 * np.pi * turns * x / period + rng.uniform(0, 6))
            p.polygon(np.concatenate([np.stack([x, y], axis=1), [(period + 2, 140), (-2, 140)]]), tone)
            for at in rng.uniform(0, period, 7):
                foot = float(np.interp(at, x, y))
                p.oval(at, foot - 2.6, 3.0, 3.8, mix(tone, "#1c4a30", 0.5))
                p.line([(at, foot), (at, foot + 2.5)], (70, 54, 40), 0.8)

    grass = [look.between("#4e7048", "#7cc83c"), look.between("#3c6040", "#58b030"), look.between("#2a4a34", "#3c9428")]
    petals = ("#ff5a6e", "#ffd23f", "#ffffff", "#b06af0", "#ff9a3c", "#4a8cff")

    def paint_near(p: Pen) -> None:
        x = np.linspace(-2, period + 2, 60)
        y = 80.0 + 2.5 * np.sin(2 * np.pi * 2 * x / period + rng.uniform(0, 6))
        p.polygon(np.concatenate([np.stack([x, y], axis=1), [(period + 2, 140), (-2, 140)]]), grass[0])
        for depth in range(3):
            top, tall = 82.0 + 15.0 * depth, 5.0 + 5.0 * depth
            n = 150 - 20 * depth
            at, foot, lean = rng.uniform([0, top, -3], [period, top + 20, 3], (n, 3)).T
            half = 0.5 + 0.3 * depth
            blades = np.stack([at - half, foot + 3, at + lean, foot - tall, at + half, foot + 3], axis=1)
            tones = [mix(grass[depth], other, 0.5) for other in grass]
            p.polygons(blades.reshape(n, 3, 2), [tones[k] for k in rng.integers(3, size=n)])
            for x0, y0, part, kind in rng.uniform([0, top, 0, 0], [period, top + 14, 0.3, 6], (26 - 5 * depth, 4)):
                r = 0.9 + 0.75 * depth + part
                tone = mix("#9aa0a8", petals[int(kind)], 0.45 + 0.55 * look.mood)
                p.line([(x0, y0 + 6 + 3 * depth), (x0, y0)], grass[2], 0.5 + 0.2 * depth)
                for k in range(5):
                    turn = 2 * np.pi * k / 5 + x0
                    p.disc(x0 + 0.95 * r * np.cos(turn), y0 + 0.95 * r * np.sin(turn), 0.72 * r, tone)
                p.disc(x0, y0, 0.62 * r, (255, 204, 70) if sum(tone) < 640 else (240, 170, 50))

    far, near = shot.layer(paint_far, period), shot.layer(paint_near, period)
    birds = rng.uniform([0, 16, 0.7, 0], [170, 56, 1.5, 6], (6, 4))
    way = rng.choice([-1.0, 1.0])
    plume = look.between("#3c4658", "#2c3c70")

    def frame_at(time: float) -> np.ndarray:
        frame = sky.copy()
        dx, dy = shot.shift(time)
        far.draw(frame, dx, dy)
        near.draw(frame, dx, dy)
        pen = shot.pen(frame)
        for x0, y0, size, start in birds:
            x = shot.left - 15 + (way * 22 * shot.rate * time * size**0.5 + x0) % 160
            y = y0 + 2.5 * np.sin(1.6 * time + start)
            flap = np.sin(9.0 * shot.rate**0.4 * time + start)
            wing, s = 3.4 * flap * size, size * 1.25
            pen.polygon(
                [
                    (x - 0.3 * s, y),
                    (x - 2.2 * s, y - 0.6 * wing - s),
                    (x - 5.4 * s, y - wing),
                    (x - 2.4 * s, y - 0.35 * wing + 0.3 * s),
                ],
                plume,
            )
            pen.polygon(
                [
                    (x + 0.3 * s, y),
                    (x + 2.2 * s, y - 0.6 * wing - s),
                    (x + 5.4 * s, y - wing),
                    (x + 2.4 * s, y - 0.35 * wing + 0.3 * s),
                ],
                plume,
            )
            pen.oval(x, y, 1.9 * s, 0.95 * s, plume)
            pen.disc(x + way * 1.8 * s, y - 0.3 * s, 0.8 * s, plume)
            pen.polygon(
                [(x + way * 2.3 * s, y - 0.7 * s), (x + way * 3.6 * s, y - 0.2 * s), (x + way * 2.3 * s, y)],
                (255, 170, 60),
            )
        return frame

    return frame_at
