"""Which real data sets the book knows: their files, sizes, hashes, official addresses, licences and citations.

The register is ``registry.json`` beside this module. It holds names and hashes, and no data.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from avrec_lib.cache import cache_root

__all__ = ["DataAbsentError", "DataDamagedError", "Entry", "KnownFile", "data_folders", "read_checked", "read_registry"]


class DataAbsentError(FileNotFoundError):
    """A data set is not on this machine; the message says where it comes from and how to fetch it."""


class DataDamagedError(ValueError):
    """A file of a data set is not the published one; the message names the file and both hashes."""


@dataclass(frozen=True)
class KnownFile:
    """What is known of one file before it is read.

    Attributes
    ----------
    name : str
        Relative to the data set's folder, with ``/``.
    size : int
        Bytes.
    sha256 : str
        Hexadecimal.
    md5 : str, optional
        Where the publisher printed one.
    urls : tuple of str
        Official addresses of this file alone.
    """

    name: str
    size: int
    sha256: str
    md5: str | None = None
    urls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if path.is_absolute() or ".." in path.parts or "\\" in self.name or not path.parts:
            raise ValueError(f"{self.name!r} is no file name inside a data set's folder")
        if not (isinstance(self.sha256, str) and re.fullmatch("[0-9a-f]{64}", self.sha256)):
            raise ValueError(f"the sha256 of {self.name!r} must be 64 hexadecimal digits in lower case")
        if not (isinstance(self.size, int) and self.size >= 0):
            raise ValueError(f"the size of {self.name!r} must be a number of bytes, not {self.size!r}")


@dataclass(frozen=True)
class Entry:
    """One data set of the register.

    Attributes
    ----------
    name : str
        As :func:`avrec_lib.collect.datasets.load_dataset` takes it.
    title, address, licence, licence_address, citation : str
        For people.
    folder : str
        Folder inside the data home.
    bases : tuple of str
        Addresses that end in ``/``, below which each file lies; tried in order.
    archives : tuple of str
        Addresses of zip files that hold all files below one folder; tried in order when no file address works.
    files : mapping of str to KnownFile
    """

    name: str
    title: str
    folder: str
    address: str
    licence: str
    licence_address: str
    citation: str
    bases: tuple[str, ...]
    archives: tuple[str, ...]
    files: Mapping[str, KnownFile] = field(repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*", self.folder):
            raise ValueError(f"{self.folder!r} is no folder inside the data home (data set {self.name!r})")

    @property
    def command(self) -> str:
        """Return the command that fetches the data set."""
        return f"python -m avrec_lib.collect fetch {self.name}"

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size for file in self.files.values())

    def absent_from(self, folder: Path) -> list[str]:
        """List the files that a folder lacks, by name and size; contents are not read."""
        return [name for name, file in self.files.items() if not _has_size(folder / name, file.size)]


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.is_file() and path.stat().st_size == size
    except OSError:
        return False


def read_registry(path: str | os.PathLike[str] | None = None) -> Mapping[str, Entry]:
    """Read the register of data sets.

    Parameters
    ----------
    path : path, optional
        A JSON file of the same shape; by default the library's own.

    Returns
    -------
    mapping of str to Entry

    Raises
    ------
    ValueError
        If an entry lacks a field, a folder or a file's name leads out of its place, or a hash or a size is none.
    """
    source = Path(path) if path is not None else Path(__file__).with_name("registry.json")
    entries = {}
    for name, given in json.loads(source.read_text(encoding="utf-8")).items():
        try:
            files = {
                file: KnownFile(file, facts["size"], facts["sha256"], facts.get("md5"), tuple(facts.get("urls", ())))
                for file, facts in given["files"].items()
            }
            words = {
                key: given[key] for key in ("title", "folder", "address", "licence", "licence_address", "citation")
            }
            bases, archives = tuple(given["bases"]), tuple(given["archives"])
        except KeyError as error:
            raise ValueError(f"{source}: data set {name!r} lacks the field {error}") from error
        entries[name] = Entry(name, **words, bases=bases, archives=archives, files=MappingProxyType(files))
    return MappingProxyType(entries)


def data_folders(entry: Entry, home: str | os.PathLike[str] | None = None) -> list[Path]:
    """List where a data set may lie, best first.

    Parameters
    ----------
    entry : Entry
        The data set.
    home : path, optional
        The one folder that holds the data sets' folders. By default the environment variable ``AVREC_DATA_HOME``,
        then ``data`` inside the library's cache.

    Returns
    -------
    list of Path
        They need not exist.
    """
    if home is not None:
        return [Path(home) / entry.folder]
    named = os.environ.get("AVREC_DATA_HOME")
    homes = [Path(named).expanduser().absolute()] if named else []
    return [place / entry.folder for place in [*homes, cache_root() / "data"]]


def read_checked(folder: Path, file: KnownFile, *, command: str) -> bytes:
    """Read a file of a data set and see that it is the published one.

    Parameters
    ----------
    folder : Path
        The data set's folder.
    file : KnownFile
        What it must be.
    command : str
        The command that fetches it anew, for the message.

    Returns
    -------
    bytes
        The contents that were checked.

    Raises
    ------
    DataAbsentError
        If there is no such file.
    DataDamagedError
        If its size or a hash differs.
    """
    path = folder / file.name
    # To open a pipe would be to wait for its writer.
    if path.exists() and not path.is_file():
        raise DataAbsentError(f"{path} is no ordinary file; move it away and fetch it by: {command}")
    try:
        with path.open("rb") as stream:
            content = stream.read(file.size + 1)
    except OSError as error:
        raise DataAbsentError(f"{path} cannot be read ({error.strerror}); fetch it by: {command}") from error
    if len(content) != file.size:
        found = f"more than {file.size:,}" if len(content) > file.size else f"{len(content):,}"
        raise DataDamagedError(
            f"{path} has {found} bytes instead of {file.size:,}; remove it and fetch it anew by: {command}"
        )
    for kind, wanted in (("sha256", file.sha256), ("md5", file.md5)):
        if wanted and (found := hashlib.new(kind, content, usedforsecurity=False).hexdigest()) != wanted:
            raise DataDamagedError(
                f"{path} is not the published file: its {kind} is {found} instead of {wanted}; "
                f"remove it and fetch it anew by: {command}"
            )
    return content
