"""Draw a clip's picture, and keep what is true of it."""

from avrec_lib.world.picture.canvas import FPS, SIZE
from avrec_lib.world.picture.render import SCENES, PictureTruth, render_picture

__all__ = ["FPS", "SCENES", "SIZE", "PictureTruth", "render_picture"]
