"""Real data sets by name: found on this machine, checked against their hashes, never downloaded unasked.

A copy is looked for in ``$AVREC_DATA_HOME/<folder>``, then in the library's cache.
:func:`avrec_lib.collect.fetching.fetch_dataset` brings one from its official address.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from avrec_lib.collect.dataset_tables import esc10_tables, lastfm_tables, movielens_tables, recordings_table
from avrec_lib.collect.fetching import fetch_dataset
from avrec_lib.collect.registry import (
    DataAbsentError,
    DataDamagedError,
    Entry,
    data_folders,
    read_checked,
    read_registry,
)

__all__ = [
    "DataAbsentError",
    "DataDamagedError",
    "Dataset",
    "available_datasets",
    "fetch_dataset",
    "has_dataset",
    "load_dataset",
]


@dataclass(frozen=True)
class Dataset:
    """A real data set that lies on this machine.

    Attributes
    ----------
    name, title : str
        Its short and its long name.
    folder : Path
        Where it lies.
    tables : dict of str to DataFrame
        What it holds; see :mod:`avrec_lib.collect.dataset_tables`.
    arrays : dict of str to ndarray
        Its matrices, where it has some.
    files : dict of str to Path
        Every file, by its name inside the folder.
    licence, citation, address : str
        What may be done with it, whom to name, and where it comes from.
    """

    name: str
    title: str
    folder: Path
    tables: dict[str, pd.DataFrame] = field(repr=False)
    arrays: dict[str, np.ndarray] = field(repr=False)
    files: dict[str, Path] = field(repr=False)
    licence: str
    citation: str
    address: str


def _entry(name: str, registry: Mapping[str, Entry] | None) -> Entry:
    known = read_registry() if registry is None else registry
    if name not in known:
        raise KeyError(f"no data set named {name!r}; there are {', '.join(known)}")
    return known[name]


def _find(entry: Entry, home: str | os.PathLike[str] | None) -> Path | None:
    complete = (folder for folder in data_folders(entry, home) if not entry.absent_from(folder))
    return next(complete, None)


def has_dataset(
    name: str, *, home: str | os.PathLike[str] | None = None, registry: Mapping[str, Entry] | None = None
) -> bool:
    """Say whether a data set lies on this machine, with all its files at their sizes.

    Parameters
    ----------
    name : str
        One of :func:`available_datasets`.
    home : path, optional
        Look here alone, instead of ``AVREC_DATA_HOME`` and the cache.
    registry : mapping, optional
        Another register than the library's.

    Returns
    -------
    bool
        Contents are not read: that is what :func:`load_dataset` does.

    Raises
    ------
    KeyError
        If there is no data set of that name.
    """
    return _find(_entry(name, registry), home) is not None


def available_datasets(
    *, home: str | os.PathLike[str] | None = None, registry: Mapping[str, Entry] | None = None
) -> pd.DataFrame:
    """List the data sets that the book knows.

    Parameters
    ----------
    home, registry
        As for :func:`has_dataset`.

    Returns
    -------
    DataFrame
        name, title, here (bool), files, megabytes, licence, address, command (the one that fetches it).
    """
    known = read_registry() if registry is None else registry
    lines = [
        {
            "name": entry.name,
            "title": entry.title,
            "here": _find(entry, home) is not None,
            "files": len(entry.files),
            "megabytes": round(entry.size / 1e6, 1),
            "licence": entry.licence,
            "address": entry.address,
            "command": entry.command,
        }
        for entry in known.values()
    ]
    return pd.DataFrame(lines)


def _why_absent(entry: Entry, home: str | os.PathLike[str] | None) -> str:
    folders = data_folders(entry, home)
    lacking = entry.absent_from(folders[0])
    partly = ""
    if 0 < len(lacking) < len(entry.files):
        partly = f" ({len(lacking)} of {len(entry.files)} files are absent or of another size, first {lacking[0]!r})"
    return (
        f"the data set {entry.name!r} is not in {' or '.join(str(folder) for folder in folders)}{partly}. "
        f"Its home is {entry.address}; licence: {entry.licence} ({entry.licence_address}). "
        f"Fetch it by: {entry.command} - or, if you have a copy, name it {entry.folder} and set AVREC_DATA_HOME to the "
        "folder that holds it"
    )


def load_dataset(
    name: str, *, home: str | os.PathLike[str] | None = None, registry: Mapping[str, Entry] | None = None
) -> Dataset:
    """Load a real data set, and check size and hash of every file on the way.

    Parameters
    ----------
    name : str
        ``"movielens-100k"``, ``"lastfm-2k"``, ``"esc10"``, ``"librosa-examples"`` or ``"video-examples"``.
    home : path, optional
        The folder that holds the data sets' folders; by default ``AVREC_DATA_HOME``, then the library's cache.
    registry : mapping, optional
        Another register than the library's, as :func:`avrec_lib.collect.registry.read_registry` reads it.

    Returns
    -------
    Dataset
        With its tables, arrays and files.

    Raises
    ------
    KeyError
        If there is no data set of that name.
    DataAbsentError
        If it is not on this machine; the message names the official address, the licence and the command.
    DataDamagedError
        If a file is not the published one.
    """
    entry = _entry(name, registry)
    folder = _find(entry, home)
    if folder is None:
        raise DataAbsentError(_why_absent(entry, home))
    contents = {file.name: read_checked(folder, file, command=entry.command) for file in entry.files.values()}
    arrays: dict[str, np.ndarray] = {}
    if name == "movielens-100k":
        tables = movielens_tables(contents)
    elif name == "lastfm-2k":
        tables, arrays = lastfm_tables(contents)
    elif name == "esc10":
        tables = esc10_tables(list(contents))
    else:
        tables = recordings_table(contents)
    return Dataset(
        name,
        entry.title,
        folder,
        tables,
        arrays,
        {file: folder / file for file in entry.files},
        entry.licence,
        entry.citation,
        entry.address,
    )
