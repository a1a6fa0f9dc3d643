"""Load a world from the cache, and make or repair it when it is not there whole."""

import errno
import shutil
import sys
from pathlib import Path

import numpy as np

from avrec_lib.world.profiles import Profile, find_profile
from avrec_lib.world.store import World, faults_of, locked, read_manifest, world_folder

__all__ = ["load_world"]

_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
_NO_WRITING = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)


def load_world(
    profile: str | Profile = "full",
    seed: int = 7,
    cache: str | Path | None = None,
    *,
    progress: bool = True,
    workers: int | None = None,
) -> World:
    """Load a world; make it first if it is not in the cache.

    A world is made once for each profile, seed and version of the generator. If
    that is interrupted, the next call goes on where it stopped. If files of a
    finished world are missing or changed, they are made again.

    Parameters
    ----------
    profile : str or Profile
        ``"smoke"``, ``"full"``, or a size of one's own.
    seed : int
        Another seed makes another world.
    cache : str or Path, optional
        Folder of caches; by default :func:`avrec_lib.cache.cache_root`.
    progress : bool
        Whether to show a bar while media are made.
    workers : int, optional
        Processes that make media; by default one a core, at most eight.

    Returns
    -------
    World
        Its tables are read when they are first asked for.

    Raises
    ------
    ValueError
        If the profile is unknown or the seed is negative.
    OSError
        If the disk is full.
    PermissionError
        If the cache cannot be written.
    """
    size = find_profile(profile)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"the seed is a whole number, 0 or more, not {seed!r}")
    seed = int(seed)
    try:
        folder = world_folder(size, seed, cache)
        manifest = read_manifest(folder)
        if manifest is None or faults_of(folder, manifest):
            manifest = _make(size, seed, folder, progress=progress, workers=workers)
    except OSError as error:
        raise _explained(error) from error
    return World(size.name, seed, folder, manifest)


def _make(size: Profile, seed: int, folder: Path, *, progress: bool, workers: int | None) -> dict:
    """Make or repair a world while no other process does."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    what = f"world {size.name}, seed {seed}"
    with locked(folder, waiting=f"{what}: another process is making it; waiting for it"):
        manifest = read_manifest(folder)
        if manifest is not None:
            faults = faults_of(folder, manifest)
            if not faults:  # the other process has finished it meanwhile
                return manifest
            some = ", ".join(faults[:3]) + (" ..." if len(faults) > 3 else "")
            print(
                f"{what}: {len(faults)} cached file(s) missing or changed ({some}); making them again", file=sys.stderr
            )
        # Imported late: whoever reads a finished world needs no renderer.
        from avrec_lib.world.generate import generate

        manifest = generate(size, seed, folder, workers=workers, progress=progress)
    _forget_old(folder)
    return manifest


def _forget_old(folder: Path, most: int = 3) -> None:
    """Keep the latest few versions of a world, so that an edited generator does not fill the disk."""
    name = folder.name.rpartition("-")[0]
    finished = [path.parent for path in folder.parent.glob(f"{name}-*/manifest.json") if path.parent != folder]
    finished.sort(key=lambda path: (path / "manifest.json").stat().st_mtime, reverse=True)
    for old in finished[most - 1 :]:
        if old.name.rpartition("-")[0] == name:
            shutil.rmtree(old, ignore_errors=True)
            old.with_name(old.name + ".lock").unlink(missing_ok=True)


def _explained(error: OSError) -> OSError:
    """Say what went wrong and what helps."""
    where = f" ({error.filename})" if error.filename else ""
    elsewhere = "set AVREC_CACHE, or cache=, to a folder"
    if error.errno in _FULL_DISK:
        return OSError(
            error.errno,
            f"the disk is full: no room for the world{where}; free some space, or {elsewhere} on another disk, "
            "and call again: what is finished is kept",
        )
    if error.errno in _NO_WRITING:
        return PermissionError(
            error.errno, f"the cache cannot be written{where}: {error.strerror}; {elsewhere} of your own"
        )
    return error
