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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["Parts", "Source", "commit", "days_of", "only_one", "prepare_folder", "read_sources", "sweep"]

_BUFFERED_ROWS = 1 << 17
_DAY = 86_400_000_000  # microseconds
_OURS = re.compile(r"(?:part-)?([0-9a-f]{16})(?:-\d+)?\.(?:parquet|ndjson)(?:\.unfinished)?")
_RECORD = re.compile(r"([0-9a-f]{64})\.json(?:\.unfinished)?")
_PART = re.compile(r"day=\d{4}-\d\d-\d\d/part-[0-9a-f]{16}-\d{4,9}\.parquet", re.ASCII)


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


def days_of(table: pa.Table) -> np.ndarray:
    """Tell on which day each row happened.

    Parameters
    ----------
    table : pyarrow.Table
        With a column ``time``.

    Returns
    -------
    ndarray of int64
        Days since 1970-01-01, in UTC.
    """
    return table["time"].to_numpy().astype("datetime64[us]").astype(np.int64) // _DAY


class Parts:
    """Rows of one source on their way to files: held by the hundred thousand, then written as one file a day.

    Parameters
    ----------
    folder : Path
        The log.
    mark : str
        What tells this source's files from others'.

    Attributes
    ----------
    files : list of str
        What was written, as paths inside the folder.
    """

    def __init__(self, folder: Path, mark: str) -> None:
        self.folder = folder
        self.mark = mark
        self.files: list[str] = []
        self._held: list[pa.Table] = []
        self._rows = 0
        self._turn = 0

    def add(self, table: pa.Table) -> None:
        """Hold rows, and write all that is held when it has become much.

        Parameters
        ----------
        table : pyarrow.Table
            Rows with a column ``time``.
        """
        self._held.append(table)
        self._rows += table.num_rows
        if self._rows >= _BUFFERED_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write all that is held."""
        if not self._rows:
            return
        table = pa.concat_tables(self._held)
        day = days_of(table)
        order = np.argsort(day, kind="stable")
        days, starts = np.unique(day[order], return_index=True)
        table = table.take(pa.array(order))
        for which, start, stop in zip(days, starts, [*starts[1:], len(order)], strict=True):
            label = np.datetime64(int(which), "D")
            file = f"day={label}/part-{self.mark}-{self._turn:04d}.parquet"
            path = self.folder / file
            path.parent.mkdir(exist_ok=True)
            unfinished = path.with_name(path.name + ".unfinished")
            pq.write_table(table.slice(start, stop - start), unfinished, compression="zstd")
            unfinished.replace(path)
            self.files.append(file)
        self._held, self._rows, self._turn = [], 0, self._turn + 1


def _write_whole(path: Path, content: bytes) -> None:
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
        If a record is damaged, or names a file that this module would not have written.
    """
    sources = []
    for path in sorted((folder / "sources").glob("*.json")):
        try:
            source = msgspec.json.decode(path.read_bytes(), type=Source)
        except msgspec.DecodeError as error:
            raise ValueError(
                f"{path}: the record of a source is damaged ({error}); delete it and ingest that source again"
            ) from error
        if path.stem != source.sha256:  # a copy would count its source twice
            raise ValueError(f"{path}: the record of a source is named by its hash; delete this one")
        # A log may come from somebody else: it must not make us read what lies outside of it.
        strange = next((file for file in source.files if not _PART.fullmatch(file)), None)
        if strange is not None:
            raise ValueError(f"{path}: {strange[:200]!r} is no file of a log; delete the record and ingest again")
        sources.append(source)
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
    _write_whole(folder / "sources" / f"{source.sha256}.json", msgspec.json.format(msgspec.json.encode(source)))


def prepare_folder(folder: Path) -> None:
    """Create the folders of a log.

    Parameters
    ----------
    folder : Path
        The log.
    """
    for name in ("quarantine", "sources"):
        (folder / name).mkdir(parents=True, exist_ok=True)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Wait until no other process adds to a log, and keep others waiting meanwhile.

    The system ends the claim when its holder ends, however it ends.

    Parameters
    ----------
    folder : Path
        The log.

    Yields
    ------
    None
        While nobody else adds to it.
    """
    # Where there is no fcntl (Windows), two at once are not kept apart; do not start two there.
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
        ours = _RECORD.fullmatch(path.name)
        if ours and (ours[1][:16] not in live or path.suffix == ".unfinished"):
            path.unlink()
    for path in folder.glob("day=*"):
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()
