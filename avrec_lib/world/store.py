"""A world in its cache folder: where it lies, whether it is whole, and how it is read."""

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from avrec_lib.cache import cache_root
from avrec_lib.world.profiles import PROFILES, Profile
from avrec_lib.world.truth import Truth

__all__ = ["World", "faults_of", "generator_version", "locked", "read_manifest", "world_folder"]

_NOT_MADE_BY = ("oracle.py", "feeds.py", "site/")  # they read worlds, they do not make them
_LIBRARIES = ("numpy", "scipy", "opencv-python-headless", "av")


@dataclass(frozen=True)
class World:
    """A streaming platform with all its files; tables are read when they are first asked for.

    Attributes
    ----------
    profile : str
        Name of its size.
    seed : int
        Seed from which it was made.
    folder : Path
        Where it lies.
    manifest : dict
        ``profile``, ``seed``, ``version``, ``seconds`` (by step), ``peak_memory_bytes``, ``bytes``,
        ``workers``, and by file name ``files`` with ``bytes`` and ``sha256``.
    clips, users, events : DataFrame
        Per ``avrec_lib.tables.SCHEMAS``: what the platform knows.
    friends : DataFrame
        ``user_id``, ``friend_id``; each friendship once.
    truth : Truth
        What nobody on the platform knows.
    """

    profile: str
    seed: int
    folder: Path
    manifest: dict[str, Any]

    def _table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "tables" / f"{name}.parquet")

    @cached_property
    def clips(self) -> pd.DataFrame:
        """One row a clip."""
        return self._table("clips")

    @cached_property
    def users(self) -> pd.DataFrame:
        """One row a person."""
        return self._table("users")

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row an event, as logged: with all its dirt."""
        return self._table("events")

    @cached_property
    def friends(self) -> pd.DataFrame:
        """One row a friendship."""
        return self._table("friends")

    @cached_property
    def truth(self) -> Truth:
        """The truth."""
        return Truth(self.folder / "tables")

    @cached_property
    def _paths(self) -> dict[str, str]:
        return dict(zip(self.clips["clip_id"], self.clips["path"], strict=True))

    def media(self, clip_id: str) -> Path:
        """Return a clip's file.

        Parameters
        ----------
        clip_id : str
            Identifier, as in ``clips``.

        Returns
        -------
        Path
            The file; it may be damaged, as some on a real platform are.

        Raises
        ------
        KeyError
            If there is no such clip.
        ValueError
            If its name leads out of the world's folder, which no world that was made here does.
        """
        if clip_id not in self._paths:
            names = sorted(self._paths)
            raise KeyError(f"no clip {clip_id!r} in {self!r}; identifiers run from {names[0]} to {names[-1]}")
        name = self._paths[clip_id]
        path = self.folder / "media" / name
        if Path(name).name != name or path.is_symlink():
            raise ValueError(f"clip {clip_id!r} names {name!r}, which is no file of this world; remove {self.folder}")
        return path

    def __repr__(self) -> str:
        size = self.manifest["profile"]
        return f"World({self.profile!r}, seed={self.seed}: {size['clips']} clips, {size['people']} people)"


@cache
def generator_version() -> str:
    """Return a hash of everything that decides what a world looks like.

    Returns
    -------
    str
        Twelve hexadecimal digits of the sources of :mod:`avrec_lib.world` and
        :mod:`avrec_lib.media` and of the versions of the libraries that draw and encode.
    """
    here = Path(__file__).parent
    sources = [path for path in here.rglob("*.py") if not path.relative_to(here).as_posix().startswith(_NOT_MADE_BY)]
    media = here.parent / "media"
    sources += media.rglob("*.py") if media.is_dir() else [media.with_suffix(".py")]
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(path.relative_to(here.parent).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for name in _LIBRARIES:
        digest.update(f"{name}={importlib.metadata.version(name)}\0".encode())
    return digest.hexdigest()[:12]


def world_folder(profile: Profile, seed: int, cache: str | Path | None) -> Path:
    """Return where a world lies or will lie.

    Parameters
    ----------
    profile : Profile
        Its size.
    seed : int
        Its seed.
    cache : str or Path, optional
        The folder of caches; by default the library's.

    Returns
    -------
    Path
        A folder that need not exist.
    """
    root = Path(cache).expanduser().absolute() if cache is not None else cache_root()
    # A size of one's own must never be taken for another of the same name.
    known = PROFILES.get(profile.name) == profile
    name = (
        profile.name
        if known
        else f"{profile.name}-" + "x".join(str(part) for part in list(asdict(profile).values())[1:])
    )
    return root / "world" / f"{name}-{seed}-{generator_version()}"


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Read the manifest of a finished world.

    Parameters
    ----------
    folder : Path
        The world's folder.

    Returns
    -------
    dict or None
        None if the world is unfinished or its manifest cannot be read.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and "files" in manifest else None


def faults_of(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """List the files that are not as a finished world left them.

    Sizes are compared for all files, contents for the tables.

    Parameters
    ----------
    folder : Path
        The world's folder.
    manifest : dict
        Its manifest.

    Returns
    -------
    list of str
        Names of files, relative to the folder; empty if all is well.
    """
    faults = []
    for name, promised in manifest["files"].items():
        path = folder / name
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            size = -1
        if size != promised["bytes"] or (
            name.startswith("tables/") and hashlib.sha256(path.read_bytes()).hexdigest() != promised["sha256"]
        ):
            faults.append(name)
    return faults


@contextmanager
def locked(folder: Path, *, waiting: str) -> Iterator[None]:
    """Hold a world's lock, so that one process makes it while others wait.

    The system frees the lock when its holder ends, however it ends.

    Parameters
    ----------
    folder : Path
        The world's folder; the lock is a file beside it.
    waiting : str
        What to print if somebody else holds it.

    Yields
    ------
    None
        While the lock is held.
    """
    # Where there is no fcntl (Windows), two makers at once are not kept apart; each file still appears whole.
    try:
        import fcntl
    except ImportError:
        yield
        return
    lock = os.open(folder.with_name(folder.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(waiting, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
