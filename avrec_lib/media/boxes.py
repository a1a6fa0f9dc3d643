"""Look into an MP4's index before a decoder builds it.

A few bytes can claim millions of samples, or hold a compressed index that
unpacks to gigabytes; the decoder would believe them.
"""

import struct
from pathlib import Path
from typing import BinaryIO

from avrec_lib.media.errors import MediaError

__all__ = ["refuse_false_index"]

_PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
_MOST_BOXES = 100_000


def refuse_false_index(path: Path, file: BinaryIO) -> None:
    """Refuse a file whose index cannot be true of a file of its size. Other formats pass.

    Parameters
    ----------
    path : Path
        For the message.
    file : binary file
        Open for reading; it is left at its beginning.

    Raises
    ------
    MediaError
        If the index is compressed, or names far more samples than the file has bytes.
    """
    file.seek(0, 2)
    size = file.tell()
    todo, seen = [(0, size)], 0
    while todo:
        start, end = todo.pop()
        while start + 8 <= end and seen < _MOST_BOXES:
            seen += 1
            file.seek(start)
            header = file.read(16)
            if len(header) < 8:
                break
            length, kind = struct.unpack(">I4s", header[:8])
            inside = start + 8
            if length == 1 and len(header) == 16:
                length, inside = struct.unpack(">Q", header[8:])[0], start + 16
            stop = end if length == 0 else min(start + length, end)
            if stop <= inside and length not in (0, 8):
                break
            if kind == b"cmov":
                raise MediaError(path, "has a compressed index, which is not read")
            if kind == b"stsz":
                file.seek(inside)
                fields = file.read(12)
                if len(fields) == 12:
                    _, _, count = struct.unpack(">III", fields)
                    if count > 8 * size + 1000:  # a file cut short still holds the index of the whole
                        raise MediaError(path, f"is damaged: its index names {count} samples, and it has {size} bytes")
            if kind in _PARENTS:
                todo.append((inside, stop))
            start = stop
    file.seek(0)
