"""The ready-made extractors: how the book describes what is heard, seen and written.

An extractor and its sketch have the same name, that of the modality: a call takes one of the two.
"""

from avrec_lib.content.audio import SOUND_FEATURES, VECTOR_NAMES, describe_file, describe_sound_file
from avrec_lib.content.extractor import Extractor
from avrec_lib.content.sentences import describe_sentences, sentence_columns
from avrec_lib.content.text.hashing import describe_words
from avrec_lib.content.visual import (
    LOOK_FEATURES,
    MOTION_FEATURES,
    PICTURE_FEATURES,
    describe_look_file,
    describe_motion_file,
    describe_picture_file,
)

__all__ = ["ALL", "MOTION", "PICTURE", "PICTURE_SKETCH", "SOUND", "SOUND_SKETCH", "TEXT", "WORDS"]

SOUND = Extractor("sound", describe_file, VECTOR_NAMES)
"""The sound of a clip in full: spectrum, cepstrum, harmony, pitch, rhythm, loudness, modulation."""

PICTURE = Extractor("picture", describe_look_file, LOOK_FEATURES)
"""The picture of a clip in full, but for optical flow: colour, palette, texture, shape, change, cuts."""

MOTION = Extractor("motion", describe_motion_file, MOTION_FEATURES)
"""How the picture of a clip moves, by optical flow."""

TEXT = Extractor(
    "text", describe_sentences, sentence_columns("all-MiniLM-L6-v2"), "text", {"encoder": "all-MiniLM-L6-v2"}
)
"""What is written about a clip, as a sentence encoder reads it."""

WORDS = Extractor(
    "text", describe_words, tuple(f"word-{number:04d}" for number in range(4096)), "text", {"width": 4096}
)
"""What is written about a clip, word by word, with no regard to meaning."""

ALL = (TEXT, PICTURE, MOTION, SOUND)
"""The extractors of the three modalities, for one call of :func:`avrec_lib.content.extraction.extract`."""

SOUND_SKETCH = Extractor("sound", describe_sound_file, SOUND_FEATURES)
"""The sound of a clip in a few numbers: spectrum, pitch classes, loudness, rhythm.

A quarter of the time of :data:`SOUND` and a sixth of its columns: for whoever describes a whole catalogue on the way
to something else, or learns from few clips.
"""

PICTURE_SKETCH = Extractor("picture", describe_picture_file, PICTURE_FEATURES)
"""The picture of a clip in a few numbers: colours, layout, edges, motion.

Half of the time of :data:`PICTURE` and a fifth of its columns, for the same use as :data:`SOUND_SKETCH`.
"""
