"""Shapes that bounce off the walls."""

import numpy as np

from avrec_lib.world.picture.camera import Painter, Shot
from avrec_lib.world.picture.canvas import SIZE
from avrec_lib.world.picture.look import mix

__all__ = ["bouncing_shapes"]

_PAPERS = (("#4a5a78", "#ffe9a8"), ("#4c4a6a", "#ffd0c4"), ("#3e5c66", "#c8f4e0"), ("#524e66", "#d8dcff"))


def bouncing_shapes(shot: Shot) -> Painter:
    """Prepare flat shapes with faces and shadows that bounce between the walls."""
    rng, look = shot.rng, shot.look
    paper = look.between(*_PAPERS[int(rng.integers(4))])
    back = shot.backdrop([(0, mix(paper, "#ffffff", 0.22)), (128, mix(paper, "#000000", 0.06))])
    pen = shot.pen(back)
    pattern = int(rng.integers(3))
    soft = mix(paper, "#ffffff", 0.30)
    for k in range(-2, 12):
        if pattern == 0:
            pen.polygon([(14 * k, -4), (14 * k + 6, -4), (14 * k - 40, 132), (14 * k - 46, 132)], soft)
            pen.polygon([(14 * k + 112, -4), (14 * k + 118, -4), (14 * k + 72, 132), (14 * k + 66, 132)], soft)
        else:
            for j in range(10):
                x, y = 13.0 * k + 6.5 * (j % 2), 13.0 * j + 5
                if pattern == 1:
                    pen.disc(x, y, 2.0, soft)
                else:
                    pen.line([(x - 2, y), (x + 2, y)], soft, 0.9)
                    pen.line([(x, y - 2), (x, y + 2)], soft, 0.9)
    n = int(rng.integers(6, 9))
    radius = np.sort(rng.uniform(7.5, 15.0, n))[::-1]
    tones = ("#ff4b5c", "#2ec4b6", "#ffbf1f", "#5b5bff", "#ff8a2a", "#8ac926", "#e05ae0", "#1fa2ff")
    colours = [mix("#6a7488", tones[k], 0.45 + 0.55 * look.mood) for k in rng.permutation(8)]
    kinds = np.concatenate([[0, 1], rng.integers(0, 5, n - 2)])
    place = rng.uniform(0.0, 2.0, (n, 2))
    heading = rng.uniform(0.25, 0.75, n) * np.pi + rng.choice([0.0, np.pi], n)
    speed = 52.0 * shot.rate * rng.uniform(0.75, 1.3, n)
    drift = np.stack([np.sin(heading), np.cos(heading)], axis=1) * speed[:, None]
    spin, turn0 = rng.uniform(-1.6, 1.6, n) * shot.rate, rng.uniform(0, 6, n)
    low = np.stack([radius + shot.left, radius + shot.top], axis=1)
    room = np.maximum(SIZE / shot.zoom - 2.0 * radius, 4.0)[:, None]
    ring = np.linspace(0, 2 * np.pi, 33)[:-1]
    corners = {1: 4, 2: 3, 4: 6}

    def outline(kind: int, turn: float) -> np.ndarray:
        if kind == 0:
            return np.stack([np.cos(ring), np.sin(ring)], axis=1)
        if kind == 3:
            angle = turn + np.arange(10) * np.pi / 5
            reach = np.where(np.arange(10) % 2 == 0, 1.12, 0.56)
            return np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)
        sides = corners[kind]
        angle = turn + np.arange(sides) * 2 * np.pi / sides
        return 1.14 * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    shadow, shines = mix(paper, "#1c1c38", 0.32), [mix(colour, "#ffffff", 0.20) for colour in colours]
    smile = np.linspace(0.25, np.pi - 0.25, 7)
    mouth = np.stack([0.24 * np.cos(smile), 0.24 + 0.216 * (look.mood - 0.35) * np.sin(smile)], axis=1)

    def frame_at(time: float) -> np.ndarray:
        frame = back.copy()
        pen = shot.pen(frame)
        # A point that bounces between walls is a zigzag of its unbounded way.
        way = (place + drift * time / room) % 2.0
        at = low + room * (1.0 - np.abs(way - 1.0))
        near_wall = np.min(np.minimum(way % 1.0, 1.0 - way % 1.0) * room, axis=1)
        flat = np.argmin(np.minimum(way % 1.0, 1.0 - way % 1.0), axis=1)
        flip = np.where(way < 1.0, 1.0, -1.0) * drift
        gaze = 0.10 * radius[:, None] * flip / np.hypot(flip[:, :1], flip[:, 1:])
        squash = 1.0 - 0.26 * np.maximum(0.0, 1.0 - near_wall / 5.0)
        for k in range(n):
            along = (squash[k], 1.0 / squash[k])
            r, (x, y) = float(radius[k]), at[k].tolist()
            shape = outline(int(kinds[k]), turn0[k] + spin[k] * time) * (along if flat[k] == 0 else along[::-1]) * r
            places = np.array([(x + 2.2, y + 3.0), (x, y), (x - 0.10 * r, y - 0.12 * r)])
            skins = places[:, None] + np.stack([shape, shape, 0.8 * shape])
            pen.polygons(skins, (shadow, colours[k], shines[k]))
            dx, dy = gaze[k].tolist()
            for side in (-0.26, 0.26):
                pen.disc(x + side * r, y - 0.10 * r, 0.19 * r, (255, 255, 255))
                pen.disc(x + side * r + dx, y - 0.10 * r + dy, 0.10 * r, (26, 26, 40))
            pen.line(mouth * r + at[k], (26, 26, 40), 0.07 * r)
        return frame

    return frame_at
