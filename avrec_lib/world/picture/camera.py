"""Where the camera stands, how it moves and when the picture cuts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from avrec_lib.world.picture.canvas import FPS, SIZE, Layer, gradient, periodic_layer
from avrec_lib.world.picture.look import Look
from avrec_lib.world.picture.pen import Pen

__all__ = ["Motion", "Painter", "Scene", "Shot", "cut_frames", "plan_motion"]

Painter = Callable[[float], np.ndarray]
"""Draws the frame at a time in seconds: uint8 (128, 128, 3)."""


@dataclass(frozen=True)
class Motion:
    """How the picture moves as a whole.

    Attributes
    ----------
    direction_degrees : float
        0 to the right, 90 up; nan where nothing moves as a whole.
    speed : float
        Pixels a second; 0 where nothing moves as a whole.
    """

    direction_degrees: float
    speed: float

    @property
    def velocity(self) -> tuple[float, float]:
        """Pixels a second to the right and down."""
        if not self.speed:
            return (0.0, 0.0)
        angle = np.radians(self.direction_degrees)
        return (float(self.speed * np.cos(angle)), float(-self.speed * np.sin(angle)))


@dataclass(frozen=True)
class Shot:
    """What a scene is painted from: one take between two cuts.

    Attributes
    ----------
    rng : Generator
        Randomness of this shot.
    look : Look
        Colours.
    zoom : float
        Pixels a scene unit; a scene is 128 units wide at zoom 1.
    left, top : float
        Scene coordinates of the frame's upper left corner.
    velocity : tuple of float
        Motion of the whole picture in pixels a second, to the right and down.
    rate : float
        How fast things inside the picture move: 1 is normal, from a half to two.
    index : int
        Number of the shot in its clip.
    start, stop : float
        Seconds from the clip's beginning.
    """

    rng: np.random.Generator
    look: Look
    zoom: float
    left: float
    top: float
    velocity: tuple[float, float]
    rate: float
    index: int
    start: float
    stop: float

    def pen(self, frame: np.ndarray) -> Pen:
        """Return a pen that draws scene units on a frame."""
        return Pen(frame, self.zoom, self.left, self.top)

    def layer(self, paint: Callable[[Pen], None], width: float = 256.0, height: float = 0.0) -> Layer:
        """Paint a see-through layer that repeats after width (and height) units."""
        top = 0.0 if height else self.top
        return periodic_layer(paint, width=width, height=height, scale=self.zoom, top=top)

    def wall(
        self, stops: Sequence[tuple[float, Sequence[float]]], paint: Callable[[Pen], None], width: float = 256.0
    ) -> Layer:
        """Paint an opaque layer on a vertical gradient, repeating after width units."""
        backdrop = self.column(stops)
        return periodic_layer(paint, width=width, scale=self.zoom, top=self.top, backdrop=backdrop)

    def carpet(self, colour: Sequence[float], paint: Callable[[Pen], None], size: float) -> Layer:
        """Paint an opaque layer on one colour that repeats after size units both ways."""
        backdrop = gradient([(0.0, colour), (1.0, colour)], np.zeros(round(size * self.zoom)))
        return periodic_layer(paint, width=size, height=size, scale=self.zoom, backdrop=backdrop)

    def column(self, stops: Sequence[tuple[float, Sequence[float]]]) -> np.ndarray:
        """Return one column of a vertical gradient whose stops are in scene units: uint8 (128, 1, 3)."""
        return gradient(stops, self.top + (np.arange(SIZE) + 0.5) / self.zoom)

    def backdrop(self, stops: Sequence[tuple[float, Sequence[float]]]) -> np.ndarray:
        """Return a frame filled with a vertical gradient: uint8 (128, 128, 3)."""
        return np.ascontiguousarray(np.broadcast_to(self.column(stops), (SIZE, SIZE, 3)))

    def shift(self, time: float, share: float = 1.0) -> tuple[float, float]:
        """Return how far, in pixels, a layer has moved that goes at a share of the main speed."""
        return (self.velocity[0] * time * share - self.left * self.zoom, self.velocity[1] * time * share)

    def carried(self, x: float | np.ndarray, time: float, period: float, margin: float = 30.0) -> np.ndarray:
        """Return where points of the moving layer are seen at a time, in scene units."""
        # The layer's period is a whole number of pixels, and this must agree with it.
        true_period = round(period * self.zoom) / self.zoom
        low = self.left - margin
        return (np.asarray(x) + self.velocity[0] * time / self.zoom - low) % true_period + low


@dataclass(frozen=True)
class Scene:
    """A topic's picture.

    Attributes
    ----------
    paint : callable
        Prepares a shot and returns what draws its frames.
    speed : float
        Pixels a second at which the picture moves when arousal is 0; 0 for a still camera.
    directions : str
        ``across`` (left or right), ``any`` or ``none``.
    focus : tuple of float
        Scene coordinates on which close-ups are centred.
    zooms : tuple of float
        Least and greatest zoom.
    mirrors : bool
        Whether a shot may be seen in a mirror.
    """

    paint: Callable[[Shot], Painter]
    speed: float
    directions: str
    focus: tuple[float, float]
    zooms: tuple[float, float] = (1.0, 1.6)
    mirrors: bool = True


def plan_motion(scene: Scene, arousal: float, rng: np.random.Generator) -> Motion:
    """Choose direction and speed of a clip's picture.

    Parameters
    ----------
    scene : Scene
        The topic's picture.
    arousal : float
        In [-1, 1]; the speed doubles from 0 to 1.
    rng : Generator
        Source of randomness; always the same number of values is drawn.

    Returns
    -------
    Motion
        Constant over the whole clip, cuts included.
    """
    side, turn, jitter = rng.random(), rng.uniform(-1.0, 1.0), rng.normal()
    if scene.directions == "none":
        return Motion(float("nan"), 0.0)
    angle = 0.0 if side < 0.5 else 180.0
    if scene.directions == "any":
        angle = 180.0 + 180.0 * turn
    speed = scene.speed * 2.0**arousal * np.exp(0.1 * np.clip(jitter, -2.0, 2.0))
    return Motion(float(angle % 360.0), float(speed))


def cut_frames(pace: float, n_frames: int, rng: np.random.Generator) -> list[int]:
    """Choose the frames at which a new shot begins.

    Parameters
    ----------
    pace : float
        In [0, 1]: 0 gives one shot, 1 gives four.
    n_frames : int
        Length of the clip.
    rng : Generator
        Source of randomness.

    Returns
    -------
    list of int
        First frames of all shots but the first, increasing and at least a second apart.
    """
    n_shots = 1 + min(3, int(pace * 4.0))
    even = np.arange(1, n_shots) * n_frames / n_shots
    room = max(0.0, (n_frames / n_shots - FPS) / 2.0)
    return [round(k) for k in even + rng.uniform(-1.0, 1.0, 3)[: n_shots - 1] * min(room, 0.9 * FPS)]
