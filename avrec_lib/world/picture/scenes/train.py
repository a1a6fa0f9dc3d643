"""The view from a train."""

import cv2
import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import SIZE
from avrec_lib.world.picture.look import mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["train_ride"]


def _rounded(x0: float, y0: float, x1: float, y1: float, radius: float) -> np.ndarray:
    """Return the outline of a rectangle with round corners: (24, 2)."""
    turn = np.linspace(0.0, np.pi / 2.0, 6)
    corners = (
        (x1 - radius, y1 - radius),
        (x0 + radius, y1 - radius),
        (x0 + radius, y0 + radius),
        (x1 - radius, y0 + radius),
    )
    arcs = [
        np.stack([x + radius * np.cos(turn + k * np.pi / 2), y + radius * np.sin(turn + k * np.pi / 2)], axis=1)
        for k, (x, y) in enumerate(corners)
    ]
    return np.concatenate(arcs)


def train_ride(shot: Shot) -> Painter:
    """Prepare a train's window with hills, fields and poles that pass at their own speeds."""
    rng, look = shot.rng, shot.look
    period = 256.0
    sky = shot.backdrop(
        [
            (0, look.between("#51647e", "#56a8ee")),
            (44, look.between("#a0a8b2", "#cfeafa")),
            (60, look.between("#b4aeb0", "#ffe2b4")),
        ]
    )
    x = np.linspace(-2, period + 2, 130)

    def paint_far(p: Pen) -> None:
        for base, tall, tone in (
            (56.0, 17.0, look.between("#7a869a", "#a8b8e4")),
            (60.0, 10.0, look.between("#647684", "#84b0b4")),
        ):
            y = (
                base
                - tall * np.abs(np.sin(np.pi * 3 * x / period + rng.uniform(0, 3)))
                - 3 * np.sin(2 * np.pi * 7 * x / period + rng.uniform(0, 6))
            )
            p.polygon(np.concatenate([np.stack([x, y], axis=1), [(period + 2, 140), (-2, 140)]]), tone)

    fields = [
        look.between(*c)
        for c in (
            ("#6a7450", "#b8cc4a"),
            ("#7a7448", "#f0cc50"),
            ("#506a4a", "#6cb848"),
            ("#6e5c48", "#c89058"),
            ("#586e50", "#94cc5c"),
        )
    ]

    def paint_mid(p: Pen) -> None:
        y = 62.0 + 2.0 * np.sin(2 * np.pi * 2 * x / period + rng.uniform(0, 6))
        p.polygon(np.concatenate([np.stack([x, y], axis=1), [(period + 2, 140), (-2, 140)]]), fields[2])
        for row in range(4):
            top = 64.0 + 3.2 * row**1.75
            edge = float(rng.uniform(0, 30))
            end = edge + period
            while edge < end - 12:
                w = min(float(rng.uniform(20, 48)), end - edge)
                lean = rng.uniform(-3, 3)
                tone = fields[int(rng.integers(5))]
                p.polygon(
                    [(edge, top + 18), (edge + 4 + lean, top), (edge + w + lean, top), (edge + w, top + 18)], tone
                )
                j = np.arange(edge + 3, edge + w - 2, 4.0 + row)
                furrows = np.stack([j, 0 * j + top + 17, j + 2.5, 0 * j + top + 1.5], axis=1).reshape(-1, 2, 2)
                p.lines(furrows, [mix(tone, "#3a3a1c", 0.22)] * len(j), np.full(len(j), 0.6))
                p.line([(edge + 4 + lean, top), (edge + w + lean, top)], mix(tone, "#1c3a20", 0.5), 0.9)
                edge += w
            for at in rng.uniform(0, period, 7 - row):
                size = 2.2 + 1.3 * row
                tone = mix(look.between("#34503c", "#2f8a3c"), fields[int(rng.integers(5))], 0.2)
                p.line([(at, top + 3), (at, top - size)], (74, 56, 42), 0.4 * size)
                for dx, dy in ((-0.6, -1.0), (0.6, -1.1), (0.0, -1.8)):
                    p.disc(at + dx * size, top + dy * size, 0.95 * size, mix(tone, "#f0ffb0", 0.1 * (dx + 0.6)))
        for at, base, s in rng.uniform([0, 70, 0.8], [period, 84, 1.3], (5, 3)):
            p.box(at, base - 6 * s, at + 9 * s, base + 2 * s, look.between("#a8a29a", "#fff2dc"))
            p.polygon(
                [(at - 1.5 * s, base - 6 * s), (at + 4.5 * s, base - 11 * s), (at + 10.5 * s, base - 6 * s)],
                look.between("#7a4a44", "#d8503a"),
            )
            for pane in (1.4, 5.6):
                p.box(at + pane * s, base - 4.2 * s, at + (pane + 2) * s, base - 1.8 * s, (70, 84, 104))

    def paint_near(p: Pen) -> None:
        for at in np.arange(10.0, period, 85.0):
            p.line([(at, 14), (at, 130)], (62, 50, 44), 1.8)
            p.line([(at - 7, 20), (at + 7, 20)], (62, 50, 44), 1.4)
            for d in (-6, 0, 6):
                p.disc(at + d, 18.5, 0.9, (220, 224, 224))
        for at in rng.uniform(0, period, 26):
            tone = look.between("#2c4234", "#3c7a34")
            for dx in (-3.0, 0.0, 3.0):
                p.disc(at + dx, 117 - 2 * (dx == 0), 4.2, mix(tone, "#e0f090", 0.12 * (dx == 0)))

    far, mid, near = (shot.layer(paint, period) for paint in (paint_far, paint_mid, paint_near))
    inside = np.zeros((SIZE * 2, SIZE * 2, 4), dtype=np.uint8)
    p = Pen(inside, 2.0)
    trim = look.between("#2c3036", "#5c3a30")
    p.box(-1, -1, 129, 129, trim)
    p.polygon(_rounded(11, 9, 117, 109, 10), mix(trim, "#e8e0d0", 0.35))
    p.cut(_rounded(13, 11, 115, 107, 9))
    p.box(0, 111.5, 128, 114.5, mix(trim, "#ffffff", 0.30))
    p.box(0, 114.5, 128, 128, mix(trim, "#000000", 0.35))
    curtain = look.between("#3c4a5c", "#b83a3a")
    for side in (0, 1):
        for k in range(5):
            at = (3.2 * k) if side == 0 else 128 - 3.2 * (k + 1)
            p.box(at, 0, at + 3.2, 100 - 1.5 * (k % 2), mix(curtain, "#000000", 0.12 + 0.16 * (k % 2)))
        p.box(0 if side == 0 else 111, 60, 17 if side == 0 else 128, 63, look.between("#8a7a50", "#e8c060"))
    for x0 in (88.0,):
        p.polygon([(x0, 101), (x0 + 9, 101), (x0 + 8, 112), (x0 + 1, 112)], look.between("#a8aeb8", "#fff6e8"))
        p.ring(x0 + 9.5, 106, 2.6, look.between("#a8aeb8", "#fff6e8"), 1.0)
    p.box(30, 109.5, 48, 112, look.between("#6a4a44", "#d84a3a"))
    small = cv2.resize(inside, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    keep = np.repeat(255 - small[..., 3:], 3, axis=2)
    wall = np.ascontiguousarray(small[..., :3])
    shine = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
    glass = Pen(shine)
    glass.polygon([(30, 0), (48, 0), (16, 110), (0, 110)], (22, 24, 26))
    glass.polygon([(54, 0), (60, 0), (28, 110), (22, 110)], (16, 18, 20))
    wires = np.linspace(-10, 140, 31)

    def frame_at(time: float) -> np.ndarray:
        frame = sky.copy()
        dx, _ = shot.shift(time)
        far.draw(frame, shot.shift(time, 0.3)[0])
        mid.draw(frame, dx)
        pen = shot.pen(frame)
        for k in range(3):
            sag = (
                17.5
                + 2 * k
                + 3.0
                * np.sin(np.pi * (((wires + shot.left) - shot.velocity[0] * 1.5 * time / shot.zoom) % 85.0) / 85.0)
            )
            pen.line(np.stack([wires + shot.left, sag], axis=1), (70, 66, 70), 0.4)
        near.draw(frame, shot.shift(time, 1.5)[0])
        cv2.add(frame, shine, dst=frame)
        cv2.multiply(frame, keep, dst=frame, scale=1.0 / 255.0)
        cv2.add(frame, wall, dst=frame)
        return frame

    return frame_at
