"""A guitar beside a camp fire."""

import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import pair
from avrec_lib.world.picture.look import mix

__all__ = ["folk_guitar"]


def _guitar_outline(n: int = 44) -> np.ndarray:
    """Return a guitar's body around (0, 0), its neck towards negative x: (2 n, 2) in units."""
    x = np.linspace(-31.0, 33.0, n)
    lower = 23.0 * np.sqrt(np.clip(1.0 - ((x - 11.5) / 21.8) ** 2, 0.0, 1.0))
    upper = 17.0 * np.sqrt(np.clip(1.0 - ((x + 14.5) / 16.6) ** 2, 0.0, 1.0))
    half = np.maximum(np.maximum(lower, upper), np.where(np.abs(x + 5.0) < 13.0, 14.2 + 0.02 * (x + 5.0) ** 2, 0.0))
    return np.concatenate([np.stack([x, -half], axis=1), np.stack([x, half], axis=1)[::-1]])


def folk_guitar(shot: Shot) -> Painter:
    """Prepare a guitar whose strings shake beside a camp fire at dusk."""
    rng, look = shot.rng, shot.look
    back = shot.backdrop(
        [
            (0, look.between("#141a36", "#4a3f8c")),
            (46, look.between("#2c3a5a", "#e8845c")),
            (66, look.between("#3a4a62", "#ffc27a")),
            (68, look.between("#141c1e", "#4a3a24")),
            (128, look.between("#0c1012", "#2c2416")),
        ]
    )
    pen = shot.pen(back)
    for base, tall, tone in (
        (66, 14, look.between("#27344c", "#a05a66")),
        (69, 20, look.between("#121a24", "#3a2a38")),
    ):
        x = np.arange(-4.0, 136.0, 6.0)
        for at, high in zip(x, rng.uniform(0.55, 1.0, len(x)) * tall, strict=True):
            pen.polygon([(at - 4.5, base + 1), (at, base - high), (at + 4.5, base + 1)], tone)
    for x, y in rng.uniform([0, 70], [128, 126], (70, 2)):
        pen.line([(x, y), (x + rng.uniform(-1.5, 1.5), y - 3.5)], look.between("#1c2622", "#6a5a2e"), 0.6)
    fire = (24.0, 100.0)
    tilt = np.radians(rng.uniform(-24.0, -14.0))
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    body = np.array([84.0, 84.0])

    def put(points: object) -> np.ndarray:
        return np.asarray(points, dtype=np.float64) @ turn.T + body

    wood = look.between("#8a5a34", "#e8963c")
    dark = look.between("#3a2418", "#6a3416")
    outline = _guitar_outline()
    pen.polygon(put(outline) + np.array([1.6, 2.6]), (12, 10, 10))
    # The neck, its head and its pegs.
    pen.polygon(put([(-26, -3.2), (-86, -2.4), (-86, 2.4), (-26, 3.2)]), dark)
    pen.polygon(put([(-84, -3.0), (-100, -5.0), (-100, 5.0), (-84, 3.0)]), mix(dark, "#000000", 0.2))
    for k in range(3):
        for side in (-6.2, 6.2):
            pen.disc(*pair(put([(-88 - 4.5 * k, side)])[0]), 1.3, (222, 214, 190))
    pen.polygon(put(outline), dark)
    pen.polygon(put(outline * [0.962, 0.945]), wood)
    pen.polygon(put(outline * [0.90, 0.87] + [0.4, -0.6]), mix(wood, "#ffe2a8", 0.16))
    for k in np.linspace(-0.8, 0.8, 9):
        pen.line(put([(-24, 16 * k), (6, 18 * k), (28, 17 * k)]), mix(wood, dark, 0.16), 0.5)
    pen.disc(*pair(put([(-7, 0)])[0]), 9.2, mix(dark, "#f5dfb0", 0.5))
    pen.disc(*pair(put([(-7, 0)])[0]), 8.4, dark)
    pen.disc(*pair(put([(-7, 0)])[0]), 7.2, (18, 12, 10))
    pen.polygon(put([(-4, 8.5), (8, 12), (10, 17), (-2, 15)]), mix(dark, "#000000", 0.25))
    pen.polygon(put([(15, -9), (18.5, -9), (18.5, 9), (15, 9)]), mix(dark, "#000000", 0.3))
    pen.polygon(put([(-84, -2.6), (-14, -3.3), (-14, 3.3), (-84, 2.6)]), mix(dark, "#000000", 0.35))
    for k in range(1, 15):
        x = -84 + 70 * (1 - 0.5 ** (k / 9.0)) / (1 - 0.5 ** (14 / 9.0))
        pen.line(put([(x, -2.8), (x, 2.8)]), (196, 184, 150), 0.5)
    span = np.linspace(-84.0, 16.5, 25)
    shape = np.sin(np.pi * (span + 84.0) / 100.5)
    spread = np.linspace(-2.3, 2.3, 6)[:, None] * (1.0 + 0.25 * (span + 84.0) / 100.0)
    frequency, phase = rng.uniform(2.6, 4.4, 6) * shot.rate**0.5, rng.uniform(0, 2 * np.pi, 6)
    pluck = rng.uniform(0.55, 1.15, 6) / shot.rate
    flames = rng.uniform(0.0, 2 * np.pi, 7)
    for k in range(5):
        angle = np.pi * (k + 0.5) / 5
        x, y = fire[0] + 13 * np.cos(angle), fire[1] + 6.5 + 2.5 * np.sin(angle)
        pen.oval(x, y, 3.4, 2.4, (62, 60, 64))
    for a, b in (((-10, 6), (9, 2)), ((10, 6), (-9, 2))):
        pen.line([(fire[0] + a[0], fire[1] + a[1]), (fire[0] + b[0], fire[1] + b[1])], (58, 36, 24), 3.2)
    hot = look.between("#ff7a2a", "#ffa02e")

    def frame_at(time: float) -> np.ndarray:
        frame = back.copy()
        pen = shot.pen(frame)
        flicker = 0.88 + 0.12 * np.sin(5.0 * time * shot.rate**0.5 + flames[0]) * np.sin(3.1 * time + flames[1])
        pen.glow(fire[0], fire[1] - 6, 58.0, hot, 0.42 * flicker)
        for size, tone in ((1.0, mix(hot, "#e03410", 0.55)), (0.70, hot), (0.40, mix(hot, "#fff3a8", 0.75))):
            for k in range(5):
                sway = np.sin(6.0 * time * shot.rate**0.5 + flames[k] + k) * 2.6 * size
                x = fire[0] + (k - 2) * 3.6 * size
                high = (
                    size * (27.0 - 5.5 * abs(k - 2)) * (0.88 + 0.16 * np.sin(7.3 * time * shot.rate**0.5 + flames[k]))
                )
                foot = fire[1] + 4.5
                pen.polygon(
                    [
                        (x - 4.6 * size, foot - 3),
                        (x - 3.4 * size + 0.3 * sway, foot - 0.45 * high),
                        (x + sway, foot - high),
                        (x + 3.6 * size + 0.2 * sway, foot - 0.42 * high),
                        (x + 4.6 * size, foot - 3),
                        (x, foot),
                    ],
                    tone,
                )
        strength = 1.5 * np.exp(-2.2 * ((time / pluck) % 1.0))
        bow = strength * np.cos(2 * np.pi * frequency * time + phase)
        for k in range(6):
            string = np.stack([span, spread[k] + bow[k] * shape], axis=1)
            pen.line(put(string), mix("#d8cfb8", "#fff2c8", look.mood), 0.5)
        return frame

    return frame_at
