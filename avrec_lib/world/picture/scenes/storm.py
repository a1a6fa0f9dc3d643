"""Thunderclouds over a plain, and lightning."""

import cv2
import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import SIZE, Layer, tile_noise
from avrec_lib.world.picture.look import mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["thunderstorm"]


def _bolt(rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    """Draw a lightning bolt from (0, 8) to the ground: its trunk and its twigs, each (n, 2)."""
    y = np.linspace(8.0, 94.0, 15)
    x = np.concatenate([[0.0], np.cumsum(rng.normal(0.0, 4.2, 14))])
    trunk = np.stack([x, y], axis=1)
    twigs = []
    for k in rng.choice(np.arange(2, 12), 4, replace=False):
        side = rng.choice([-1.0, 1.0])
        steps = np.cumsum(np.stack([side * rng.uniform(1.5, 5.0, 4), rng.uniform(2.5, 6.0, 4)], axis=1), axis=0)
        twigs.append(np.concatenate([trunk[k : k + 1], trunk[k] + steps]))
    return trunk, twigs


def thunderstorm(shot: Shot) -> Painter:
    """Prepare clouds that roll over a dark plain, and lightning."""
    rng, look = shot.rng, shot.look
    billow = 0.62 * tile_noise(200 + int(rng.integers(6)), roughness=1.9, stretch=0.62)
    billow = billow + 0.38 * np.abs(2.0 * tile_noise(220 + int(rng.integers(6)), roughness=1.5) - 1.0)
    bank = cv2.resize(
        np.roll(billow, int(rng.integers(256)), axis=1), None, fx=shot.zoom, fy=shot.zoom, interpolation=cv2.INTER_CUBIC
    )
    low, high = bank.min(), bank.max()
    step = np.clip((bank - low) / (high - low), 0.0, 1.0)
    tones = np.array(
        [
            look.between(*c)
            for c in (("#10131f", "#2c2050"), ("#2c3346", "#54428a"), ("#566074", "#9274b4"), ("#8e98aa", "#dcaec8"))
        ]
    )
    place = np.array([0.12, 0.42, 0.68, 0.92])
    curve = np.stack([np.interp(np.linspace(0, 1, 256), place, tones[:, c]) for c in range(3)], axis=1).astype(np.uint8)
    index = np.rint(255 * step).astype(np.uint8)
    clouds = Layer(np.ascontiguousarray(curve[index]), None, (True, True))
    shade = np.clip(0.66 + 0.40 * (shot.top + np.arange(SIZE) / shot.zoom) / 84.0, 0.0, 1.06)
    shade = np.repeat(np.rint(240 * shade)[:, None, None], SIZE, axis=1).repeat(3, axis=2).astype(np.uint8)
    period = 192.0
    x = np.linspace(-2.0, period + 2.0, 90)

    def paint(p: Pen) -> None:
        for base, tone, rough in (
            (92.0, look.between("#1c2432", "#3c3050"), 4.0),
            (102.0, look.between("#0e141c", "#1e1a30"), 3.0),
        ):
            turn = 2.0 * np.pi * x / period
            y = base + rough * (np.sin(2 * turn + rng.uniform(0, 6)) + 0.4 * np.sin(5 * turn + rng.uniform(0, 6)))
            p.polygon(np.concatenate([np.stack([x, y], axis=1), [(period + 2, 140), (-2, 140)]]), tone)
            for at in rng.uniform(0, period, 5):
                p.box(at, base - 3, at + 5, base + 6, mix(tone, "#000000", 0.3))
                p.polygon([(at - 1, base - 3), (at + 2.5, base - 7), (at + 6, base - 3)], mix(tone, "#000000", 0.4))
                p.box(at + 1.6, base - 1, at + 3.2, base + 1, (255, 206, 110))
        grass = look.between("#080c10", "#141a1e")
        for at, lean, tall in rng.uniform([0, -2, 11], [period, 2, 17], (110, 3)):
            p.line([(at, 129), (at + lean, 128 - tall)], grass, 0.8)

    ground = shot.layer(paint, period)
    # Strikes are at least 0.8 s apart: never more than three flashes in any second.
    strikes, at = [], shot.start + rng.uniform(0.25, 0.6)
    while at < shot.stop:
        strikes.append((at, _bolt(rng), rng.uniform(26, 102)))
        at += 0.8 + rng.exponential(0.7) / shot.rate
    crown = rng.uniform([0, 94], [period, 97], (3, 2))
    sway = rng.uniform(0, 6.0, 3)

    def frame_at(time: float) -> np.ndarray:
        frame = np.empty((SIZE, SIZE, 3), dtype=np.uint8)
        clouds.draw(frame, *shot.shift(time))
        cv2.multiply(frame, shade, dst=frame, scale=1.0 / 240.0)
        pen = shot.pen(frame)
        for begin, (trunk, twigs), x0 in strikes:
            age = time - begin
            if 0.0 <= age < 0.7:
                power = float(np.exp(-4.5 * age))
                move = np.array([x0, 0.0])
                pen.glow(x0, 30.0, 74.0, look.between("#8a9cd0", "#c4a8ff"), 0.75 * power)
                if age < 0.45:
                    for twig in twigs:
                        pen.line(twig + move, mix("#5a6aa8", "#f4f0ff", power), 0.6)
                    pen.line(trunk + move, mix("#6a7ac0", "#e0dcff", power), 2.0)
                    pen.line(trunk + move, (255, 255, 255), 0.8)
                    pen.glow(float(trunk[-1, 0] + x0), 94.0, 16.0, (180, 180, 230), 0.8 * power)
        ground.draw(frame, *shot.shift(time))
        for x0, y0, start in zip(shot.carried(crown[:, 0], time, period), crown[:, 1], sway, strict=True):
            bend = 3.0 + 2.6 * np.sin(2.4 * shot.rate**0.5 * time + start)
            pen.line([(x0, 118), (x0 + 0.3 * bend, 106), (x0 + bend, y0)], (8, 8, 12), 1.6)
            for k in range(6):
                tip = (x0 + bend * (1 + 0.3 * k) + 7 * np.cos(k * 1.1), y0 - 2 + 5 * np.sin(k * 1.1))
                pen.oval(*tip, 4.6, 3.2, look.between("#0a0e12", "#16141e"))
        return frame

    return frame_at
