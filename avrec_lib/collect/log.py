"""Take in event logs: line by line to Parquet files by day, the bad lines kept aside with their reasons.

A source file is read in blocks of about a megabyte; what is held in memory does not grow with it. Each file is taken
in whole or not at all, and only once: one that was taken in before is known by its hash, and one that has grown since
takes the place of its shorter self.
"""

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from avrec_lib.collect.event import Decoded, decode_events, faults_of
from avrec_lib.collect.event_schema import Bad
from avrec_lib.collect.lines import DamagedLogError, LogLimits, read_blocks
from avrec_lib.collect.log_store import Parts, Source, commit, days_of, only_one, prepare_folder, read_sources, sweep
from avrec_lib.collect.server_log import decode_server_lines

__all__ = ["IngestReport", "LogLimits", "ingest"]

_HASHED = 1 << 20
_FORMS: dict[str, Callable[[Sequence[bytes]], Decoded]] = {"json": decode_events, "server": decode_server_lines}


@dataclass(frozen=True)
class IngestReport:
    """What one call of :func:`ingest` did.

    Attributes
    ----------
    folder : Path
        The log.
    sources : list of Source
        What was taken in now, file by file.
    skipped : list of str
        Names of files that had been taken in before.
    seconds : float
        Wall-clock time.
    """

    folder: Path
    sources: list[Source]
    skipped: list[str]
    seconds: float
    read: int = field(init=False)
    kept: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "read", sum(source.read for source in self.sources))
        object.__setattr__(self, "kept", sum(source.kept for source in self.sources))

    @property
    def rows_per_second(self) -> float:
        """Lines read a second."""
        return self.read / self.seconds if self.seconds > 0.0 else 0.0

    @property
    def by_reason(self) -> pd.Series:
        """Bad lines by reason, most frequent first."""
        counts: Counter[str] = Counter()
        for source in self.sources:
            counts.update(source.reasons)
        return pd.Series(dict(counts.most_common()), name="lines", dtype="int64").rename_axis("reason")

    @cached_property
    def quarantined(self) -> pd.DataFrame:
        """The bad lines: ``file``, ``line``, ``reason``, ``detail``, ``raw`` (the line, or its beginning).

        Of a file with more of them than :attr:`LogLimits.quarantine_bytes` allows, the first; `by_reason` counts all.
        """
        rows = [
            json.loads(line)
            for source in self.sources
            if source.quarantine
            for line in (self.folder / source.quarantine).read_text(encoding="utf-8").split("\n")
            if line
        ]
        table = pd.DataFrame(rows, columns=["file", "line", "reason", "detail", "raw"])
        return table.astype({"file": str, "line": "int64", "reason": str, "detail": str, "raw": str})


def _shown(path: Path) -> str:
    """Return a file's name as text; bytes that are no UTF-8 are shown as escapes."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def _bad_line(file: str, line: int, reason: str, detail: str, raw: bytes, limits: LogLimits) -> bytes:
    """Write one line of the quarantine; bytes that are no UTF-8 are shown as escapes."""
    text = raw[: limits.raw_bytes].decode("utf-8", "backslashreplace")
    if len(json.dumps(text)) > 2 * limits.raw_bytes:  # control characters grow sixfold when they are written
        text = text[: max(limits.raw_bytes // 3, 1)]
    row = {"file": file, "line": line, "reason": reason, "detail": detail[:500], "raw": text}
    return json.dumps(row).encode() + b"\n"


def _too_many_days(table: pa.Table, days: set[int], most: int) -> np.ndarray:
    """Find rows of days beyond the first `most` that a file speaks of; `days` is added to."""
    day = days_of(table)
    fresh = [which for which in np.unique(day).tolist() if which not in days]
    room = most - len(days)
    days.update(fresh[:room])
    return np.isin(day, fresh[room:])


def _take_in(
    path: Path,
    folder: Path,
    source: Source,
    decode: Callable[[Sequence[bytes]], Decoded],
    find: Callable[[Decoded], tuple[list[Bad], np.ndarray]],
    limits: LogLimits,
    bar: tqdm,
) -> Source:
    """Read one source and make it part of the log."""
    parts = Parts(folder, source.sha256[:16])
    reasons: Counter[str] = Counter()
    days: set[int] = set()
    read = kept = seen = 0
    quarantine = f"quarantine/{source.sha256[:16]}.ndjson"
    unfinished = folder / f"{quarantine}.unfinished"
    room = min(limits.quarantine_bytes, 1_000_000 + 4 * source.size)
    with unfinished.open("wb") as aside:

        def put_aside(line: int, reason: str, detail: str, raw: bytes, *, always: bool = False) -> None:
            reasons[reason] += 1
            if always or aside.tell() < room:
                aside.write(_bad_line(source.name, line, reason, detail, raw, limits))

        try:
            for block in read_blocks(path, limits):
                read += len(block.lines) + len(block.too_long)
                decoded = decode(block.lines)
                bad, good = find(decoded)
                for row, reason, detail in bad:
                    put_aside(block.numbers[row], reason, detail, block.lines[row])
                for line, raw in block.too_long:
                    put_aside(line, "line too long", f"a line may hold {limits.line_bytes:,} bytes", raw)
                excess = _too_many_days(decoded.table.take(pa.array(good)), days, limits.days)
                for row in decoded.rows[good[excess]].tolist():
                    detail = f"the file speaks of more than {limits.days:,} days"
                    put_aside(block.numbers[row], "too many days", detail, block.lines[row])
                good = good[~excess]
                numbers = np.asarray(block.numbers, dtype=np.int64)[decoded.rows[good]]
                table = decoded.table.take(pa.array(good))
                table = table.append_column("source", pa.array(np.full(len(good), source.number, dtype=np.int32)))
                parts.add(table.append_column("line", pa.array(numbers)))
                kept += len(good)
                bar.update(block.consumed - seen)
                seen = block.consumed
                if reasons.total() > limits.bad_lines:
                    detail = f"more than {limits.bad_lines:,} bad lines; is the form of this file another one?"
                    raise DamagedLogError("too many bad lines", detail, block.last + 1)
        except DamagedLogError as damage:
            read += 1
            put_aside(damage.line, damage.reason, str(damage), b"", always=True)
        parts.flush()
    if reasons:
        unfinished.replace(folder / quarantine)
    else:
        unfinished.unlink()
    return Source(
        number=source.number,
        name=source.name,
        sha256=source.sha256,
        size=source.size,
        replaces=source.replaces,
        read=read,
        kept=kept,
        reasons=dict(reasons),
        files=parts.files,
        quarantine=quarantine if reasons else None,
    )


def _identify(path: Path, known: Sequence[Source]) -> tuple[str, int, list[Source]]:
    """Hash a file, and tell which known sources it begins with: the earlier states of a log that has grown."""
    digest, size = hashlib.sha256(), 0
    begins: list[Source] = []
    ends = sorted({source.size for source in known if source.size})
    with path.open("rb") as file:
        for end in [*ends, None]:
            while chunk := file.read(_HASHED if end is None else min(_HASHED, end - size)):
                digest.update(chunk)
                size += len(chunk)
            if size == end:
                begins += [source for source in known if source.size == end and source.sha256 == digest.hexdigest()]
    return digest.hexdigest(), size, begins


def ingest(
    paths: Iterable[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    form: Literal["json", "server"] = "json",
    known_clips: Collection[str] | None = None,
    known_users: Collection[str] | None = None,
    limits: LogLimits | None = None,
    progress: bool = True,
) -> IngestReport:
    """Take log files into a folder of Parquet files by day.

    Parameters
    ----------
    paths : iterable of str or Path
        Files, plain or gzipped, in the order of their arrival.
    folder : str or Path
        The log; made if it is not there, added to if it is.
    form : {"json", "server"}
        One JSON object a line (:class:`avrec_lib.collect.event.Event`), or lines of a web server
        (:mod:`avrec_lib.collect.server_log`).
    known_clips, known_users : collection of str, optional
        The ids there are; an event of another clip or person is bad. Without it any id will do.
    limits : LogLimits, optional
        What is too long, too large, too early or too late.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    IngestReport
        What was read, kept and put aside. Killed at any moment and called again, the log holds every file once.

    Raises
    ------
    FileNotFoundError
        If a path names no ordinary file; then none is taken in.
    ValueError
        If the form is unknown, or a record in the folder is damaged.
    """
    began = time.perf_counter()
    files, folder = [Path(path) for path in paths], Path(folder)
    limits = LogLimits() if limits is None else limits
    if form not in _FORMS:
        raise ValueError(f"form must be one of {', '.join(map(repr, _FORMS))}, not {form!r}")
    for path in files:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not a file; nothing was taken in")
    find = partial(
        faults_of,
        earliest=limits.earliest,
        latest=limits.latest,
        known_users=None if known_users is None else frozenset(known_users),
        known_clips=None if known_clips is None else frozenset(known_clips),
    )
    done: list[Source] = []
    skipped: list[str] = []
    prepare_folder(folder)
    hidden = not progress or bool(os.environ.get("TQDM_DISABLE"))
    total = sum(path.stat().st_size for path in files)
    with (
        only_one(folder),
        tqdm(total=total, desc="log", unit="B", unit_scale=True, disable=hidden) as bar,
    ):
        known = read_sources(folder)
        sweep(folder, known)
        for path in files:
            sha256, size, begins = _identify(path, known)
            if any(sha256 == source.sha256 or sha256 in source.replaces for source in known):
                skipped.append(_shown(path))
                bar.update(size)
                continue
            replaced = sorted({sha for source in begins for sha in (source.sha256, *source.replaces)})
            numbers = [source.number for source in known]
            number = min((source.number for source in begins), default=max(numbers, default=0) + 1)
            source = Source(
                number=number,
                name=_shown(path),
                sha256=sha256,
                size=size,
                read=0,
                kept=0,
                reasons={},
                files=[],
                replaces=replaced,
            )
            source = _take_in(path, folder, source, _FORMS[form], find, limits, bar)
            commit(folder, source)
            done.append(source)
            if begins:
                known = read_sources(folder)
                sweep(folder, known)
            else:
                known.append(source)
    return IngestReport(folder, done, skipped, time.perf_counter() - began)
