"""What was seen of one media file, and how that is kept on disk.

A cache is a folder that others can write to. So an entry holds plain values of known types and nothing that grows
when it is read; whatever else lies in its place counts as absent.
"""

import contextlib
import math
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from avrec_lib.prepare.fingerprints import Fingerprint, Track

__all__ = ["NOTHING_READ", "Examination", "Facts", "read_examination", "write_examination"]

_LARGEST = 1 << 26  # bytes

NOTHING_READ = Fingerprint(
    Track(np.empty(0, np.uint64), np.empty(0, np.bool_)), Track(np.empty(0, np.uint32), np.empty(0, np.bool_))
)
"""The fingerprint of a file of which nothing could be decoded."""


@dataclass(frozen=True)
class Facts:
    """What was seen of a file; seconds are nan where unknown.

    Attributes
    ----------
    size_bytes : int
        Length of the file, -1 if there is none.
    container : str
        FFmpeg's name of the format found in the bytes; empty if the file cannot be opened.
    problem : str
        Why the file cannot be opened; empty if it can.
    picture_streams, sound_streams : int
        How many there are.
    picture_problem, sound_problem : str
        Why a stream could not be decoded to its end; empty if it could or if there is none.
    picture_stated, sound_stated : float
        Length of the streams by the header.
    picture_seconds, sound_seconds : float
        How far each could be decoded; 0 if not at all.
    contrast : float
        Largest standard deviation of grey within a picture, levels of 255.
    change : float
        Largest difference of grey between an eighth by an eighth of a picture and of the first one, levels of 255; nan
        where there is only one.
    peak : float
        Largest amplitude of the sound, full scale at 1.
    costly : bool
        Whether decoding was given up because it took too long.
    """

    size_bytes: int = -1
    container: str = ""
    problem: str = ""
    picture_streams: int = 0
    sound_streams: int = 0
    picture_problem: str = ""
    sound_problem: str = ""
    picture_stated: float = math.nan
    sound_stated: float = math.nan
    picture_seconds: float = 0.0
    sound_seconds: float = 0.0
    contrast: float = 0.0
    change: float = math.nan
    peak: float = 0.0
    costly: bool = False


@dataclass(frozen=True)
class Examination:
    """Facts and fingerprint of one file.

    Attributes
    ----------
    facts : Facts
        What was seen.
    fingerprint : Fingerprint
        Of what could be decoded.
    """

    facts: Facts
    fingerprint: Fingerprint


class _Entry(msgspec.Struct):
    facts: Facts
    picture_words: bytes
    picture_valid: bytes
    sound_words: bytes
    sound_valid: bytes


def write_examination(found: Examination, path: Path) -> None:
    """Keep a result, whole or not at all.

    Parameters
    ----------
    found : Examination
        The result.
    path : Path
        The file to write.
    """
    tracks = {
        f"{name}_{part}": array.astype(array.dtype.newbyteorder("<")).tobytes()
        for name, track in vars(found.fingerprint).items()
        for part, array in vars(track).items()
    }
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        partial.write_bytes(msgspec.msgpack.encode(_Entry(found.facts, **tracks)))
        with contextlib.suppress(IsADirectoryError):  # somebody's folder stands in its place: not kept, not harmed
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_examination(path: Path) -> Examination | None:
    """Return a result that was kept.

    Parameters
    ----------
    path : Path
        The file; its content may be anything.

    Returns
    -------
    Examination or None
        None where there is none, or none that :func:`write_examination` could have written.
    """
    if not path.is_file() or path.is_symlink() or path.stat().st_size > _LARGEST:
        return None
    try:
        entry = msgspec.msgpack.decode(path.read_bytes(), type=_Entry)
        picture = Track(_words(entry.picture_words, "<u8"), _words(entry.picture_valid, "u1") != 0)
        sound = Track(_words(entry.sound_words, "<u4"), _words(entry.sound_valid, "u1") != 0)
    except (OSError, ValueError, RecursionError):  # torn by a full disk, or put there by somebody else
        return None
    return Examination(entry.facts, Fingerprint(picture, sound))


def _words(content: bytes, kind: str) -> NDArray[np.unsignedinteger]:
    return np.frombuffer(content, dtype=kind).astype(np.dtype(kind).newbyteorder("="))
