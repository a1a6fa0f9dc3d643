"""Where the library keeps what it can make again."""

import os
import sys
from pathlib import Path

__all__ = ["cache_root", "private_folder"]


def cache_root() -> Path:
    """Return the folder of the library's caches, and create it private to this user.

    The environment variable ``AVREC_CACHE`` names the folder; without it the
    platform's folder for caches is used.

    Returns
    -------
    Path
        An existing folder, absolute.

    Raises
    ------
    PermissionError
        If the folder belongs to somebody else or others may write to it: what
        is read from a cache ends in pages, so a cache is trusted or not used.
    """
    named = os.environ.get("AVREC_CACHE")
    if named:
        root = Path(named)
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches" / "avrec"
    elif sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA", Path.home())) / "avrec"
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "avrec"
    return private_folder(root, remedy="set AVREC_CACHE to a folder of your own")


def private_folder(folder: Path, *, remedy: str) -> Path:
    """Make sure that a folder is there and that nobody but this user can write to it.

    Parameters
    ----------
    folder : Path
        Where; it is created, private to this user, if it is not there.
    remedy : str
        What a reader can do where it is not private: the end of the message.

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    PermissionError
        If the folder belongs to somebody else or others may write to it.
    """
    folder = folder.expanduser().absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid"):
        status = folder.stat()
        if status.st_uid != os.getuid() or status.st_mode & 0o022:
            raise PermissionError(f"the cache {folder} belongs to another user or others may write to it; {remedy}")
    return folder
