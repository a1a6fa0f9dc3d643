"""From a clip's specification to its frames and the truth about them."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from avrec_lib.world.catalogue import ClipSpec
from avrec_lib.world.picture.camera import Motion, Painter, Scene, Shot, cut_frames, plan_motion
from avrec_lib.world.picture.canvas import FPS, SIZE, tile_noise
from avrec_lib.world.picture.look import Look, grade_matrix, measure_palette
from avrec_lib.world.picture.scenes.guitar import folk_guitar
from avrec_lib.world.picture.scenes.ink import ink
from avrec_lib.world.picture.scenes.march import brass_march
from avrec_lib.world.picture.scenes.market import market
from avrec_lib.world.picture.scenes.match import ball_match
from avrec_lib.world.picture.scenes.meadow import birdsong_meadow
from avrec_lib.world.picture.scenes.ocean import ocean
from avrec_lib.world.picture.scenes.piano import nocturne_piano
from avrec_lib.world.picture.scenes.race import motor_race
from avrec_lib.world.picture.scenes.rainforest import rainforest
from avrec_lib.world.picture.scenes.road import night_drive
from avrec_lib.world.picture.scenes.shapes import bouncing_shapes
from avrec_lib.world.picture.scenes.storm import thunderstorm
from avrec_lib.world.picture.scenes.techno import techno
from avrec_lib.world.picture.scenes.train import train_ride
from avrec_lib.world.picture.scenes.workshop import workshop
from avrec_lib.world.picture.weather import prepare_weather, setting_matrix
from avrec_lib.world.topics import SETTINGS

__all__ = ["SCENES", "PictureTruth", "render_picture"]

_STREAM = 12

SCENES: dict[str, Scene] = {
    "nocturne-piano": Scene(nocturne_piano, 11.0, "across", (64.0, 84.0), (1.0, 1.5)),
    "techno": Scene(techno, 0.0, "none", (64.0, 70.0), (1.0, 1.5)),
    "folk-guitar": Scene(folk_guitar, 0.0, "none", (64.0, 76.0), (1.0, 1.45)),
    "brass-march": Scene(brass_march, 17.0, "across", (64.0, 78.0), (1.0, 1.5)),
    "rainforest": Scene(rainforest, 12.0, "any", (64.0, 64.0), (0.9, 1.5)),
    "ocean": Scene(ocean, 12.0, "across", (64.0, 66.0), (1.0, 1.5)),
    "thunderstorm": Scene(thunderstorm, 16.0, "across", (64.0, 74.0), (1.0, 1.4)),
    "birdsong-meadow": Scene(birdsong_meadow, 12.0, "across", (64.0, 82.0), (1.0, 1.5)),
    "motor-race": Scene(motor_race, 60.0, "across", (64.0, 78.0), (1.0, 1.5)),
    "ball-match": Scene(ball_match, 17.0, "any", (64.0, 64.0), (0.9, 1.5)),
    "night-drive": Scene(night_drive, 0.0, "none", (64.0, 62.0), (1.0, 1.4)),
    "market": Scene(market, 15.0, "across", (64.0, 80.0), (1.0, 1.5)),
    "train-ride": Scene(train_ride, 34.0, "across", (64.0, 64.0), (1.0, 1.25)),
    "bouncing-shapes": Scene(bouncing_shapes, 0.0, "none", (64.0, 64.0), (1.0, 1.3)),
    "ink": Scene(ink, 0.0, "none", (64.0, 64.0), (1.0, 1.4)),
    "workshop": Scene(workshop, 0.0, "none", (64.0, 76.0), (1.0, 1.45)),
}
"""How each topic is drawn."""


@dataclass(frozen=True)
class PictureTruth:
    """What is true of a clip's picture, as drawn.

    Attributes
    ----------
    palette : ndarray uint8 (5, 3)
        The colours that cover most of it, red-green-blue, the most frequent first.
    setting : str
        Weather and light.
    direction_degrees : float
        Where the picture moves as a whole: 0 to the right, 90 up; nan if it does not.
    speed_pixels_per_second : float
        How fast it does; 0 if it does not.
    cut_times : ndarray float64 (m,)
        Seconds at which a new shot begins.
    """

    palette: np.ndarray
    setting: str
    direction_degrees: float
    speed_pixels_per_second: float
    cut_times: np.ndarray


def render_picture(clip: ClipSpec) -> tuple[np.ndarray, PictureTruth]:
    """Draw a clip's picture.

    Parameters
    ----------
    clip : ClipSpec
        The clip's attributes; the same specification gives the same bytes.

    Returns
    -------
    frames : ndarray uint8 (round(12 * duration), 128, 128, 3)
        Red-green-blue pictures, 12 a second.
    truth : PictureTruth
        What is true of them.

    Raises
    ------
    ValueError
        If the topic or the setting is unknown, or the clip is shorter than a frame.
    """
    if clip.topic not in SCENES:
        raise ValueError(f"clip {clip.clip_id}: no topic named {clip.topic!r}; there are {', '.join(SCENES)}")
    if clip.setting not in SETTINGS:
        raise ValueError(f"clip {clip.clip_id}: no setting named {clip.setting!r}; there are {', '.join(SETTINGS)}")
    n_frames = round(clip.duration_seconds * FPS)
    if n_frames < 1:
        raise ValueError(f"clip {clip.clip_id}: {clip.duration_seconds} s is shorter than a frame of 1/{FPS} s")
    scene = SCENES[clip.topic]
    rng = np.random.default_rng([clip.seed, _STREAM])
    look = Look(mood=(float(clip.valence) + 1.0) / 2.0, hue=float(clip.hue))
    motion = plan_motion(scene, float(clip.arousal), rng)
    cuts = cut_frames(float(clip.pace), n_frames, rng)
    weather = prepare_weather(clip.setting, look, np.random.default_rng([clip.seed, _STREAM, 1]))

    frames = np.empty((n_frames, SIZE, SIZE, 3), dtype=np.uint8)
    edges = [0, *cuts, n_frames]
    shots = _shots(clip, scene, look, motion, edges)
    for (shot, mirrored), start, stop in zip(shots, edges[:-1], edges[1:], strict=True):
        painter: Painter = scene.paint(shot)
        for k in range(start, stop):
            frame = painter(k / FPS)
            frames[k] = cv2.flip(frame, 1) if mirrored else frame
    light = setting_matrix(clip.setting)
    mood = np.vstack([grade_matrix(look), [0.0, 0.0, 0.0, 1.0]])
    cv2.transform(frames.reshape(-1, SIZE, 3), light @ mood, dst=frames.reshape(-1, SIZE, 3))
    for k in range(n_frames):
        weather(frames[k], k / FPS)
    truth = PictureTruth(
        palette=measure_palette(frames),
        setting=clip.setting,
        direction_degrees=motion.direction_degrees,
        speed_pixels_per_second=motion.speed,
        cut_times=np.array(cuts, dtype=np.float64) / FPS,
    )
    _wear(frames, float(clip.quality), np.random.default_rng([clip.seed, _STREAM, 2]))
    return frames, truth


def _shots(clip: ClipSpec, scene: Scene, look: Look, motion: Motion, edges: list[int]) -> list[tuple[Shot, bool]]:
    """Place the camera for each shot: wide and close by turns, the mirror by turns."""
    rng = np.random.default_rng([clip.seed, _STREAM, 3])
    wide_first, flip_first = rng.random(2) < [0.6, 0.5]
    least, greatest = scene.zooms
    half = (least + greatest) / 2.0
    shots = []
    for index, (start, stop) in enumerate(pairwise(edges)):
        wide = bool(wide_first) == (index % 2 == 0)
        zoom = rng.uniform(least, least + 0.3 * (half - least)) if wide else rng.uniform(half, greatest)
        seen = SIZE / zoom
        jitter = rng.uniform(-6.0, 6.0, 2)
        room = max(0.0, SIZE - seen)
        left = float(np.clip(scene.focus[0] + jitter[0] - seen / 2.0, 0.0, room))
        top = float(np.clip(scene.focus[1] + jitter[1] - seen / 2.0, 0.0, room))
        mirrored = scene.mirrors and bool(flip_first) != (index % 2 == 0)
        right, down = motion.velocity
        shot = Shot(
            rng=np.random.default_rng([clip.seed, _STREAM, 4, index]),
            look=look,
            zoom=float(zoom),
            left=left,
            top=top,
            velocity=(-right if mirrored else right, down),
            rate=float(2.0**clip.arousal),
            index=index,
            start=start / FPS,
            stop=stop / FPS,
        )
        shots.append((shot, mirrored))
    return shots


def _wear(frames: np.ndarray, quality: float, rng: np.random.Generator) -> None:
    """Make the frames as unsteady, soft and grainy as the clip is badly made, in place."""
    fault = float(np.clip(0.75 - quality, 0.0, 0.75)) / 0.75
    if fault == 0.0:
        return
    phase = rng.uniform(0.0, 2.0 * np.pi, 4)
    time = np.arange(len(frames)) / FPS
    shake = fault * np.stack(
        [
            0.7 * np.sin(5.1 * time + phase[0]) + 0.4 * np.sin(9.7 * time + phase[1]),
            0.6 * np.sin(4.3 * time + phase[2]) + 0.4 * np.sin(8.9 * time + phase[3]),
        ],
        axis=1,
    )
    grain = np.rint((tile_noise(90, roughness=0.6) - 0.5) * 22.0 * fault)
    brighter = np.pad(np.maximum(grain, 0.0).astype(np.uint8), ((0, SIZE), (0, SIZE)), mode="wrap")
    darker = np.pad(np.maximum(-grain, 0.0).astype(np.uint8), ((0, SIZE), (0, SIZE)), mode="wrap")
    brighter, darker = (np.repeat(g[..., None], 3, axis=2) for g in (brighter, darker))
    places = rng.integers(256, size=(len(frames), 2))
    middle = (SIZE - 1) / 2.0
    for frame, (x, y), (row, column) in zip(frames, shake, places, strict=True):
        moved = cv2.getRectSubPix(frame, (SIZE, SIZE), (middle + float(x), middle + float(y)))
        if fault > 0.45:
            moved = cv2.GaussianBlur(moved, (0, 0), 0.35 + 0.45 * fault)
        window = (slice(row, row + SIZE), slice(column, column + SIZE))
        cv2.add(moved, brighter[window], dst=moved)
        cv2.subtract(moved, darker[window], dst=frame)
