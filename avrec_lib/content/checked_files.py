"""Arrays and what is known about them, in one file that is whole or absent, and that notices every change."""

import errno
import hashlib
import json
import os
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

__all__ = ["DamagedFileError", "read_checked", "write_checked"]

_KEY = "avrec"  # under it the manifest stands in the file's metadata
# What readers of JSON and of safetensors raise on bytes that are neither, or that have another structure.
_UNREADABLE = (SafetensorError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


class DamagedFileError(ValueError):
    """A file that is not as it was written: changed, cut off, or never written by this library.

    Parameters
    ----------
    path : str or Path
        The file.
    reason : str
        What is wrong with it.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path, self.reason = Path(path), reason
        super().__init__(f"{path}: {reason}")

    def __reduce__(self) -> tuple[type["DamagedFileError"], tuple[Path, str]]:
        return type(self), (self.path, self.reason)


def write_checked(path: str | Path, arrays: Mapping[str, np.ndarray], manifest: Mapping[str, Any]) -> None:
    """Write arrays and a manifest as one safetensors file, whole or not at all.

    The file is written beside its place and then moved there, so that no reader sees half of it and a writer at the
    same time replaces it by another whole one. Its metadata hold the manifest and the SHA-256 of manifest and arrays.

    Parameters
    ----------
    path : str or Path
        Where to write; a file that is there is replaced.
    arrays : mapping of str to ndarray
        Numbers or truth values, of any shape.
    manifest : mapping
        What JSON can write.

    Raises
    ------
    OSError
        If it cannot be written, such as on a full disk; then nothing is left of it.
    """
    path = Path(path)
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    described = json.dumps(dict(manifest), sort_keys=True, allow_nan=False)
    content = save(whole, metadata={_KEY: described, "sha256": _digest(described, whole)})
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno in _FULL_DISK:
            raise OSError(
                error.errno, f"the disk is full: no room for {path} ({len(content):,} bytes); nothing of it was kept"
            ) from error
        raise
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def read_checked(path: str | Path, *, largest: int = 1 << 34) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what :func:`write_checked` wrote, and make sure that it is that.

    Parameters
    ----------
    path : str or Path
        The file.
    largest : int
        Bytes; a larger file is refused unread.

    Returns
    -------
    tuple of dict and dict
        The arrays by name, and the manifest.

    Raises
    ------
    DamagedFileError
        If the file is no regular one, is cut off, was changed, or was not written here.
    FileNotFoundError
        If there is none.
    """
    path = Path(path)
    # Links are not followed, so that a name in a folder stands for what was written under it.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        opened = os.open(path, flags)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO) or path.is_symlink():
            raise DamagedFileError(path, "is a link or no regular file, and is not followed") from error
        raise
    status = os.fstat(opened)
    if not stat.S_ISREG(status.st_mode):
        os.close(opened)
        raise DamagedFileError(path, "is not a regular file")
    with os.fdopen(opened, "rb") as file:
        if status.st_size > largest:
            raise DamagedFileError(path, f"is larger than {largest:,} bytes")
        content = file.read()
    try:
        length = int.from_bytes(content[:8], "little")
        notes = json.loads(content[8 : 8 + length])["__metadata__"]
        described, promised = notes[_KEY], notes["sha256"]
        arrays = load(content)
        whole = _digest(described, arrays) == promised
        manifest = json.loads(described) if whole else {}
    except _UNREADABLE as error:
        raise DamagedFileError(path, "is cut off, or is no file of features") from error
    if not whole:
        raise DamagedFileError(path, "was changed after it was written: its SHA-256 is not the one in its manifest")
    if not isinstance(manifest, dict):
        raise DamagedFileError(path, "has no manifest")
    return arrays, manifest


def _digest(manifest: str, arrays: Mapping[str, np.ndarray]) -> str:
    """Hash a manifest and arrays, with their names, types and shapes."""
    digest = hashlib.sha256(manifest.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"\0{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
