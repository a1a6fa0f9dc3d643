"""Waves under a low sun or a moon."""

import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.look import mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["ocean"]


def ocean(shot: Shot) -> Painter:
    """Prepare a sea under a low sun or a moon, with waves that travel across."""
    rng, look = shot.rng, shot.look
    period, horizon = 192.0, 48.0
    sky = shot.backdrop(
        [
            (0, look.between("#1c2c4a", "#3a8fe0")),
            (30, look.between("#3a4e70", "#9fd4f4")),
            (horizon, look.between("#7d8ea6", "#ffe3b4")),
        ]
    )
    pen = shot.pen(sky)
    sun = (64.0 + rng.uniform(-22, 22), rng.uniform(22.0, 34.0))
    shine = look.between("#d4e2f4", "#fff2c0")
    pen.glow(*sun, 40.0, look.between("#3c4a62", "#aa5a14"))
    pen.disc(*sun, 8.5, shine)
    for x, y, w in rng.uniform([0, 6, 14], [128, 36, 34], (5, 3)):
        for k in range(4):
            tone = mix(look.between("#4a5a78", "#ffffff"), look.between("#7d8ea6", "#bfe4fa"), 0.15 * k)
            pen.oval(x + (k - 1.5) * w / 3, y + abs(k - 1.5), w / 3.4, 1.6 + 0.8 * (k in (1, 2)), tone)
    near, deep = look.between("#12283e", "#0f78a8"), look.between("#3c566e", "#58c4cc")
    rows = horizon + 2.0 + 82.0 * (np.arange(15) / 14.0) ** 1.7
    turns = rng.integers(2, 5, (15, 3))
    phase = rng.uniform(0, 2 * np.pi, (15, 3))
    x = np.linspace(-2.0, period + 2.0, 150)

    def crest(k: int) -> np.ndarray:
        high = 0.5 + 0.052 * (rows[k] - horizon)
        base = 2 * np.pi / period * (15 - 0.62 * k)
        wave = np.abs(np.sin(np.round(base * period / np.pi) * np.pi / period * x + phase[k, 0]))
        slow = np.sin(2 * np.pi * turns[k, 1] * x / period + phase[k, 1])
        return rows[k] - high * (1.5 * (1.0 - wave) ** 1.4 - 0.3 + 0.55 * slow)

    def paint(first: int, last: int, p: Pen) -> None:
        for k in range(first, last):
            y = crest(k)
            tone = mix(deep, near, (k / 14.0) ** 0.8)
            floor = 140.0 if k == 14 else rows[min(k + 1, 14)] + 10.0
            p.polygon(np.concatenate([np.stack([x, y], axis=1), [(period + 2, floor), (-2, floor)]]), tone)
            p.line(np.stack([x, y + 0.5], axis=1), mix(tone, look.between("#8fa6bc", "#eaffff"), 0.55), 0.5 + 0.05 * k)
            if k > 3:
                n = 3 + k
                spot = rng.integers(0, 140, n)[:, None] + np.arange(9)
                drop = rng.uniform(0.8, 0.35 * k + 0.9, n)[:, None]
                pale = look.between("#a8bccc", "#ffffff")
                foam = [mix(tone, pale, share) for share in rng.uniform(0.32, 0.72, n)]
                p.lines(np.stack([x[spot], y[spot] + drop], axis=-1), foam, np.full(n, 0.4 + 0.05 * k))

    groups = [(0, 9), (9, 12), (12, 15)]
    # mypy infers no type for a default that binds the loop variable
    sheets = [shot.layer(lambda p, g=g: paint(g[0], g[1], p), period) for g in groups]  # type: ignore[misc]
    bob = rng.uniform(0, 2 * np.pi, 3)
    glints = rng.uniform([-1, 0, 0], [1, 1, 2 * np.pi], (48, 3))
    row = horizon + 3 + 74 * glints[:, 1] ** 1.3
    middle, half = sun[0] + glints[:, 0] * (5 + 16 * glints[:, 1]), 0.8 + 3.4 * glints[:, 1]
    streaks = np.stack([middle - half, row, middle + half, row], axis=1).reshape(-1, 2, 2)
    thick = 0.5 + 0.7 * glints[:, 1]
    boat = rng.random() < 0.6
    boat_at = float(rng.uniform(0, period))
    gulls = rng.uniform([0, 10, 0], [128, 38, 6], (3, 3))

    def frame_at(time: float) -> np.ndarray:
        frame = sky.copy()
        pen = shot.pen(frame)
        dx, _ = shot.shift(time)
        if boat:
            at, tilt = float(shot.carried(boat_at, time, period)), 0.6 * np.sin(1.5 * time)
            pen.polygon([(at + tilt, 31), (at + tilt, 47), (at + 9, 47)], (250, 248, 240))
            pen.polygon([(at - 1 + tilt, 34), (at - 1, 47), (at - 6, 47)], look.between("#a8605a", "#ff6a4a"))
            pen.polygon([(at - 8, 47.6), (at + 10, 47.6), (at + 7, 51.5), (at - 6, 51.5)], (70, 46, 40))
        for k, sheet in enumerate(sheets):
            # What is far away does not rise and fall.
            lift = (0.0, 0.7, 1.2)[k] * float(np.sin(1.15 * shot.rate**0.5 * time + bob[k]))
            sheet.draw(frame, dx, lift)
        flicker = np.sin(5.0 * shot.rate**0.5 * time + glints[:, 2])
        lit = flicker > 0.1
        pen.lines(streaks[lit], [mix(deep, shine, 0.45 + 0.5 * on) for on in flicker[lit]], thick[lit])
        for x0, y0, start in gulls:
            at, flap = (x0 + 5 * time) % 150 - 10, 1.4 * np.sin(5 * time + start)
            pen.line(
                [(at - 3.4, y0 - flap), (at - 1.2, y0 - 1.0), (at, y0), (at + 1.2, y0 - 1.0), (at + 3.4, y0 - flap)],
                (62, 66, 80),
                0.6,
            )
        return frame

    return frame_at
