"""Pictures whose truth is known: painted here, or of a small world."""

import cv2
import numpy as np
import pytest

from avrec_lib.media import read_frames
from avrec_lib.world import load_world


def carpet(seed=0, size=512):
    """A coloured texture with structure at several scales: uint8 (size, size, 3)."""
    rng = np.random.default_rng(seed)
    layers = [cv2.GaussianBlur(rng.normal(0, 1, (size, size, 3)), (0, 0), s) * s for s in (1.5, 4, 12)]
    picture = sum(layers)
    return np.rint(127 + 50 * picture / picture.std()).clip(0, 255).astype(np.uint8)


def whole_clips(world):
    """Frames and truth of the clips whose files were not damaged on purpose: (images, truth row) pairs."""
    dirt = world.truth.dirt
    faulty = set(dirt.loc[dirt["table"] == "media", "id"])
    whole = [clip_id for clip_id in world.clips["clip_id"] if clip_id not in faulty]
    return [
        (read_frames(world.media(clip_id), fps=12.0, size=128).images, world.truth.clips.loc[clip_id])
        for clip_id in whole
    ]


@pytest.fixture(scope="session")
def clean_clips():
    return whole_clips(load_world("smoke", seed=7))
