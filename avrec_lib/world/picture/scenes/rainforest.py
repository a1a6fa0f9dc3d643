"""Layers of leaves with light and drops falling through."""

import cv2
import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import SIZE
from avrec_lib.world.picture.look import mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["rainforest"]


def _leaves(places: np.ndarray) -> np.ndarray:
    """Return the outlines of pointed leaves: lit half, dark half and rib of each.

    Parameters
    ----------
    places : ndarray (m, 4)
        Foot x, foot y, length in units and angle in radians.

    Returns
    -------
    ndarray (3 m, 18, 2)
        Polygons in units, three a leaf.
    """
    x, y, length, angle = (column[:, None] for column in places.T)
    t = np.linspace(0.0, 1.0, 9)
    half = 0.34 * length * np.sin(np.pi * t**0.8) * (1.0 - 0.25 * t)
    along, rib = length * t, 0.16 * length * t**2
    back = slice(None, None, -1)
    across = np.stack(
        [
            np.concatenate([rib - half, rib[:, back]], axis=1),
            np.concatenate([rib, (rib + half)[:, back]], axis=1),
            np.concatenate([rib - 0.22, (rib + 0.22)[:, back]], axis=1),
        ],
        axis=1,
    )
    along = np.concatenate([along, along[:, back]], axis=1)[:, None, :]
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    points = np.stack([along * c - across * s + x[:, None], along * s + across * c + y[:, None]], axis=-1)
    return points.reshape(-1, 18, 2)


def _palm(pen: Pen, x: float, y: float, length: float, angle: float, colour: tuple[float, float, float]) -> None:
    """Draw a feathered frond; angle in radians."""
    t = np.linspace(0.08, 1.0, 13)
    stem = np.stack([x + length * t * np.cos(angle), y + length * t * np.sin(angle) + 0.28 * length * t**2], axis=1)
    reach = 0.42 * length * np.sin(np.pi * (0.12 + 0.86 * t))[:, None]
    for side in (-1.0, 1.0):
        lean = angle + side * 0.95 + 0.25
        tips = stem + reach * np.array([np.cos(lean), np.sin(lean)])
        notch = stem + 0.28 * (tips - stem)
        notch[:-1] = (notch[:-1] + notch[1:]) / 2.0
        comb = np.stack([tips, notch], axis=1).reshape(-1, 2)
        shade = mix(colour, "#eaffb0", 0.14) if side < 0 else colour
        pen.polygon(np.concatenate([stem[:1], comb, stem[::-1]]), shade)
    pen.line(stem, mix(colour, "#f0ffc8", 0.3), 0.8)


def rainforest(shot: Shot) -> Painter:
    """Prepare layers of leaves with light falling through and drops running off."""
    rng, look = shot.rng, shot.look
    size = 192.0
    far, mid, near = (
        look.between("#3d6a62", "#9fd67a"),
        look.between("#1e5446", "#3fa64a"),
        look.between("#0c2c2a", "#12602e"),
    )
    bloom = ("#e8447a", "#ff8a2a", "#c85ae0", "#ffd23f")[int(rng.integers(4))]

    def paint(p: Pen) -> None:
        for x, y, r in rng.uniform([0, 0, 16], [size, size, 34], (9, 3)):
            p.glow(x, y, r, (70, 80, 36), 0.6 + 0.7 * look.mood)
        for x in rng.uniform(0, size, 4):
            p.line([(x, -4), (x + rng.uniform(-8, 8), size + 4)], mix(far, "#3a3a2a", 0.5), rng.uniform(3, 6))
        for depth, (tone, count, length) in enumerate(
            [(mix(far, mid, 0.35), 26, 30.0), (mid, 26, 34.0), (near, 9, 40.0)]
        ):
            for x, y, turn, part in rng.uniform([0, 0, 0, 0.7], [size, size, 1, 1.2], (count, 4)):
                shade = mix(tone, far if depth == 0 else mid, 0.35 * turn)
                if part > 0.97:
                    _palm(p, x, y, length * part * 1.2, np.pi * (2 * turn - 0.5), shade)
                else:
                    places = [(x, y, length * part, 2 * np.pi * turn + 0.7 * (k - 1)) for k in range(3)]
                    tones = [mix(shade, near, 0.1 * k) for k in range(3)]
                    halves = [half for c in tones for half in (mix(c, "#f4ffc0", 0.16), c, mix(c, "#f0ffc8", 0.38))]
                    p.polygons(_leaves(np.array(places)), halves)
            if depth == 1:
                for x, y, r in rng.uniform([0, 0, 2.4], [size, size, 4.2], (6, 3)):
                    for k in range(5):
                        angle = 2 * np.pi * k / 5 + x
                        p.oval(
                            x + r * np.cos(angle),
                            y + r * np.sin(angle),
                            r * 0.95,
                            r * 0.6,
                            mix(bloom, "#ffffff", 0.1),
                            float(np.degrees(angle)),
                        )
                    p.disc(x, y, 0.55 * r, (255, 226, 120))

    canopy = shot.carpet(mix(far, "#f2ffd0", 0.25 + 0.3 * look.mood), paint, size)
    rays = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
    beam = Pen(rays)
    lean = rng.uniform(-40, 40)
    for x in rng.uniform(0, 128, 4):
        w = rng.uniform(4, 10)
        beam.polygon(
            [(x, -4), (x + w, -4), (x + w * 2.2 + lean, 132), (x + lean, 132)],
            mix("#000000", look.between("#7fa8a0", "#fff0b0"), 0.26),
        )
    rays[...] = cv2.GaussianBlur(rays, (0, 0), 3.0)
    drops = rng.uniform([0, 0, 0.7], [128, 1, 1.3], (9, 3))

    def frame_at(time: float) -> np.ndarray:
        frame = np.empty((SIZE, SIZE, 3), dtype=np.uint8)
        canopy.draw(frame, *shot.shift(time))
        cv2.addWeighted(frame, 1.0, rays, 0.8 + 0.2 * float(np.sin(1.3 * time)), 0.0, dst=frame)
        pen = Pen(frame)
        for x, start, part in drops:
            fall = (start + time * 0.42 * shot.rate**0.5 * part) % 1.0
            y = 150.0 * fall**1.7 - 10.0
            pen.oval(x, y, 1.1, 1.9, (226, 244, 248))
            pen.disc(x - 0.3, y + 0.5, 0.5, (255, 255, 255))
        return frame

    return frame_at
