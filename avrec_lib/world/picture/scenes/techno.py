"""A dance floor: beams, lasers and a wall of lights."""

import cv2
import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import SIZE
from avrec_lib.world.picture.look import mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["techno"]


def _crowd(pen: Pen, rng: np.random.Generator) -> None:
    """Draw half of a crowd from behind, some with an arm up."""
    dark = (7, 6, 13)
    for x, y, r, up in rng.uniform([0, 108, 4.2, 0], [128, 117, 6.2, 1], (16, 4)):
        pen.disc(x, y, r, dark)
        pen.oval(x, y + 2.4 * r, 1.7 * r, 1.7 * r, dark)
        if up < 0.45:
            lean = 14.0 * (up - 0.22)
            pen.line([(x - r, y + 6), (x - r - 2 + lean, y - 9)], dark, 2.0)
            pen.disc(x - r - 2 + lean, y - 9.5, 1.4, dark)


def techno(shot: Shot) -> Painter:
    """Prepare a stage with sweeping beams, lasers, an equaliser wall and a crowd."""
    rng, look = shot.rng, shot.look
    kinds = [
        ("#23d5ff", "#9a5cff", "#ff3fb4"),
        ("#3a6cff", "#ff4f9a", "#ffb02e"),
        ("#22b8e0", "#3ae08a", "#ffd02e"),
        ("#5a5cff", "#c84aff", "#ff5a3c"),
    ]
    cold, warm = (kinds[i] for i in rng.permutation(4)[:2])
    tones = [look.among(*cold), look.among(*warm), look.among("#5a8cff", "#b04dff", "#ff4f7b")]
    beat = float(np.clip(1.65 * shot.rate**0.45, 1.0, 2.4))
    back = shot.backdrop(
        [
            (0, look.between("#05060f", "#170a2c")),
            (62, look.between("#0d1030", "#3a1050")),
            (100, look.between("#141a3c", "#6a1a5a")),
            (128, (6, 5, 12)),
        ]
    )
    pen = shot.pen(back)
    for x in np.arange(-8.0, 140.0, 16.0):
        pen.line([(x, 4), (x + 8, 12), (x + 16, 4)], (44, 44, 62))
    for y in (4.0, 12.0):
        pen.line([(-8, y), (140, y)], (58, 58, 78))
    n_bars = 22
    left, width = 12.0, 104.0 / n_bars
    speed, offset = rng.uniform(0.6, 1.5, n_bars), rng.uniform(0.0, 2 * np.pi, n_bars)
    envelope = 0.45 + 0.55 * np.sin(np.linspace(0.25, np.pi - 0.25, n_bars)) * rng.uniform(0.7, 1.0, n_bars)
    # The whole wall of lights is painted once; each frame uncovers as much of every column as the music fills.
    wall = back.copy()
    pen = shot.pen(wall)
    for row in range(14):
        tone = mix(tones[0], tones[1], min(1.0, row / 11.0))
        for k in range(n_bars):
            pen.box(left + k * width + 0.6, 92.0 - row * 4.2, left + (k + 1) * width - 0.6, 95.0 - row * 4.2, tone)
    column_of = np.clip(np.rint((left + width * np.arange(n_bars + 1) - shot.left) * shot.zoom), 0, SIZE).astype(int)
    row_of = np.rint((95.6 - 4.2 * np.arange(15) - shot.top) * shot.zoom).astype(int)
    floor = int(np.clip(row_of[0], 0, SIZE))
    groups = [shot.layer(lambda p: _crowd(p, rng), 128.0) for _ in range(2)]
    beams = np.linspace(14.0, 114.0, 6)
    beam_phase = rng.uniform(0.0, 2 * np.pi, 6)
    fan = int(rng.integers(5, 9))

    def frame_at(time: float) -> np.ndarray:
        frame = back.copy()
        pen = shot.pen(frame)
        pulse = (1.0 - (time * beat) % 1.0) ** 1.5
        # Equaliser wall: lit blocks from the floor up, in the tones of the show.
        level = envelope * (0.35 + 0.35 * pulse + 0.30 * np.sin(2 * np.pi * beat * speed * time / 2 + offset) ** 2)
        for k, height in enumerate(np.rint(level * 13).astype(int)):
            top = max(0, int(row_of[height]))
            frame[top:floor, column_of[k] : column_of[k + 1]] = wall[top:floor, column_of[k] : column_of[k + 1]]
        light = np.zeros_like(frame)
        lamp = shot.pen(light)
        for k, x in enumerate(beams):
            angle = 0.55 * np.sin(2 * np.pi * beat * time / 8 + beam_phase[k] / 3 + 0.5 * k)
            foot, spread = x + np.tan(angle) * 100.0, 9.0
            tone = mix("#000000", tones[k % 3], 0.34 + 0.14 * pulse * (k % 2))
            lamp.polygon([(x - 1, 12), (x + 1, 12), (foot + spread, 112), (foot - spread, 112)], tone)
        light = cv2.GaussianBlur(light, (0, 0), 2.2)
        lamp = shot.pen(light)
        for k in range(fan):
            angle = (k - (fan - 1) / 2) * 0.26 + 0.35 * np.sin(2 * np.pi * beat * time / 4 + offset[0])
            tip = (64.0 + 140.0 * np.sin(angle), 92.0 - 140.0 * np.cos(angle))
            lamp.line([(64, 92), tip], mix("#000000", tones[(k + 1) % 3], 0.85), 0.7)
        cv2.add(frame, light, dst=frame)
        for k, x in enumerate(beams):
            pen.glow(x, 12.0, 8.0, tones[k % 3], 0.9)
            pen.disc(x, 12.0, 1.6, (255, 255, 255))
        # The desk and the one who plays.
        pen.box(46, 84, 82, 98, (14, 12, 22))
        pen.box(46, 84, 82, 85.4, tones[0])
        nod = 1.4 * pulse
        pen.oval(64, 79.5, 7.5, 7, (10, 9, 16))
        pen.disc(64, 70.5 + nod, 4.3, (10, 9, 16))
        pen.box(59.2, 69.4 + nod, 60.8, 72.6 + nod, tones[1])
        pen.box(67.2, 69.4 + nod, 68.8, 72.6 + nod, tones[1])
        for k, group in enumerate(groups):
            hop = 2.4 * abs(np.sin(np.pi * beat * time + 0.9 * k)) - 2.4
            group.draw(frame, -shot.left * shot.zoom, -hop * shot.zoom * 0.99)
        pen.box(-4, 122, 132, 130, (7, 6, 13))
        return frame

    return frame_at
