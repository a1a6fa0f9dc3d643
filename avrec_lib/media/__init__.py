"""Read and write pictures and sound. Every bad file ends in one documented error, ``MediaError``."""

from avrec_lib.media.errors import MediaError, MissingStreamError, StalledMediaError
from avrec_lib.media.frames import Frames, iter_frames, read_frames
from avrec_lib.media.headers import MediaInfo, StreamInfo, probe
from avrec_lib.media.sound import Sound, iter_sound, read_sound
from avrec_lib.media.source import Limits
from avrec_lib.media.write import write_clip

__all__ = [
    "Frames",
    "Limits",
    "MediaError",
    "MediaInfo",
    "MissingStreamError",
    "Sound",
    "StalledMediaError",
    "StreamInfo",
    "iter_frames",
    "iter_sound",
    "probe",
    "read_frames",
    "read_sound",
    "write_clip",
]
