"""Describe one file or some texts, and say in words why what cannot be described cannot."""

import hashlib
import os
import stat
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avrec_lib.content.extractor import Extractor
from avrec_lib.content.features import NoFeaturesError
from avrec_lib.media import MediaError, MissingStreamError, StalledMediaError

__all__ = ["Failure", "FileTask", "Outcome", "Signature", "Task", "TextTask", "signed_hash"]


# Reasons that begin with these words say that there is nothing to measure.
_NOTHING = (NoFeaturesError.__name__, MissingStreamError.__name__)
_READ_AT_ONCE = 1 << 20  # bytes


class Failure(NamedTuple):
    """Why a clip was not described.

    Attributes
    ----------
    reason : str
        In words, beginning with the kind of error.
    lasting : bool
        Whether the same bytes will fail again, so that the reason can be kept.
    trace : str
        Of an error that no extractor should raise: where it came from; else empty.
    """

    reason: str
    lasting: bool = False
    trace: str = ""

    @property
    def is_absence(self) -> bool:
        """Whether there is nothing to measure, rather than something that went wrong."""
        return self.reason.partition(":")[0] in _NOTHING


Outcome = np.ndarray | Failure


class Signature(NamedTuple):
    """What changes whenever a file does: its place on the disk, size and times."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Signature":
        """Return the signature in a file's status."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def signed_hash(path: Path, advance: Callable[[int], object] | None = None) -> tuple[str, Signature] | Failure:
    """Hash a file's bytes.

    Parameters
    ----------
    path : Path
        The file.
    advance : callable, optional
        Told how many bytes more were read, as often as some were.

    Returns
    -------
    tuple of str and Signature, or Failure
        The SHA-256 and the state of the file that has it; or why it cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return Failure("MediaError: is not a regular file")
        with path.open("rb", buffering=0) as file:
            before = Signature.of(os.fstat(file.fileno()))
            digest = hashlib.sha256()
            while piece := file.read(_READ_AT_ONCE):
                digest.update(piece)
                if advance is not None:
                    advance(len(piece))
            after = Signature.of(os.fstat(file.fileno()))
    except (OSError, ValueError) as error:
        return Failure(f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}")
    return (digest.hexdigest(), before) if before == after else Failure("MediaError: changes while it is read")


@dataclass(frozen=True)
class FileTask:
    """Describe one file by some extractors.

    Attributes
    ----------
    path : Path
        The file.
    key : str
        Its hash.
    signature : Signature
        Its state when it was hashed.
    extractors : tuple of Extractor
        Each reads media.
    """

    path: Path
    key: str
    signature: Signature
    extractors: tuple[Extractor, ...]

    @property
    def keys(self) -> list[tuple[Extractor, str]]:
        """Return whose description of what each outcome is."""
        return [(extractor, self.key) for extractor in self.extractors]

    def run(self) -> list[Outcome]:
        """Describe the file; nothing but an end of the process stops this."""
        outcomes = [_attempt(partial(_vector, extractor, self.path)) for extractor in self.extractors]
        try:
            if Signature.of(self.path.stat()) == self.signature:
                return outcomes
        except OSError:
            pass
        return [Failure("MediaError: changed while it was read") for _ in outcomes]

    def split(self) -> list["Task"]:
        """Return tasks that share the work: one an extractor; empty if there is one only."""
        if len(self.extractors) < 2:
            return []
        return [FileTask(self.path, self.key, self.signature, (one,)) for one in self.extractors]


@dataclass(frozen=True)
class TextTask:
    """Describe some texts, together, by one extractor.

    Attributes
    ----------
    texts : tuple of str
        None is blank.
    hashes : tuple of str
        Their hashes.
    extractor : Extractor
        It reads text.
    """

    texts: tuple[str, ...]
    hashes: tuple[str, ...]
    extractor: Extractor

    @property
    def keys(self) -> list[tuple[Extractor, str]]:
        """Return whose description of what each outcome is."""
        return [(self.extractor, key) for key in self.hashes]

    def run(self) -> list[Outcome]:
        """Describe the texts; where that fails, half of them at a time, so that the one at fault is found."""
        rows = _attempt(self._matrix)
        if isinstance(rows, Failure):
            parts = self.split()
            return [outcome for part in parts for outcome in part.run()] if parts else [rows]
        unknown = np.asarray(np.isnan(rows).any(axis=1))
        nothing = Failure(f"{_NOTHING[0]}: the text says nothing that the extractor knows", lasting=True)
        return [nothing if blank else row for row, blank in zip(rows, unknown, strict=True)]

    def split(self) -> list["Task"]:
        """Return two tasks of half as many texts; empty if there is one text only."""
        half = len(self.texts) // 2
        if half == 0:
            return []
        parts = (slice(half), slice(half, None))
        return [TextTask(self.texts[part], self.hashes[part], self.extractor) for part in parts]

    def _matrix(self) -> np.ndarray:
        one = self.extractor
        matrix = np.asarray(one.describe(list(self.texts), **one.arguments), dtype=np.float32)
        if matrix.shape != (len(self.texts), len(one.columns)):
            wanted = (len(self.texts), len(one.columns))
            raise TypeError(f"{one.name} must give a matrix of shape {wanted}, not {matrix.shape}")
        if np.isinf(matrix).any():
            raise TypeError(f"{one.name} gave an infinite number")
        return matrix


Task = FileTask | TextTask


def _vector(extractor: Extractor, path: Path) -> np.ndarray:
    vector = np.array(extractor.describe(path, **extractor.arguments), dtype=np.float32)
    if vector.shape != (len(extractor.columns),):
        raise TypeError(
            f"{extractor.name} must give {len(extractor.columns)} numbers, as its columns say, not {vector.shape}"
        )
    if not np.isfinite(vector).all():
        wrong = np.array(extractor.columns)[~np.isfinite(vector)].tolist()
        raise TypeError(f"{extractor.name} gave a number that is not finite for {', '.join(wrong[:5])}")
    return vector


def _attempt(describe: Callable[[], np.ndarray]) -> Outcome:
    """Describe, or say why not; only the kind of error tells whether it lasts, never how long it took."""
    try:
        return describe()
    except NoFeaturesError as error:
        return Failure(f"{_NOTHING[0]}: {error}", lasting=True)
    except MissingStreamError as error:
        return Failure(f"{_NOTHING[1]}: {error.reason}", lasting=True)
    except MediaError as error:
        # What lacked time, memory or a handle may do better next time; what is damaged stays so.
        cause = error.__cause__
        passing = isinstance(error, StalledMediaError) or isinstance(cause, MemoryError)
        passing |= isinstance(cause, OSError) and not _of_ffmpeg(cause)
        return Failure(f"{type(error).__name__}: {error.reason}", lasting=not passing)
    except MemoryError:
        return Failure("MemoryError: too large to describe within the memory allowed")
    except Exception as error:
        return Failure(f"unexpected {type(error).__name__}: {error}", trace=traceback.format_exc())


def _of_ffmpeg(error: BaseException) -> bool:
    return type(error).__module__.startswith("av.")
