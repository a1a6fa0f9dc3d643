"""The one way in which a bad media file ends."""

from pathlib import Path

__all__ = ["MediaError", "MissingStreamError", "StalledMediaError"]


class MediaError(ValueError):
    """A media file that cannot be read or written.

    Parameters
    ----------
    path : str or Path
        The file.
    reason : str
        What is wrong with it, in words that a reader can act on.

    Attributes
    ----------
    path : Path
        The file.
    reason : str
        What is wrong with it.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"{path}: {reason}")

    def __reduce__(self) -> tuple[type["MediaError"], tuple[Path, str]]:
        # Worker processes hand errors back by pickling, which by default would
        # call the class with the finished message alone.
        return type(self), (self.path, self.reason)


class MissingStreamError(MediaError):
    """A readable media file that has no such stream: no picture, no sound, or not so many of them."""


class StalledMediaError(MediaError):
    """A media file whose decoding took longer than its limits allow; on a machine with less to do it may be fine."""
