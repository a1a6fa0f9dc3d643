"""The folder of an ingested log: Parquet files by day, bad lines kept aside, and a record of each source file.

::

    folder/day=2026-01-05/part-<hash>-0000.parquet   events of that day from one source
    folder/quarantine/<hash>.ndjson                  its bad lines, with their reasons
    folder/sources/<hash>.json                       its record, written last

Only what a record names is part of the log. A record appears under its name at once and whole, so a source is in the
log with all its rows or with none, at whatever moment the program is killed.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

__all__ = ["Source", "commit", "prepare_folder", "read_sources", "sweep", "write_whole"]

_OURS = re.compile(r"(?:part-)?([0-9a-f]{16})(?:-\d+)?\.(?:parquet|ndjson)(?:\.unfinished)?")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one source file.

    ``number`` orders the sources by arrival; ``sha256`` and ``size`` are of the file as it lay there; ``read`` and
    ``kept`` count lines, ``reasons`` the bad ones; ``files`` and ``quarantine`` are paths inside the folder;
    ``replaces`` are hashes of shorter states of the same file, which this one takes the place of.
    """

    number: int
    name: str
    sha256: str
    size: int
    read: int
    kept: int
    reasons: dict[str, int]
    files: list[str]
    quarantine: str | None = None
    replaces: list[str] = []


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, even if the machine stops.

    Parameters
    ----------
    path : Path
        Its final name.
    content : bytes
        What to write.
    """
    unfinished = path.with_name(path.name + ".unfinished")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def read_sources(folder: Path) -> list[Source]:
    """List the sources of a log, in the order of their arrival.

    Parameters
    ----------
    folder : Path
        The log.

    Returns
    -------
    list of Source
        Those that were not replaced by a longer state of the same file; empty if there is no log.

    Raises
    ------
    ValueError
        If a record is damaged.
    """
    sources = []
    for path in sorted((folder / "sources").glob("*.json")):
        try:
            sources.append(msgspec.json.decode(path.read_bytes(), type=Source))
        except msgspec.DecodeError as error:
            raise ValueError(
                f"{path}: the record of a source is damaged ({error}); delete it and ingest that source again"
            ) from error
    replaced = {sha for source in sources for sha in source.replaces}
    live = [source for source in sources if source.sha256 not in replaced]
    return sorted(live, key=lambda source: source.number)


def commit(folder: Path, source: Source) -> None:
    """Make a source part of the log.

    Parameters
    ----------
    folder : Path
        The log.
    source : Source
        Its record; the files that it names are there.
    """
    write_whole(folder / "sources" / f"{source.sha256}.json", msgspec.json.format(msgspec.json.encode(source)))


def prepare_folder(folder: Path) -> None:
    """Create the folders of a log.

    Parameters
    ----------
    folder : Path
        The log.
    """
    for name in ("quarantine", "sources"):
        (folder / name).mkdir(parents=True, exist_ok=True)


def sweep(folder: Path, sources: Sequence[Source]) -> None:
    """Delete what killed programs and replaced sources left behind.

    Parameters
    ----------
    folder : Path
        The log. Files with names that this module does not give are left alone.
    sources : sequence of Source
        All that are part of the log.
    """
    live = {source.sha256[:16] for source in sources}
    named = {name for source in sources for name in source.files}
    for path in [*folder.glob("day=*/*"), *(folder / "quarantine").glob("*")]:
        ours = _OURS.fullmatch(path.name)
        if ours and (
            ours[1] not in live
            or path.suffix == ".unfinished"
            or (path.suffix == ".parquet" and path.relative_to(folder).as_posix() not in named)
        ):
            path.unlink()
    for path in (folder / "sources").glob("*.json*"):
        if path.name.partition(".")[0][:16] not in live or path.suffix == ".unfinished":
            path.unlink()
    for path in folder.glob("day=*"):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
