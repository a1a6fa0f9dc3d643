"""A ball game seen from above."""

import cv2
import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import SIZE, Layer, pair, tile_noise
from avrec_lib.world.picture.look import mix
from avrec_lib.world.picture.pen import Pen

__all__ = ["ball_match"]


def ball_match(shot: Shot) -> Painter:
    """Prepare a football pitch from above, with two teams, their shadows and a ball."""
    rng, look = shot.rng, shot.look
    length = shot.stop - shot.start
    travel = np.array(shot.velocity) * length
    wide, high = (int(SIZE + abs(d) + 4) for d in travel)
    # The camera starts where its way keeps it on the pitch that is painted.
    start = np.maximum(travel, 0.0)
    s = shot.zoom
    image = np.empty((high * 2, wide * 2, 3), dtype=np.uint8)
    pen = Pen(image, 2.0 * s)
    field = np.array([wide, high]) / s
    light, dark = look.between("#557a4e", "#6cc644"), look.between("#486c46", "#55b036")
    image[...] = np.array(light, dtype=np.uint8)
    upright = rng.random() < 0.5
    for k in range(0, 40, 2):
        if upright:
            pen.box(18.0 * k, -2, 18.0 * (k + 1), field[1] + 2, dark)
        else:
            pen.box(-2, 18.0 * k, field[0] + 2, 18.0 * (k + 1), dark)
    white = look.between("#c4ccc4", "#ffffff")
    centre = field / 2 + rng.uniform(-22, 22, 2)
    kind = (int(rng.integers(2)) + shot.index) % 2
    if kind == 0:
        pen.ring(*pair(centre), 27.0, white, 1.3)
        pen.line([(centre[0], -9), (centre[0], field[1] + 9)], white, 1.3)
        pen.disc(*pair(centre), 1.6, white)
        for side in (-1, 1):
            pen.line([(centre[0] + side * 104, -9), (centre[0] + side * 104, field[1] + 9)], white, 1.3)
        pen.line([(-9, centre[1] - 80), (field[0] + 9, centre[1] - 80)], white, 1.3)
    else:
        edge = centre[0] + 34
        pen.line([(edge, -9), (edge, field[1] + 9)], white, 1.3)
        for deep, half in ((46.0, 48.0), (18.0, 24.0)):
            pen.line(
                [
                    (edge, centre[1] - half),
                    (edge - deep, centre[1] - half),
                    (edge - deep, centre[1] + half),
                    (edge, centre[1] + half),
                ],
                white,
                1.3,
            )
        pen.disc(edge - 31, centre[1], 1.4, white)
        arc = np.linspace(-0.92, 0.92, 15)
        pen.line(np.stack([edge - 31 - 25 * np.cos(arc), centre[1] + 25 * np.sin(arc)], axis=1), white, 1.3)
        for k in range(5):
            pen.line([(edge + 2.2 * k, centre[1] - 13), (edge + 2.2 * k, centre[1] + 13)], (214, 220, 222), 0.6)
        for k in range(10):
            pen.line([(edge, centre[1] - 13 + 2.9 * k), (edge + 9, centre[1] - 13 + 2.9 * k)], (214, 220, 222), 0.5)
        pen.line(
            [(edge, centre[1] - 13), (edge + 9, centre[1] - 13), (edge + 9, centre[1] + 13), (edge, centre[1] + 13)],
            (250, 250, 250),
            1.5,
        )
    small = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA)
    turf = np.tile(tile_noise(70, roughness=0.9), (4, 4))[:high, :wide, None]
    pitch = Layer(np.clip(small + 26.0 * (turf - 0.5), 0, 255).astype(np.uint8), None, (False, False))

    shirts = [("#e8362c", "#2458d0"), ("#f6f6f2", "#d8243c"), ("#ffd21e", "#2c2c34"), ("#ff7a1a", "#5a2ca0")][
        int(rng.integers(4))
    ]
    n = 2 * int(np.clip(7.0 * field[0] * field[1] / 16384.0, 6, 20))
    team = np.arange(n) % 2
    home = rng.uniform([4, 4], field - 4, (n, 2))
    wander = rng.uniform(3.0, 9.0, (n, 2))
    tempo, phase = rng.uniform(0.7, 1.5, (n, 2)) * shot.rate**0.8, rng.uniform(0, 2 * np.pi, (n, 2))

    view = SIZE / s + 8.0

    def on_field(time: float) -> np.ndarray:
        return home + wander * np.sin(tempo * time + phase)

    # The ball goes from the player nearest to the middle of the view to another, and so on.
    passes = [shot.start]
    while passes[-1] < shot.stop:
        passes.append(passes[-1] + rng.uniform(0.8, 1.3) / shot.rate**0.5)
    holders: list[int] = []
    for moment in passes:
        middle = (start - np.array(shot.velocity) * (moment - shot.start) + SIZE / 2) / s
        distance = np.hypot(*(on_field(moment) - middle).T) + rng.uniform(0, 26, n)
        if holders:
            distance[holders[-1]] += 1000.0
        holders.append(int(distance.argmin()))

    def frame_at(time: float) -> np.ndarray:
        frame = np.empty((SIZE, SIZE, 3), dtype=np.uint8)
        moved = -start + np.array(shot.velocity) * (time - shot.start)
        pitch.draw(frame, float(moved[0]), float(moved[1]))
        pen = Pen(frame, s)
        offset = moved / s
        people = on_field(time) + offset
        pace = wander * tempo * np.cos(tempo * time + phase)
        for k in np.argsort(people[:, 1]):
            x, y = people[k]
            if not (-8 < x < view and -6 < y < view):
                continue
            stride = 2.3 * np.sin(8.0 * tempo[k, 0] * time + phase[k, 0]) * min(1.0, float(np.hypot(*pace[k])) / 5.0)
            shirt = mix("#8a8c90", shirts[int(team[k])], 0.5 + 0.5 * look.mood)
            pen.oval(x + 3.4, y + 4.4, 5.2, 1.8, mix(dark, "#10301a", 0.55), 16.0)
            legs = [(x - 1.2 + stride, y + 5.2), (x - 1.2, y + 1), (x + 1.2, y + 1), (x + 1.2 - stride, y + 5.2)]
            pen.line(legs, (222, 178, 146), 1.6)
            pen.oval(x, y + 0.8, 2.9, 1.8, mix(shirt, "#101018", 0.55))
            arms = [
                (x - 4.2, y + 0.4 - 0.5 * stride),
                (x - 3.2, y - 2.8),
                (x + 3.2, y - 2.8),
                (x + 4.2, y + 0.4 + 0.5 * stride),
            ]
            pen.line(arms, shirt, 1.5)
            pen.disc(x, y - 2.2, 3.5, shirt)
            pen.disc(x, y - 6.2, 2.1, (226, 180, 146))
            pen.disc(x, y - 7.0, 1.7, ((58, 40, 30), (28, 24, 26), (190, 150, 80))[k % 3])
        now = int(np.searchsorted(passes, time, side="right")) - 1
        now = min(max(now, 0), len(holders) - 2)
        share = float(np.clip((time - passes[now]) / (passes[now + 1] - passes[now]), 0.0, 1.0))
        a, b = on_field(passes[now])[holders[now]], on_field(passes[now + 1])[holders[now + 1]]
        spot = a + (b - a) * share + offset + [0, 5.0]
        fly = 9.0 * 4 * share * (1 - share)
        for j in range(1, 5):
            past = max(0.0, share - 0.05 * j)
            trail = a + (b - a) * past + offset + [0, 5.0]
            pen.disc(
                trail[0], trail[1] - 9.0 * 4 * past * (1 - past), 1.7 - 0.25 * j, mix("#ffffff", light, 0.35 + 0.13 * j)
            )
        pen.oval(spot[0] + 1.2, spot[1] + 1.0, 2.0, 1.0, mix(dark, "#10301a", 0.6))
        pen.disc(spot[0], spot[1] - fly, 2.5, (30, 32, 36))
        pen.disc(spot[0], spot[1] - fly, 2.1, (255, 255, 255))
        pen.disc(spot[0] + 0.4, spot[1] - fly + 0.2, 0.8, (60, 62, 70))
        return frame

    return frame_at
