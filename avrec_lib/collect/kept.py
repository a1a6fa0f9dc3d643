"""A file of ours that one process at a time writes to, and what can be wrong with it, said in plain words."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["explained", "open_store"]

_TAKEN = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DISK = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.ENOENT,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_PERM: errno.EACCES,
    sqlite3.SQLITE_AUTH: errno.EACCES,
    sqlite3.SQLITE_NOMEM: errno.ENOMEM,
    sqlite3.SQLITE_NOLFS: errno.EFBIG,
}


@contextmanager
def explained(path: Path, whose: str) -> Iterator[None]:
    """Turn what SQLite raises inside a block into an error that names the file and the cause.

    Parameters
    ----------
    path : Path
        The file.
    whose : str
        What it is kept for, in a word: ``crawl``.

    Raises
    ------
    RuntimeError
        If another process holds the file.
    OSError
        If the disk is full, broken or not ours to write; ``filename`` is the path.
    ValueError
        If the file is none of ours, or damaged.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:  # raised by the module itself: a mistake of the program, not of the file
            raise
        kind = code & 0xFF  # the rest is a particular of it
        if kind in _TAKEN:
            raise RuntimeError(
                f"{path} is in use by another {whose} ({error}); wait for it or give another folder"
            ) from error
        if kind in _DISK:
            number = errno.EISDIR if path.is_dir() else _DISK[kind]
            # What SQLite says is the particular; the number says the rest, and makes it the right subclass.
            raise OSError(number, f"{os.strerror(number)} ({error}), so the {whose} stopped", str(path)) from error
        raise ValueError(f"{path} is not a {whose}'s file ({error}); remove it or give another folder") from error


def open_store(path: Path, schema: str, whose: str) -> sqlite3.Connection:
    """Open a file for this process alone, and make its tables where they are not there.

    Parameters
    ----------
    path : Path
        The file; its folder is made if absent.
    schema : str
        Statements ``CREATE TABLE IF NOT EXISTS ...``, each ended by a semicolon; run in one transaction.
    whose : str
        What it is kept for, in a word: ``crawl``.

    Returns
    -------
    sqlite3.Connection
        In autocommit mode and write-ahead: a commit survives the end of the process, at any moment; the last ones may
        be lost when the machine itself loses power.

    Raises
    ------
    RuntimeError, OSError, ValueError
        As :func:`explained`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    store: sqlite3.Connection | None = None
    try:
        with explained(path, whose):
            store = sqlite3.connect(path, timeout=0.5, isolation_level=None)
            store.execute("PRAGMA locking_mode=EXCLUSIVE")
            store.execute("PRAGMA journal_mode=WAL")
            store.execute("PRAGMA synchronous=NORMAL")
            store.executescript("BEGIN IMMEDIATE;" + schema + "COMMIT;")
            return store
    except BaseException:
        if store is not None:
            store.close()
        raise
