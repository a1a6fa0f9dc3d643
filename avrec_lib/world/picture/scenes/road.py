"""A road at night from behind the wheel."""

import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.look import mix

__all__ = ["night_drive"]


def night_drive(shot: Shot) -> Painter:
    """Prepare a road at night from behind the wheel: lamps, lane marks and other cars come near."""
    rng, look = shot.rng, shot.look
    horizon = 58.0
    vanish = (64.0 + rng.uniform(-14, 14), horizon)
    back = shot.backdrop(
        [
            (0, look.between("#04060f", "#0e0b2e")),
            (40, look.between("#0b1226", "#3a1c5e")),
            (horizon, look.between("#18223c", "#8a3c74")),
            (horizon + 0.5, look.between("#0c0f16", "#1a1626")),
            (128, look.between("#14171e", "#262232")),
        ]
    )
    pen = shot.pen(back)
    lamp = look.between("#a8c8ff", "#ffb34a")
    for depth in range(2):
        x = -4.0
        while x < 132:
            w, tall = rng.uniform(6, 13), rng.uniform(8, 26) * (1.15 - 0.4 * depth)
            tone = mix(look.between("#10182c", "#241440"), "#000000", 0.15 + 0.35 * depth)
            pen.box(x, horizon - tall, x + w, horizon, tone)
            for wx in np.arange(x + 1.4, x + w - 1.4, 2.4):
                for wy in np.arange(horizon - tall + 2, horizon - 2, 3.0):
                    if rng.random() < 0.34:
                        pen.box(
                            wx,
                            wy,
                            wx + 1.2,
                            wy + 1.5,
                            mix(lamp, ("#ffd98a", "#8ad0ff", "#ff8ac0")[int(rng.integers(3))], 0.6),
                        )
            x += w + rng.uniform(-1, 3)
    pen.polygon([vanish, vanish, (190, 132), (-62, 132)], look.between("#161920", "#2a2534"))
    for side in (-1.0, 1.0):
        pen.polygon([vanish, (64 + side * 118, 128), (64 + side * 126, 128)], look.between("#5c6674", "#8a7a8e"))
    pen.glow(*vanish, 34.0, look.between("#26385c", "#70305a"))
    lamps, dashes = np.arange(6) / 6.0, np.arange(8) / 8.0
    paint = look.between("#d0d8e4", "#fff0d4")
    cars = [(rng.uniform(0, 1), rng.uniform(0.8, 1.25)) for _ in range(3)]
    ahead = [
        (float(rng.uniform(0.30, 0.48)), float(rng.uniform(0, 6)), side)
        for side in (0.36, 0.62)[: int(rng.integers(1, 3))]
    ]
    speed = 0.5 * shot.rate

    def project(side: float, height: float, near: float) -> tuple[float, float]:
        """Put a point at the road's side (-1 to 1) and height on the picture; near is 1 at the bumper."""
        return (vanish[0] + near * (side * 108 + (64 - vanish[0])), horizon + near * (72.0 - 72.0 * height))

    def frame_at(time: float) -> np.ndarray:
        frame = back.copy()
        pen = shot.pen(frame)
        for place in np.sort((dashes + speed * time * 1.4) % 1.0):
            a, b = place**2.6 + 0.012, (place + 0.055) ** 2.6 + 0.014
            marks = [
                (
                    project(lane - 0.014, 0, a),
                    project(lane + 0.014, 0, a),
                    project(lane + 0.014, 0, b),
                    project(lane - 0.014, 0, b),
                )
                for lane in (-0.02, 0.5)
            ]
            pen.polygons(np.array(marks), [mix("#4a4c58", paint, min(1.0, 0.3 + place))] * 2)
        for place in np.sort((lamps + speed * time * 0.8) % 1.0):
            near = 0.03 + 1.25 * place**2.2
            for side in (-1.22, 1.22):
                foot, head = project(side, 0.0, near), project(side, 1.9, near)
                arm = project(side * 0.74, 1.94, near)
                if arm[1] < -20.0 or not -20.0 < arm[0] < 148.0:
                    continue
                pen.line([foot, head, arm], (44, 44, 58), 2.6 * near)
                pen.glow(*arm, 4.0 + 42.0 * near, lamp, 0.75)
                pen.oval(arm[0], arm[1], 0.6 + 4.6 * near, 0.5 + 1.7 * near, mix(lamp, "#ffffff", 0.6))
                pool = project(side * 0.74, 0.0, near)
                if near > 0.08:
                    pen.glow(pool[0], pool[1], 3.0 + 26.0 * near, lamp, 0.22)
        for start, own in cars:
            near = 0.02 + 1.1 * ((start + speed * 0.9 * own * time) % 1.0) ** 3
            x, y = project(-0.56, 0.18, near)
            for d in (-0.12, 0.12):
                pen.glow(x + d * 108 * near, y, 4.0 + 26.0 * near, (255, 244, 214), 0.8)
                pen.disc(x + d * 108 * near, y, 0.6 + 2.4 * near, (255, 252, 240))
        for near, start, lane in ahead:
            near = near + 0.05 * np.sin(0.8 * shot.rate * time + start)
            x, y = project(lane if lane < 0.5 else 0.72, 0.0, near)
            w = 22.0 * near
            pen.oval(x, y + 0.6, 1.15 * w, 0.16 * w, (6, 6, 10))
            pen.polygon(
                [
                    (x - w, y),
                    (x - w, y - 0.55 * w),
                    (x - 0.72 * w, y - 1.15 * w),
                    (x + 0.72 * w, y - 1.15 * w),
                    (x + w, y - 0.55 * w),
                    (x + w, y),
                ],
                (18, 18, 26),
            )
            pen.polygon(
                [
                    (x - 0.75 * w, y - 0.6 * w),
                    (x - 0.6 * w, y - 1.02 * w),
                    (x + 0.6 * w, y - 1.02 * w),
                    (x + 0.75 * w, y - 0.6 * w),
                ],
                look.between("#26344e", "#5a3c6a"),
            )
            for side in (-0.74, 0.74):
                pen.glow(x + side * w, y - 0.38 * w, 4.0 + 0.9 * w, (255, 40, 36), 0.9)
                pen.oval(x + side * w, y - 0.38 * w, 0.22 * w, 0.13 * w, (255, 120, 100))
        # The bonnet, its shine and the instruments' light.
        pen.polygon([(6, 132), (24, 117), (64, 112.5), (104, 117), (122, 132)], (9, 9, 14))
        shine = (time * speed * 0.8) % 0.25
        pen.line([(24, 117), (64, 112.5), (104, 117)], mix("#3a3c4c", lamp, 0.35 + 0.5 * (1 - 4 * shine)), 0.8)
        pen.glow(64, 119, 9 + 40 * shine, lamp, 0.20)
        return frame

    return frame_at
