"""Five ways to keep vectors, from exact to small: all rows, codes, cells, a graph, quantised parts.

What they cost and find differs; how they are used does not. Structures are those of FAISS: Douze et al., "The Faiss
library" (2024). A graph or cells hold the vectors themselves, so that what they find is scored exactly; codes and
quantised parts hold less, and their scores are estimates.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import faiss
import numpy as np

from avrec_lib.content.checked_files import DamagedFileError, read_checked
from avrec_lib.match.codes import angles, hyperplanes, simhash
from avrec_lib.match.exact import Metric, scan
from avrec_lib.match.index import FORMAT, Index

__all__ = ["ExactIndex", "HNSWIndex", "IVFIndex", "PQIndex", "SimHashIndex", "load_index"]

_LEAST_FOR_PQ = 256
_SAMPLE = 64  # vectors a cell that k-means learns from, at random; more move the cells little and cost in proportion


class ExactIndex(Index):
    """All vectors, all compared: always right, and the measure of the others.

    Parameters
    ----------
    metric : {"cosine", "inner", "euclidean"}
        How vectors are compared.
    """

    _room: np.ndarray
    _matrix: np.ndarray
    _squares: np.ndarray

    def _train(self, vectors: np.ndarray) -> None:
        self._set_arrays({"vectors": np.empty((0, vectors.shape[1]), np.float32)})

    def _add(self, vectors: np.ndarray, first: int) -> None:
        stop = first + len(vectors)
        if stop > len(self._room):  # half as much again: one that comes alone moves not all the others
            room = np.empty((max(stop, first + first // 2), vectors.shape[1]), np.float32)
            room[:first] = self._matrix
            self._room = room
        self._room[first:stop] = vectors
        self._matrix = self._room[:stop]
        self._squares = np.append(self._squares, np.einsum("md,md->m", vectors, vectors))

    def _keep(self, slots: np.ndarray) -> None:
        self._set_arrays({"vectors": self._matrix[slots]})

    def _search(
        self, queries: np.ndarray, k: int, mask: np.ndarray | None, thorough: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        columns = slice(None) if mask is None else np.flatnonzero(mask)
        metric: Metric = "inner" if self.metric == "cosine" else self.metric  # all are of length 1
        return scan(queries, self._matrix, self._squares, k, metric, columns)

    def _parameters(self) -> dict[str, Any]:
        return {"metric": self.metric}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"vectors": self._matrix}

    def _set_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        self._room = self._matrix = arrays["vectors"]
        self._squares = np.einsum("md,md->m", self._matrix, self._matrix)

    def _held(self) -> tuple[int, int]:
        return len(self._matrix), self._matrix.shape[1]


class SimHashIndex(Index):
    r"""Random-projection codes: on which side of each of b random hyperplanes a vector lies.

    The score is the cosine of the angle that the Hamming distance of codes estimates. It needs b / 8 bytes a vector
    and nothing to learn. Source: Charikar (STOC 2002).

    Parameters
    ----------
    metric : {"cosine"}
        Codes know directions alone.
    bits : int
        b, a multiple of 64.
    seed : int
        Randomness of the hyperplanes.
    """

    def __init__(self, metric: Metric = "cosine", *, bits: int = 256, seed: int = 0) -> None:
        super().__init__(metric)
        if metric != "cosine":
            raise ValueError(f"SimHash codes estimate angles: metric must be cosine, not {metric}")
        hyperplanes(1, bits, seed=seed)
        self.bits = bits
        self.seed = seed

    def _train(self, vectors: np.ndarray) -> None:
        self._planes = hyperplanes(vectors.shape[1], self.bits, seed=self.seed)
        self._codes = faiss.IndexBinaryFlat(self.bits)

    def _bytes(self, vectors: np.ndarray) -> np.ndarray:
        return simhash(vectors, self._planes).view(np.uint8)

    def _add(self, vectors: np.ndarray, first: int) -> None:
        self._codes.add(self._bytes(vectors))

    def _keep(self, slots: np.ndarray) -> None:
        kept = self._arrays()["codes"][slots]
        self._codes.reset()
        self._codes.add(kept)

    def _search(
        self, queries: np.ndarray, k: int, mask: np.ndarray | None, thorough: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        with _chosen(mask) as selector:
            given = None if selector is None else faiss.SearchParameters(sel=selector)
            apart, slots = self._codes.search(self._bytes(queries), k, params=given)
        return _in_order(slots, np.cos(angles(np.minimum(apart, self.bits), self.bits)))

    def _parameters(self) -> dict[str, Any]:
        return {"metric": self.metric, "bits": self.bits, "seed": self.seed}

    def _arrays(self) -> dict[str, np.ndarray]:
        codes = faiss.vector_to_array(self._codes.xb).reshape(-1, self.bits // 8)
        return {"codes": codes, "planes": self._planes}

    def _set_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        self._planes = arrays["planes"]
        self._codes = faiss.IndexBinaryFlat(self.bits)
        self._codes.add(np.ascontiguousarray(arrays["codes"]))

    def _held(self) -> tuple[int, int]:
        return self._codes.ntotal, len(self._planes)


class _FaissIndex(Index):
    """An index whose state is one index of FAISS."""

    _index: Any

    def _faiss_metric(self) -> int:
        return int(faiss.METRIC_L2 if self.metric == "euclidean" else faiss.METRIC_INNER_PRODUCT)

    def _scores(self, slots: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.metric == "euclidean":
            values = -np.sqrt(np.maximum(values, 0.0))
        return _in_order(slots, values)

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"index": faiss.serialize_index(self._index)}

    def _set_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        self._index = faiss.deserialize_index(arrays["index"])

    def _held(self) -> tuple[int, int]:
        return self._index.ntotal, self._index.d


class HNSWIndex(_FaissIndex):
    """A graph of neighbours in layers, walked from far to near: the fastest where most answers must be right.

    Cosine and Euclidean suit it. With the inner product of vectors of unequal length, walks end at long vectors, and
    recall suffers. Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using
    hierarchical navigable small world graphs" (TPAMI 2020).

    Parameters
    ----------
    metric : {"cosine", "inner", "euclidean"}
        How vectors are compared.
    links : int
        Neighbours that each vector is joined to, M; twice as many on the lowest layer.
    build_breadth : int
        Vectors kept in view while a new one is joined.
    breadth : int
        Vectors kept in view during a search: more find more and take longer. It may be set between searches.
    n_jobs : int
        Threads that build the graph. With more than one it is a little different each time.
    """

    def __init__(
        self,
        metric: Metric = "cosine",
        *,
        links: int = 16,
        build_breadth: int = 100,
        breadth: int = 64,
        n_jobs: int = 1,
    ) -> None:
        super().__init__(metric)
        if min(links, build_breadth, breadth, n_jobs) < 1 or links < 2:
            raise ValueError(
                "links must be at least 2, and build_breadth, breadth and n_jobs at least 1, "
                f"not {links}, {build_breadth}, {breadth} and {n_jobs}"
            )
        self.links = links
        self.build_breadth = build_breadth
        self.breadth = breadth
        self.n_jobs = n_jobs

    def _train(self, vectors: np.ndarray) -> None:
        self._index = self._empty(vectors.shape[1])

    def _empty(self, width: int) -> Any:
        index = faiss.IndexHNSWFlat(width, self.links, self._faiss_metric())
        index.hnsw.efConstruction = self.build_breadth
        return index

    def _add(self, vectors: np.ndarray, first: int) -> None:
        with _threads(self.n_jobs):
            self._index.add(vectors)

    def _vectors(self) -> np.ndarray:
        """Return the vectors where they lie, (slots, d)."""
        flat = faiss.downcast_index(self._index.storage)
        if not flat.ntotal:
            return np.empty((0, self._index.d), np.float32)
        return np.asarray(faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d)).reshape(flat.ntotal, flat.d)

    def _keep(self, slots: np.ndarray) -> None:
        kept = self._vectors()[slots]
        self._index = self._empty(self._index.d)
        self._add(kept, 0)

    def _search(
        self, queries: np.ndarray, k: int, mask: np.ndarray | None, thorough: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        if thorough:
            slots = np.arange(self._index.ntotal) if mask is None else np.flatnonzero(mask)
            near = self._vectors()[slots]
            metric: Metric = "inner" if self.metric == "cosine" else self.metric
            found, scores = scan(queries, near, np.einsum("md,md->m", near, near), k, metric, slice(None))
            return slots[found], scores
        with _chosen(mask) as selector:
            given = faiss.SearchParametersHNSW(efSearch=max(self.breadth, k), sel=selector)
            values, slots = self._index.search(queries, k, params=given)
        return self._scores(slots, values)

    def _parameters(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "links": self.links,
            "build_breadth": self.build_breadth,
            "breadth": self.breadth,
            "n_jobs": self.n_jobs,
        }


class IVFIndex(_FaissIndex):
    """Cells round the means of k-means; only those nearest to the query are looked into.

    Source: Sivic and Zisserman, "Video Google" (ICCV 2003); Jégou et al. (TPAMI 2011).

    Parameters
    ----------
    metric : {"cosine", "inner", "euclidean"}
        How vectors are compared.
    cells : int, optional
        How many; default four times the square root of the number of vectors that it is built from.
    probes : int
        Cells looked into: more find more and take longer. It may be set between searches.
    seed : int
        Randomness of k-means.
    """

    _removes: ClassVar[bool] = True

    def __init__(self, metric: Metric = "cosine", *, cells: int | None = None, probes: int = 8, seed: int = 0) -> None:
        super().__init__(metric)
        if (cells is not None and cells < 1) or probes < 1:
            raise ValueError(f"cells and probes must be at least 1, not {cells} and {probes}")
        self.cells = cells
        self.probes = probes
        self.seed = seed

    def _count(self, vectors: np.ndarray) -> int:
        cells = round(4 * np.sqrt(len(vectors))) if self.cells is None else self.cells
        if self.cells is not None and cells > len(vectors):
            raise ValueError(f"{cells} cells cannot be learnt from {len(vectors)} vectors")
        return min(cells, len(vectors))

    def _empty(self, vectors: np.ndarray) -> Any:
        width = vectors.shape[1]
        return faiss.IndexIVFFlat(self._middles(width), width, self._count(vectors), self._faiss_metric())

    def _middles(self, width: int) -> Any:
        # Kept alive by the index that is made with it.
        return faiss.IndexFlat(width, self._faiss_metric())

    def _train(self, vectors: np.ndarray) -> None:
        self._index = self._empty(vectors)
        self._index.cp.seed = self.seed
        self._index.cp.min_points_per_centroid = 1  # small catalogues are no reason to warn
        self._index.cp.max_points_per_centroid = _SAMPLE
        self._index.train(vectors)

    def _add(self, vectors: np.ndarray, first: int) -> None:
        self._index.add_with_ids(vectors, np.arange(first, first + len(vectors)))

    def _drop(self, slots: np.ndarray) -> None:
        self._index.remove_ids(slots)

    def _keep(self, slots: np.ndarray) -> None:
        raise AssertionError("nothing dead is ever held")

    def _search(
        self, queries: np.ndarray, k: int, mask: np.ndarray | None, thorough: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        with _chosen(mask) as selector:
            probes = self._index.nlist if thorough else min(self.probes, self._index.nlist)
            values, slots = self._index.search(
                queries, k, params=faiss.SearchParametersIVF(nprobe=probes, sel=selector)
            )
        return self._scores(slots, values)

    def _parameters(self) -> dict[str, Any]:
        return {"metric": self.metric, "cells": self.cells, "probes": self.probes, "seed": self.seed}

    def _held(self) -> tuple[int, int]:
        return self._index.ntotal + int((~self._alive).sum()), self._index.d


class PQIndex(IVFIndex):
    """Product quantisation: each of several parts of a vector becomes one byte, the nearest of 256 learnt parts.

    Scores are estimates. Cells may be put before it; then it is the distance from the cell's middle that is quantised.
    Source: Jégou, Douze and Schmid, "Product quantization for nearest neighbor search" (TPAMI 2011).

    Parameters
    ----------
    metric : {"cosine", "inner", "euclidean"}
        How vectors are compared.
    parts : int
        Bytes a vector; divides its width.
    cells, probes, seed
        As in :class:`IVFIndex`; by default one cell, so that all codes are read.
    """

    def __init__(
        self, metric: Metric = "cosine", *, parts: int = 16, cells: int | None = 1, probes: int = 8, seed: int = 0
    ) -> None:
        super().__init__(metric, cells=cells, probes=probes, seed=seed)
        if parts < 1:
            raise ValueError(f"parts must be at least 1, not {parts}")
        self.parts = parts

    def _empty(self, vectors: np.ndarray) -> Any:
        width = vectors.shape[1]
        if width % self.parts:
            raise ValueError(f"{self.parts} parts do not divide vectors of {width} columns")
        if len(vectors) < _LEAST_FOR_PQ:
            raise ValueError(f"256 parts cannot be learnt from {len(vectors)} vectors; ExactIndex suits so few")
        index = faiss.IndexIVFPQ(self._middles(width), width, self._count(vectors), self.parts, 8, self._faiss_metric())
        index.pq.cp.seed = self.seed
        index.pq.cp.min_points_per_centroid = 1
        return index

    def _parameters(self) -> dict[str, Any]:
        return super()._parameters() | {"parts": self.parts}


_KINDS: dict[str, type[Index]] = {
    kind.__name__: kind for kind in (ExactIndex, SimHashIndex, HNSWIndex, IVFIndex, PQIndex)
}


def load_index(path: str | Path) -> Index:
    """Read an index that was saved, and make sure that it is what was written.

    The check finds damage, not malice: a file made on purpose can name other files, which FAISS would then open. Load
    only what you or a program of yours has saved.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Index
        Of the kind that was saved.

    Raises
    ------
    DamagedFileError
        If the file was cut off or changed, or is no index.
    FileNotFoundError
        If there is none.
    """
    arrays, manifest = read_checked(path)
    kind = _KINDS.get(str(manifest.get("kind")))
    if manifest.get("format") != FORMAT or kind is None:
        raise DamagedFileError(path, f"is no {FORMAT}")
    return kind.restore(path, arrays, manifest)


@contextmanager
def _chosen(mask: np.ndarray | None) -> Iterator[Any]:
    """Hand FAISS the slots that may be found, as bits that live as long as the search."""
    if mask is None:
        yield None
        return
    bits = np.packbits(mask, bitorder="little")
    yield faiss.IDSelectorBitmap(len(mask), faiss.swig_ptr(bits))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _in_order(slots: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put the best first, equal ones in the order of their slots, and what is missing last."""
    scores = np.where(slots < 0, -np.inf, scores).astype(np.float32, copy=False)
    order = np.lexsort([slots, -scores])
    return np.take_along_axis(slots, order, axis=1), np.take_along_axis(scores, order, axis=1)
