"""Descriptions that were computed once, kept on disk by the hash of what they describe."""

import contextlib
import json
import os
import re
import shutil
import time
import uuid
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avrec_lib.cache import cache_root, private_folder
from avrec_lib.content.checked_files import DamagedFileError, read_checked, write_checked
from avrec_lib.content.extractor import Extractor

__all__ = ["CachedFolder", "DamagedCacheWarning", "FeatureCache", "cache_folder", "cached_folders", "forget"]

_FORMAT = "avrec feature pack 1"
_LARGEST = 1 << 28  # bytes of one extractor's pack: beyond, what was described first is forgotten
_HEADER = 90_000_000  # bytes of its manifest, of which safetensors takes a hundred million
_KEY = 80  # bytes of a hash in it
_PACKS = 8  # more than so many files of one extractor are merged into one
_VERSIONS = 3  # of each extractor the latest used versions, so many, are never forgotten by themselves
_UNUSED_SECONDS = 7 * 86_400.0  # nor is one that was used so lately
_ABANDONED_SECONDS = 3600.0
_FOLDER = re.compile(r"[A-Za-z0-9_-]+-[0-9a-f]{16}")
_FILE = re.compile(r".+\.safetensors|\..+\.partial|[0-9a-f]{32}\.npy")  # the last is how earlier versions kept one clip


class DamagedCacheWarning(UserWarning):
    """A file of the cache is not as it was written; it is removed, and what it held is described anew."""


class FeatureCache:
    """What one extractor has found so far, by the hash of the clip.

    A folder holds a few files, each with many descriptions, a manifest and a checksum. A file never changes: new
    descriptions come as a new file, moved to its place when it is whole, and many files are merged into a new one
    before they are removed. So any number of processes may read and write at once, and one that is killed leaves
    what it had written before. A file that is damaged, linked or not of this extractor is removed, and what it held
    is described anew.

    Parameters
    ----------
    extractor : Extractor
        Whose descriptions.
    root : Path, optional
        Folder of all extractors; default :func:`cache_folder`.

    Raises
    ------
    PermissionError
        If the root belongs to somebody else, or others may write to it: what is kept there is believed.
    OSError
        If the folder cannot be made or written to.

    Warns
    -----
    DamagedCacheWarning
        If a file is damaged; it is named.
    """

    def __init__(self, extractor: Extractor, root: Path | None = None) -> None:
        self.extractor = extractor
        folder = cache_folder() if root is None else Path(root)
        self.folder = folder / f"{extractor.name}-{extractor.version}"
        try:
            private_folder(folder, remedy="give cache= a folder of your own, or take their right to write from it")
            if self.folder.is_symlink():
                self.folder.unlink()
            self.folder.mkdir(mode=0o700, exist_ok=True)
            os.utime(self.folder)  # lately used
        except OSError as error:
            if error.errno is None:  # not the system's, but said in full
                raise
            raise type(error)(
                error.errno,
                f"the cache of features {self.folder} cannot be written: {error.strerror}; "
                "set AVREC_CACHE, or cache=, to a folder of your own",
            ) from error
        self._read: set[Path] = set()
        self._found: dict[str, np.ndarray | str] = {}
        self._new: dict[str, np.ndarray | str] = {}
        self._forget_abandoned()
        self._load()

    def get(self, key: str) -> np.ndarray | str | None:
        """Return what is known of a clip.

        Parameters
        ----------
        key : str
            Hash of the clip.

        Returns
        -------
        ndarray (d,) of float32, str or None
            Its description, the lasting reason why it has none, or None if it was not described yet.
        """
        return self._found.get(key)

    def put(self, key: str, found: np.ndarray | str) -> None:
        """Note a description; :meth:`flush` writes it.

        Parameters
        ----------
        key : str
            Hash of the clip.
        found : ndarray (d,) of float32 or str
            Its description, or the reason why it will never have one.
        """
        self._found[key] = self._new[key] = found

    def flush(self) -> None:
        """Write what is new.

        Raises
        ------
        OSError
            If it cannot be written, such as on a full disk; what was written before is kept.
        """
        if not self._new:
            return
        self._read.add(self._write(self._new))
        self._new = {}
        if len(self._read) > _PACKS:
            self._merge()

    def _load(self) -> None:
        for _ in range(3):
            todo = [path for path in sorted(self.folder.glob("*.safetensors")) if path not in self._read]
            missed = False
            for path in todo:
                try:
                    self._found.update(self._unpacked(path))
                    self._read.add(path)
                except FileNotFoundError:
                    missed = True  # merged by another process a moment ago: the new file has it
                except DamagedFileError as error:
                    warnings.warn(
                        f"{error}; it is removed, and what it held is described anew", DamagedCacheWarning, stacklevel=4
                    )
                    _remove(path)
            if not missed:
                return

    def _unpacked(self, path: Path) -> Mapping[str, np.ndarray | str]:
        arrays, manifest = read_checked(path, largest=2 * _LARGEST)
        owner = [manifest.get(fact) for fact in ("format", "version", "name")]
        if owner != [_FORMAT, self.extractor.version, self.extractor.name]:
            raise DamagedFileError(path, f"is no pack of {self.extractor.name}-{self.extractor.version}")
        keys, reasons, matrix = manifest.get("keys"), manifest.get("reasons"), arrays.get("matrix")
        if not (isinstance(keys, list) and isinstance(reasons, dict) and isinstance(matrix, np.ndarray)):
            raise DamagedFileError(path, "lacks a part of a pack")
        if not all(isinstance(word, str) for word in (*keys, *reasons.values())) or len(set(keys)) < len(keys):
            raise DamagedFileError(path, "has keys or reasons that are no words of their own")
        if matrix.shape != (len(keys), len(self.extractor.columns)) or matrix.dtype != np.float32:
            raise DamagedFileError(path, f"has a matrix of shape {matrix.shape} and type {matrix.dtype}")
        found = np.array([key not in reasons for key in keys], dtype=bool)
        if not reasons.keys() <= set(keys) or not np.array_equal(np.isfinite(matrix).all(axis=1), found):
            raise DamagedFileError(path, "has numbers that are not finite without a reason, or a reason too many")
        matrix.flags.writeable = False
        return {**dict(zip(keys, matrix, strict=True)), **reasons}

    def _write(self, entries: Mapping[str, np.ndarray | str]) -> Path:
        nothing = np.full(len(self.extractor.columns), np.nan, dtype=np.float32)
        rows = [nothing if isinstance(found, str) else found for found in entries.values()]
        manifest = {
            "format": _FORMAT,
            "name": self.extractor.name,
            "version": self.extractor.version,
            "keys": list(entries),
            "reasons": {key: found for key, found in entries.items() if isinstance(found, str)},
        }
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # another process may have forgotten it
        path = self.folder / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.safetensors"
        write_checked(path, {"matrix": np.stack(rows).astype(np.float32)}, manifest)
        return path

    def _merge(self) -> None:
        kept = list(self._found.items())
        latest = (found for _, found in reversed(kept))
        header = np.cumsum([_KEY + (_KEY + 2 * len(json.dumps(f)) if isinstance(f, str) else 0) for f in latest])
        whole = header + 4 * len(self.extractor.columns) * np.arange(1, len(kept) + 1)
        if header[-1] > _HEADER or whole[-1] > _LARGEST:
            fits = (header <= _HEADER // 2) & (whole <= _LARGEST // 2)
            kept = kept[len(kept) - int(fits.sum()) :]
        merged = self._write(dict(kept))
        for path in self._read:
            _remove(path)
        self._read = {merged}

    def _forget_abandoned(self) -> None:
        """Remove what a killed process left half written, once it is old enough to be nobody's."""
        for path in self.folder.glob(".*.partial"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.lstat().st_mtime > _ABANDONED_SECONDS:
                    path.unlink()


def cache_folder() -> Path:
    """Return the folder of all kept descriptions.

    Returns
    -------
    Path
        ``features`` in :func:`avrec_lib.cache.cache_root`.
    """
    return cache_root() / "features"


class CachedFolder(NamedTuple):
    """One version of an extractor in the cache.

    Attributes
    ----------
    path : Path
        Its folder.
    name : str
        The extractor's name.
    size : int
        Bytes.
    used : float
        When it was last used, in seconds since 1970.
    """

    path: Path
    name: str
    size: int
    used: float


def cached_folders(root: Path | None = None) -> list[CachedFolder]:
    """List what the cache holds.

    Parameters
    ----------
    root : Path, optional
        Folder of all extractors; default :func:`cache_folder`.

    Returns
    -------
    list of CachedFolder
        The latest used first.
    """
    root = cache_folder() if root is None else Path(root)
    found = []
    for path in root.glob("*-*"):
        with contextlib.suppress(FileNotFoundError):
            if _is_ours(path):
                size = sum(file.lstat().st_size for file in path.iterdir())
                found.append(CachedFolder(path, path.name.rpartition("-")[0], size, path.stat().st_mtime))
    return sorted(found, key=lambda one: one.used, reverse=True)


def forget(
    root: Path | None = None, *, keep: int = _VERSIONS, unused_seconds: float = _UNUSED_SECONDS, name: str | None = None
) -> list[CachedFolder]:
    """Remove the versions of extractors that were not used lately; each extraction does so when it ends.

    Parameters
    ----------
    root : Path, optional
        Folder of all extractors; default :func:`cache_folder`.
    keep : int
        How many versions of each extractor stay in any case: the latest used.
    unused_seconds : float
        What was used so lately stays, too; with 0 and ``keep=0`` nothing stays.
    name : str, optional
        Only those of this extractor.

    Returns
    -------
    list of CachedFolder
        What was removed.
    """
    seen: dict[str, int] = {}
    removed = []
    for one in cached_folders(root):
        seen[one.name] = seen.get(one.name, 0) + 1
        old = seen[one.name] > keep and time.time() - one.used >= unused_seconds
        if old and name in (None, one.name):
            with contextlib.suppress(OSError):  # another process may write or forget there
                for file in list(one.path.iterdir()):
                    file.unlink(missing_ok=True)
                one.path.rmdir()
            removed.append(one)
    return removed


def _is_ours(folder: Path) -> bool:
    """Tell a version's folder from a reader's own: by its name, and by holding nothing but what is written here."""
    if not _FOLDER.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
        return False
    return all(file.is_file() and not file.is_symlink() and _FILE.fullmatch(file.name) for file in folder.iterdir())


def _remove(path: Path) -> None:
    """Remove a file, a link, or a folder that stands where a file should."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
