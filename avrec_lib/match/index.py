"""One interface to all indexes of vectors: build, add, remove, search, save, load."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from avrec_lib.content.checked_files import DamagedFileError, write_checked
from avrec_lib.content.features import Ids
from avrec_lib.content.unit_rows import unit_rows
from avrec_lib.match.exact import Metric, check_metric
from avrec_lib.match.growing_rows import GrowingRows
from avrec_lib.match.saved_arrays import whole_number
from avrec_lib.match.vectors import as_vectors

__all__ = ["FORMAT", "Index", "Neighbours"]

FORMAT = "avrec index 2"
_NAMED = 5  # ids that a message names
WIDEST = 1 << 20  # columns, far more than any encoder gives
_FEW = 10_000  # allowed items that are compared one by one sooner than an approximate search finds them


class Neighbours(NamedTuple):
    """What a search found, the nearest first.

    Attributes
    ----------
    ids : ndarray (n, k) of object
        Ids; None where fewer than k could be found.
    scores : ndarray (n, k) of float32
        Higher is nearer: the cosine, the inner product, or *minus* the Euclidean distance. NaN where the id is None.
    """

    ids: np.ndarray
    scores: np.ndarray


class Index(ABC):
    """Vectors that can be searched, each known by an id.

    A subclass says how vectors are kept and searched; ids, filters and files are the same for all. Slots number the
    vectors in the order in which they came.

    Parameters
    ----------
    metric : {"cosine", "inner", "euclidean"}
        How vectors are compared.
    """

    metric: Metric

    def __init__(self, metric: Metric = "cosine") -> None:
        check_metric(metric)
        self.metric = metric
        self._width = 0
        self._forget()

    def _forget(self) -> None:
        self._slots: dict[Hashable, int] = {}
        self._ids = GrowingRows(np.empty(0, dtype=object))  # a removed item's place holds None
        self._alive = GrowingRows(np.empty(0, dtype=bool))

    # Public ------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Count the vectors that can be found."""
        return len(self._slots)

    def __contains__(self, item_id: Hashable) -> bool:
        return item_id in self._slots

    @property
    def width(self) -> int:
        """Entries of a vector, d; 0 before :meth:`build`."""
        return self._width

    @property
    def dead(self) -> int:
        """Removed vectors, without a name, that still take up room, until :meth:`compact`."""
        return len(self._alive) - len(self._slots)

    def build(self, vectors: np.ndarray, ids: Ids) -> Self:
        """Learn what the index has to learn from these vectors, and hold them; what it held before is gone.

        Parameters
        ----------
        vectors : array_like (m, d)
            Vectors, m at least 1.
        ids : sequence (m,) of str or int
            Their ids, none twice.

        Returns
        -------
        Index
            Itself.

        Raises
        ------
        ValueError
            If shapes do not fit, a vector is not finite, an id repeats, or there are too few to learn from.
        """
        matrix = as_vectors(vectors, "vectors")
        if not len(matrix):
            raise ValueError(f"{type(self).__name__} needs at least one vector to be built from")
        names = _as_ids(ids, len(matrix))
        matrix = unit_rows(matrix) if self.metric == "cosine" else matrix
        self._train(matrix)
        self._forget()
        self._width = matrix.shape[1]
        self._take_in(matrix, names)
        return self

    def add(self, vectors: np.ndarray, ids: Ids) -> None:
        """Hold more vectors.

        Parameters
        ----------
        vectors : array_like (m, d)
            Vectors of the width of those in the index.
        ids : sequence (m,) of str or int
            Their ids, none twice and none in the index; remove an item first to give it another vector.

        Raises
        ------
        ValueError
            If shapes do not fit, a vector is not finite, or an id is taken. Nothing is added then.
        """
        matrix = self._fitting(vectors, "vectors")
        names = _as_ids(ids, len(matrix))
        taken = [name for name in names if name in self._slots]
        if taken:
            raise ValueError(f"{len(taken)} ids are in the index already, such as {taken[:_NAMED]}; remove them first")
        self._take_in(matrix, names)

    def remove(self, ids: Ids) -> None:
        """Let items no longer be found, and forget their ids.

        Their vectors are passed over in searches, and still take up room in memory and in a saved file, until
        :meth:`compact`. Without an id they can never be found again.

        Parameters
        ----------
        ids : sequence of str or int
            Ids in the index.

        Raises
        ------
        KeyError
            If an id is not in the index. Nothing is removed then.
        """
        names = list(dict.fromkeys(_plain(ids)))
        slots = self._find(names)
        self._alive.rows[slots] = False
        self._ids.rows[slots] = None
        for name in names:
            del self._slots[name]

    def compact(self) -> None:
        """Let go of the vectors of what was removed; a graph is built anew from those that are left."""
        if not self.dead:
            return
        kept = np.flatnonzero(self._alive.rows)
        self._keep(kept)
        self._ids = GrowingRows(self._ids.rows[kept])
        self._alive = GrowingRows(np.ones(len(kept), dtype=bool))
        self._slots = {name: slot for slot, name in enumerate(self._ids.rows)}

    def search(self, queries: np.ndarray, k: int = 10, *, allowed: Ids | None = None) -> Neighbours:
        """Find the items nearest to each query.

        A list is as long as it can be: where an approximate search finds fewer than there are, all are compared. Of few
        allowed items, too, all are compared, since a graph or a list of cells rarely leads to just these.

        Parameters
        ----------
        queries : array_like (n, d)
            Vectors.
        k : int
            How many, at least 1.
        allowed : sequence of str or int, optional
            Ids to choose from; default all.

        Returns
        -------
        Neighbours
            Ids and scores, n lists of k. Equal scores stand in the order in which items came; which of equals end an
            approximate list is up to its structure.

        Raises
        ------
        ValueError
            If the width differs, a query is not finite, or ``k`` is below 1.
        KeyError
            If an allowed id is not in the index.
        """
        matrix = self._fitting(queries, "queries")
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        mask, there = None, len(self)
        if allowed is not None:
            mask = np.zeros(len(self._alive), dtype=bool)
            mask[self._find(_plain(allowed))] = True
            there = int(mask.sum())
        elif self.dead:
            mask = self._alive.rows
        slots, scores = np.full((len(matrix), k), -1), np.full((len(matrix), k), np.nan, np.float32)
        depth = min(k, there)
        if depth and len(matrix):
            narrow = allowed is not None and there <= max(_FEW, k)
            slots[:, :depth], scores[:, :depth] = self._search(matrix, depth, mask, narrow)
            short = (slots[:, :depth] < 0).any(axis=1)
            if short.any() and not narrow:
                slots[short, :depth], scores[short, :depth] = self._search(matrix[short], depth, mask, True)
        ids, found = np.full(slots.shape, None, dtype=object), slots >= 0
        ids[found] = self._ids.rows[slots[found]]
        scores[~found] = np.nan
        return Neighbours(ids, scores)

    def save(self, path: str | Path) -> None:
        """Write the index as one file, whole or not at all, with the SHA-256 of all of it.

        The file holds arrays of numbers and nothing that a reader would run. Ids of removed items are not in it; their
        vectors are, until :meth:`compact`.

        Parameters
        ----------
        path : str or Path
            Where to write; a file that is there is replaced.

        Raises
        ------
        OSError
            If it cannot be written.
        ValueError
            If a parameter was set to what no index may have.
        """
        self._fitting(np.zeros((0, self._width or 1)), "vectors")
        type(self)(**self._parameters())  # what was set since, too, is checked before it is written
        manifest = {
            "format": FORMAT,
            "kind": type(self).__name__,
            "width": self._width,
            "parameters": self._parameters(),
            "ids": self._ids.rows.tolist(),
        }
        write_checked(path, self._arrays(), manifest)

    @classmethod
    def restore(cls, path: str | Path, arrays: Mapping[str, np.ndarray], manifest: Mapping[str, Any]) -> Self:
        """Make an index from what a file holds, after every part of it was checked.

        :func:`~avrec_lib.match.indexes.load_index` reads the file, and knows the class.

        Parameters
        ----------
        path : str or Path
            The file, for messages.
        arrays, manifest : mapping
            What :meth:`save` wrote.

        Returns
        -------
        Index
            As it was saved.

        Raises
        ------
        DamagedFileError
            If an array is missing, has another type or shape, or holds what no index of this kind writes.
        """
        left = dict(arrays)
        try:
            index = cls(**manifest["parameters"])
            strange = set(manifest["parameters"]) - set(index._parameters())
            if strange:  # such as threads, which are no matter of a file
                raise ValueError(f"it holds the unknown parameter {min(strange)!r}")
            names, width = manifest["ids"], whole_number(manifest["width"], "width", 1, WIDEST)
            if not isinstance(names, list):
                raise ValueError("ids are no list")
            alive = np.array([name is not None for name in names], dtype=bool)
            held = _as_ids([name for name in names if name is not None], int(alive.sum()))
            index._set_arrays(left, len(names), width)
            if left:
                raise ValueError(f"it holds the unknown array {min(left)!r}")
        except (LookupError, TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise DamagedFileError(path, f"does not hold a whole {cls.__name__}: {error}") from error
        index._width, index._alive = width, GrowingRows(alive)
        index._ids = GrowingRows(np.array(names, dtype=object))
        index._slots = dict(zip(held, np.flatnonzero(alive).tolist(), strict=True))
        return index

    # What a subclass says ----------------------------------------------------------------------

    @abstractmethod
    def _train(self, vectors: np.ndarray) -> None:
        """Learn from vectors (m, d), and hold none."""

    @abstractmethod
    def _add(self, vectors: np.ndarray, first: int) -> None:
        """Hold vectors (m, d) under the slots from ``first`` on."""

    @abstractmethod
    def _keep(self, slots: np.ndarray) -> None:
        """Hold only these slots from now on, numbered anew."""

    @abstractmethod
    def _search(
        self, queries: np.ndarray, k: int, mask: np.ndarray | None, thorough: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return slots and scores (n, k) among the slots of ``mask``; -1 where nothing was found."""

    @abstractmethod
    def _parameters(self) -> dict[str, Any]:
        """Return what the constructor was given."""

    @abstractmethod
    def _arrays(self) -> dict[str, np.ndarray]:
        """Return all that was learnt and is held."""

    @abstractmethod
    def _set_arrays(self, arrays: dict[str, np.ndarray], count: int, width: int) -> None:
        """Take out of ``arrays`` what :meth:`_arrays` returned, and refuse what is not of ``count`` slots and d."""

    # Ids ---------------------------------------------------------------------------------------

    def _take_in(self, matrix: np.ndarray, names: list[Hashable]) -> None:
        first = len(self._alive)
        self._add(matrix, first)
        self._slots.update(zip(names, range(first, first + len(names)), strict=True))
        self._ids.extend(np.array(names, dtype=object))
        self._alive.extend(np.ones(len(names), dtype=bool))

    def _fitting(self, vectors: np.ndarray, name: str) -> np.ndarray:
        """Return vectors as the index keeps them."""
        if not self._width:
            raise RuntimeError(f"this {type(self).__name__} holds nothing yet: build it first")
        matrix = as_vectors(vectors, name)
        if matrix.shape[1] != self._width:
            raise ValueError(f"{name} have {matrix.shape[1]} columns, the index holds vectors of {self._width}")
        return unit_rows(matrix) if self.metric == "cosine" else matrix

    def _find(self, names: Sequence[Hashable]) -> np.ndarray:
        slots = np.array([self._slots.get(name, -1) for name in names], dtype=np.int64)
        if (slots < 0).any():
            unknown = [name for name, slot in zip(names, slots, strict=True) if slot < 0]
            raise KeyError(f"{len(unknown)} ids are not in the index, such as {unknown[:_NAMED]}")
        return slots


def _plain(ids: Ids) -> list[Hashable]:
    """Return ids as a list of Python's own text and numbers."""
    if isinstance(ids, list) and all(type(name) in (str, int) for name in ids):
        return list(ids)  # pandas would give the same, and take most of the time that one more vector takes
    return list(pd.Index(ids).tolist()) if len(ids) else []


def _as_ids(ids: Ids, count: int) -> list[Hashable]:
    """Return ids as plain text and whole numbers, or say what is wrong with them."""
    names = _plain(ids)
    if len(names) != count:
        raise ValueError(f"there are {len(names)} ids for {count} vectors")
    for name in names:
        if not isinstance(name, str | int) or isinstance(name, bool):
            raise ValueError(f"ids must be text or whole numbers, not {name!r}")
    if len(set(names)) < len(names):
        seen = pd.Index(names, dtype=object)
        raise ValueError(f"id {seen[seen.duplicated()][0]!r} occurs more than once")
    return names
