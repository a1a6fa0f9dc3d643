"""What the picture of a clip shows: colour, texture, shape, motion, shots, and a small network that learns to see.

:func:`describe_look_file` and :func:`describe_motion_file` compose all of it into vectors of fixed length;
:func:`describe_picture_file` is a quicker view.
"""

from avrec_lib.content.visual.colour import (
    Palette,
    colour_histogram,
    colour_moments,
    dominant_colours,
    lab_bytes,
    lab_units,
)
from avrec_lib.content.visual.description import (
    FRAME_FEATURES,
    LOOK_FEATURES,
    MOTION_FEATURES,
    describe_look,
    describe_look_file,
    describe_motion,
    describe_motion_file,
    frame_features,
)
from avrec_lib.content.visual.flow import GlobalMotion, global_motion, optical_flow
from avrec_lib.content.visual.sampling import sample_evenly
from avrec_lib.content.visual.shape import mask_moments, oriented_gradients, silhouettes
from avrec_lib.content.visual.shots import find_cuts, key_frames
from avrec_lib.content.visual.texture import gabor_energies, glcm_statistics, grey_bytes, lbp_histogram
from avrec_lib.content.visual.thumbnail import PICTURE_FEATURES, describe_frames, describe_picture_file

__all__ = [
    "FRAME_FEATURES",
    "LOOK_FEATURES",
    "MOTION_FEATURES",
    "PICTURE_FEATURES",
    "GlobalMotion",
    "Palette",
    "colour_histogram",
    "colour_moments",
    "describe_frames",
    "describe_look",
    "describe_look_file",
    "describe_motion",
    "describe_motion_file",
    "describe_picture_file",
    "dominant_colours",
    "find_cuts",
    "frame_features",
    "gabor_energies",
    "glcm_statistics",
    "global_motion",
    "grey_bytes",
    "key_frames",
    "lab_bytes",
    "lab_units",
    "lbp_histogram",
    "mask_moments",
    "optical_flow",
    "oriented_gradients",
    "sample_evenly",
    "silhouettes",
]
