"""Ink that spreads in water."""

import cv2
import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import FPS, SIZE, tile_noise

__all__ = ["ink"]

_INK_GRID = 84


def ink(shot: Shot) -> Painter:
    """Prepare drops of ink that fall into water and are carried into wisps.

    The ink is carried backwards along a swirling flow (semi-Lagrangian
    advection; Stam, Stable Fluids, 1999).
    """
    rng, look = shot.rng, shot.look
    n = _INK_GRID
    water = shot.backdrop([(0, look.between("#c2c8d0", "#fff6e4")), (128, look.between("#848e9a", "#ffdcb8"))]).astype(
        np.float32
    )
    tones = (
        ("#182a5a", "#d81e5b"),
        ("#123c48", "#ff7a00"),
        ("#3a1c4e", "#7a1fd0"),
        ("#2a2a34", "#0a8fb0"),
        ("#0e2c6a", "#e8b400"),
    )
    order = rng.permutation(5)[:3]
    dye = [np.log(255.0 / np.maximum(np.array(look.between(*tones[k])), 8.0)).astype(np.float32) for k in order]
    swirl = np.float32(14.0) * (tile_noise(300 + int(rng.integers(8)), size=n, roughness=2.3) - 0.5)
    curl_x = (np.roll(swirl, -1, axis=0) - np.roll(swirl, 1, axis=0)) * 9.0
    curl_y = (np.roll(swirl, 1, axis=1) - np.roll(swirl, -1, axis=1)) * 9.0
    fine = np.float32(6.0) * (tile_noise(320 + int(rng.integers(8)), size=n, roughness=1.9) - 0.5)
    fine_x = (np.roll(fine, -1, axis=0) - np.roll(fine, 1, axis=0)) * 6.0
    fine_y = (np.roll(fine, 1, axis=1) - np.roll(fine, -1, axis=1)) * 6.0
    y, x = np.mgrid[0:n, 0:n].astype(np.float32)
    density = np.zeros((n, n, 3), dtype=np.float32)
    drops = []
    moment = shot.start - 1.5
    while moment < shot.stop:
        drops.append(
            (moment, rng.uniform(0.18, 0.82), rng.uniform(0.08, 0.62), int(rng.integers(3)), rng.uniform(3.6, 7.5))
        )
        moment += rng.uniform(0.22, 0.5) / shot.rate**0.6
    step = 1.0 / FPS
    clock = [shot.start - 1.5]

    def advance() -> None:
        now = clock[0]
        for begin, cx, cy, tone, r in drops:
            if begin <= now < begin + 0.30:
                fall = (now - begin) / 0.30
                blob = np.exp(-(((x - cx * n) / r) ** 2 + ((y - (cy + 0.08 * fall) * n) / (1.15 * r)) ** 2))
                density[..., tone] += 0.70 * blob
        roll = int(6 * now)
        speed = step * shot.rate
        total = density.sum(axis=2)
        sink = cv2.GaussianBlur(total, (0, 0), 2.0)
        u = curl_x + np.roll(fine_x, (roll, 2 * roll), (0, 1))
        v = curl_y + np.roll(fine_y, (roll, 2 * roll), (0, 1)) + 13.0 * np.minimum(sink, 1.2)
        moved = cv2.remap(density, x - speed * u, y - speed * v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        density[...] = moved * np.float32(0.972)
        clock[0] = now + 1.0 / FPS

    def frame_at(time: float) -> np.ndarray:
        while clock[0] <= time + 1e-6:
            advance()
        depth = np.minimum(density, 2.2) @ np.stack(dye)
        clear = cv2.resize(np.exp(-depth), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
        return np.clip(water * clear, 0.0, 255.0).astype(np.uint8)

    return frame_at
