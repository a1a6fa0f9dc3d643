"""Read and write pictures and sound. Every bad file ends in one documented error, ``MediaError``."""

from avrec_lib.media.errors import MediaError, MissingStreamError
from avrec_lib.media.write import write_clip

__all__ = ["MediaError", "MissingStreamError", "write_clip"]
