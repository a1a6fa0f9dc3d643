"""The ready-made extractors: how the book describes what is heard and what is seen."""

from avrec_lib.content.audio import SOUND_FEATURES, describe_sound_file
from avrec_lib.content.describing import Extractor
from avrec_lib.content.visual import PICTURE_FEATURES, describe_picture_file

__all__ = ["PICTURE_SKETCH", "SOUND_SKETCH"]

SOUND_SKETCH = Extractor("sound", describe_sound_file, SOUND_FEATURES)
"""The sound of a clip in a few numbers: spectrum, pitch classes, loudness, rhythm; quick to compute."""

PICTURE_SKETCH = Extractor("picture", describe_picture_file, PICTURE_FEATURES)
"""The picture of a clip in a few numbers: colours, layout, edges, motion; quick to compute."""
