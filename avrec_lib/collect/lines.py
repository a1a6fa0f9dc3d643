"""Read the lines of a log that somebody else wrote, plain or gzipped, a block at a time and within limits."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pandas as pd

__all__ = ["Block", "DamagedLogError", "LogLimits", "read_blocks"]

_CHUNK = 1 << 20
_MOST_LINES = 1 << 14
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_RATIO_FROM = 1 << 20  # below this many bytes a high ratio harms nobody


@dataclass(frozen=True)
class LogLimits:
    """How much of a log is read, and of what times.

    Attributes
    ----------
    line_bytes : int
        A longer line is bad.
    raw_bytes : int
        How much of a bad line is kept.
    file_bytes : int
        Reading a file stops when it has given this much, unpacked.
    bad_lines : int
        Reading a file stops when more lines than this are bad.
    quarantine_bytes : int
        How much of the bad lines of one file is kept; the rest is counted only. Never more than a megabyte and four
        times the file: a line feed costs a hundred bytes here, and a gzip file of 2 kB holds two million of them.
    days : int
        Events of more days than this in one file are bad: each day costs files, and a small file that speaks of
        thousands of days costs minutes. Give more for an archive of many years.
    ratio : float
        Reading a gzipped file stops when it gives more than so many bytes for each of its own. Logs give 5 to 30;
        a gzip bomb gives 1,000.
    earliest, latest : Timestamp
        First and last moment of an event, with a time zone.
    """

    line_bytes: int = 65_536
    raw_bytes: int = 2_000
    file_bytes: int = 1 << 36
    bad_lines: int = 1_000_000
    quarantine_bytes: int = 100_000_000
    days: int = 400
    ratio: float = 200.0
    earliest: pd.Timestamp = field(default_factory=lambda: pd.Timestamp("2000-01-01", tz="UTC"))
    latest: pd.Timestamp = field(default_factory=lambda: pd.Timestamp("2100-01-01", tz="UTC"))

    def __post_init__(self) -> None:
        for name in ("line_bytes", "raw_bytes", "file_bytes", "bad_lines", "quarantine_bytes", "days", "ratio"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0, not {getattr(self, name)}")
        for name in ("earliest", "latest"):
            if pd.Timestamp(getattr(self, name)).tzinfo is None:
                raise ValueError(f"{name} needs a time zone: pd.Timestamp({str(getattr(self, name))!r}, tz='UTC')")
        if not self.earliest < self.latest:
            raise ValueError(f"earliest ({self.earliest}) must be before latest ({self.latest})")


class Block(NamedTuple):
    """Some lines of a file: their numbers, counted from 1, and their bytes without the line's end.

    ``too_long`` holds numbers and beginnings of lines that are not in ``lines``. ``last`` is the number of the last
    line that was looked at. ``consumed`` counts the bytes of
    the file (packed, if it is packed) that were read so far.
    """

    numbers: list[int] | range
    lines: list[bytes]
    too_long: list[tuple[int, bytes]]
    last: int
    consumed: int


class DamagedLogError(ValueError):
    """Raised when a file cannot be read to its end; what came before was read.

    Attributes
    ----------
    reason : str
        ``damaged archive`` or ``too large``.
    line : int
        Number of the first line that could not be read.
    """

    def __init__(self, reason: str, detail: str, line: int) -> None:
        super().__init__(detail)
        self.reason = reason
        self.line = line


class _DamageError(Exception):
    """Reason and detail, while the line is not known yet."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def _unpacked(file: BinaryIO, limits: LogLimits) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces of at most 1 MiB; gzip is known by its first bytes, not by the name."""
    given = 0
    packed = file.read(2) == _GZIP
    file.seek(0)
    if not packed:
        while chunk := file.read(_CHUNK):
            given += len(chunk)
            if given > limits.file_bytes:
                raise _DamageError("too large", f"the file holds more than {limits.file_bytes:,} bytes")
            yield chunk
        return
    unpack = zlib.decompressobj(wbits=31)
    taken = 0
    # What is left behind a member is copied at each member, so little is read at once.
    while raw := file.read(max(_CHUNK // 64, 1)):
        taken += len(raw)
        while raw:
            if unpack.eof:  # the next member: gzip files may be glued together, and padded with zeros
                raw = raw.lstrip(b"\0")
                if not raw:
                    break
                unpack = zlib.decompressobj(wbits=31)
            try:
                chunk = unpack.decompress(raw, _CHUNK)
            except zlib.error as error:
                raise _DamageError("damaged archive", f"gzip cannot be unpacked: {error}") from error
            raw = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
            given += len(chunk)
            if given > limits.file_bytes:
                raise _DamageError("too large", f"the file unpacks to more than {limits.file_bytes:,} bytes")
            if given > _RATIO_FROM and given > limits.ratio * taken:
                raise _DamageError("too large", f"{given:,} bytes out of {taken:,}: more than {limits.ratio:g} times")
            yield chunk
    if not unpack.eof:
        raise _DamageError("damaged archive", "the gzip file is cut short")


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join small pieces to about a megabyte: a file may unpack to a million pieces of one byte."""
    held: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size >= _CHUNK:
                yield b"".join(held)
                held, size = [], 0
    except _DamageError:
        yield b"".join(held)
        raise
    yield b"".join(held)


def read_blocks(path: Path, limits: LogLimits | None = None) -> Iterator[Block]:
    """Read the lines of a file, about a megabyte at a time.

    Parameters
    ----------
    path : Path
        Text or gzipped text. Lines end in a line feed; the last need not.
    limits : LogLimits, optional
        How much is read.

    Yields
    ------
    Block
        Some lines, in the file's order. No more than a few megabytes are held, whatever the file.

    Raises
    ------
    DamagedLogError
        If the file is damaged or gives too much; after all lines before that have been given.
    OSError
        If the file cannot be opened or read.
    """
    limits = LogLimits() if limits is None else limits
    rest, number, skipping = b"", 1, False
    with path.open("rb") as file:
        chunks = _gathered(_unpacked(file, limits))
        first = True
        while True:
            try:
                chunk = next(chunks, None)
            except _DamageError as damage:
                raise DamagedLogError(damage.reason, damage.detail, number) from damage
            if first and chunk:
                chunk, first = chunk.removeprefix(_BOM), False
            ended = chunk is None
            lines = (rest + (b"" if chunk is None else chunk)).split(b"\n")
            rest = lines.pop()
            if ended and rest:
                lines.append(rest)
                rest = b""
            if skipping and (lines or ended):  # the end of a line whose beginning was given as too long
                lines, skipping = lines[1:], False
            if skipping:
                rest = b""
            here, too_long = number, []
            numbers: list[int] | range = range(here, here + len(lines))
            number += len(lines)
            if lines and max(map(len, lines)) > limits.line_bytes:
                too_long = [
                    (at, line[: limits.raw_bytes])
                    for at, line in zip(numbers, lines, strict=True)
                    if len(line) > limits.line_bytes
                ]
                short = [(at, line) for at, line in zip(numbers, lines, strict=True) if len(line) <= limits.line_bytes]
                numbers, lines = [at for at, _ in short], [line for _, line in short]
            if len(rest) > limits.line_bytes:
                too_long.append((number, rest[: limits.raw_bytes]))
                number, rest, skipping = number + 1, b"", True
            # A megabyte may be a million empty lines: no more than some thousand are handed on at once.
            for start in range(0, len(lines), _MOST_LINES):
                some = slice(start, start + _MOST_LINES)
                yield Block(numbers[some], lines[some], [], numbers[some][-1], file.tell())
            if too_long:
                yield Block([], [], too_long, number - 1, file.tell())
            if ended:
                return
