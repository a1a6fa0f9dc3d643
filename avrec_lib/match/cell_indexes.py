"""Indexes that sort vectors into cells and look into the nearest: the vectors themselves, or quantised parts."""

from typing import Any

import faiss
import numpy as np

from avrec_lib.match.exact import Metric
from avrec_lib.match.faiss_search import faiss_metric, scores_of, selected
from avrec_lib.match.index import Index
from avrec_lib.match.saved_arrays import take_array, take_vectors, whole_number

__all__ = ["IVFIndex", "PQIndex"]

_LEAST_FOR_PQ = 256
_SAMPLE = 64  # vectors a cell that k-means learns from, at random; more move the cells little and cost in proportion
_MOST_CELLS, _MOST_PARTS, _MOST_SEED = 1 << 24, 1 << 16, 2**31 - 1


class IVFIndex(Index):
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

    def __init__(self, metric: Metric = "cosine", *, cells: int | None = None, probes: int = 8, seed: int = 0) -> None:
        super().__init__(metric)
        self.cells = None if cells is None else whole_number(cells, "cells", 1, _MOST_CELLS)
        self.probes = whole_number(probes, "probes", 1, _MOST_CELLS)
        self.seed = whole_number(seed, "seed", 0, _MOST_SEED)

    def _count(self, vectors: np.ndarray) -> int:
        cells = round(4 * np.sqrt(len(vectors))) if self.cells is None else self.cells
        if self.cells is not None and cells > len(vectors):
            raise ValueError(f"{cells} cells cannot be learnt from {len(vectors)} vectors")
        return min(cells, len(vectors))

    def _empty(self, width: int, cells: int) -> Any:
        # Its middles are kept alive by the index that is made with them.
        metric = faiss_metric(self.metric)
        return faiss.IndexIVFFlat(faiss.IndexFlat(width, metric), width, cells, metric)

    def _train(self, vectors: np.ndarray) -> None:
        index = self._empty(vectors.shape[1], self._count(vectors))
        index.cp.seed = self.seed
        index.cp.min_points_per_centroid = 1  # small catalogues are no reason to warn
        index.cp.max_points_per_centroid = _SAMPLE
        index.train(vectors)
        self._index = index

    def _add(self, vectors: np.ndarray, first: int) -> None:
        self._index.add_with_ids(vectors, np.arange(first, first + len(vectors)))

    def _keep(self, slots: np.ndarray) -> None:
        arrays = self._arrays()
        for name in ("cells", self._entries):
            arrays[name] = arrays[name][slots]
        self._set_arrays(arrays, len(slots), self._index.d)

    def _search(
        self, queries: np.ndarray, k: int, mask: np.ndarray | None, thorough: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        with selected(mask) as selector:
            probes = self._index.nlist if thorough else min(self.probes, self._index.nlist)
            values, slots = self._index.search(
                queries, k, params=faiss.SearchParametersIVF(nprobe=probes, sel=selector)
            )
        return scores_of(self.metric, slots, values)

    def _parameters(self) -> dict[str, Any]:
        return {"metric": self.metric, "cells": self.cells, "probes": int(self.probes), "seed": self.seed}

    _entries = "vectors"  # the array that holds what stands in the cells

    def _arrays(self) -> dict[str, np.ndarray]:
        cells, codes = _entries(self._index)
        return {"middles": _middles(self._index), "cells": cells, "vectors": codes.view(np.float32)}

    def _set_arrays(self, arrays: dict[str, np.ndarray], count: int, width: int) -> None:
        middles, cells = _take_cells(arrays, count, width)
        vectors = take_vectors(arrays, self.metric, (count, width))
        self._index = _filled(self._empty(width, len(middles)), middles, cells, vectors.view(np.uint8))


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

    _entries = "codes"

    def __init__(
        self, metric: Metric = "cosine", *, parts: int = 16, cells: int | None = 1, probes: int = 8, seed: int = 0
    ) -> None:
        super().__init__(metric, cells=cells, probes=probes, seed=seed)
        self.parts = whole_number(parts, "parts", 1, _MOST_PARTS)

    def _count(self, vectors: np.ndarray) -> int:
        if len(vectors) < _LEAST_FOR_PQ:
            raise ValueError(f"256 parts cannot be learnt from {len(vectors)} vectors; ExactIndex suits so few")
        return super()._count(vectors)

    def _empty(self, width: int, cells: int) -> Any:
        if width % self.parts:
            raise ValueError(f"{self.parts} parts do not divide vectors of {width} columns")
        metric = faiss_metric(self.metric)
        index = faiss.IndexIVFPQ(faiss.IndexFlat(width, metric), width, cells, self.parts, 8, metric)
        index.pq.cp.seed = self.seed
        index.pq.cp.min_points_per_centroid = 1
        return index

    def _parameters(self) -> dict[str, Any]:
        return super()._parameters() | {"parts": self.parts}

    def _arrays(self) -> dict[str, np.ndarray]:
        cells, codes = _entries(self._index)
        learnt = faiss.vector_to_array(self._index.pq.centroids).reshape(self.parts, 256, -1)
        return {"middles": _middles(self._index), "cells": cells, "codes": codes, "parts": learnt}

    def _set_arrays(self, arrays: dict[str, np.ndarray], count: int, width: int) -> None:
        middles, cells = _take_cells(arrays, count, width)
        codes = take_array(arrays, "codes", np.uint8, (count, self.parts))
        learnt = take_array(arrays, "parts", np.float32, (self.parts, 256, width // self.parts))
        index = self._empty(width, len(middles))  # takes up room for such parts: only where there are any
        faiss.copy_array_to_vector(np.ascontiguousarray(learnt.ravel()), index.pq.centroids)
        self._index = _filled(index, middles, cells, codes)
        self._index.precompute_table()


def _take_cells(arrays: dict[str, np.ndarray], count: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of cells (c, d) and the cell of each slot (count,), checked."""
    middles = take_array(arrays, "middles", np.float32, (None, width))
    cells = take_array(arrays, "cells", np.int32, (count,))
    if not len(middles) or ((cells < 0) | (cells >= len(middles))).any():
        raise ValueError(f"a slot is in none of the {len(middles)} cells")
    return middles, cells


def _middles(index: Any) -> np.ndarray:
    """Return the middles of cells (c, d)."""
    return np.asarray(index.quantizer.reconstruct_n(0, index.nlist))


def _entries(index: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell of each slot (n,), and the bytes that are kept for it (n, b)."""
    lists = index.invlists
    cells, codes = np.empty(index.ntotal, np.int32), np.empty((index.ntotal, index.code_size), np.uint8)
    for cell in range(index.nlist):
        size = lists.list_size(cell)
        if size:
            slots = faiss.rev_swig_ptr(lists.get_ids(cell), size)
            cells[slots] = cell
            codes[slots] = faiss.rev_swig_ptr(lists.get_codes(cell), size * index.code_size).reshape(size, -1)
    return cells, codes


def _filled(index: Any, middles: np.ndarray, cells: np.ndarray, codes: np.ndarray) -> Any:
    """Fill an empty index with middles (c, d), and with the cell and the bytes of each slot."""
    index.quantizer.add(np.ascontiguousarray(middles))
    index.is_trained = True
    order = np.argsort(cells, kind="stable")
    ends = np.cumsum(np.bincount(cells, minlength=len(middles)))
    for cell in np.unique(cells):
        slots = order[ends[cell - 1] if cell else 0 : ends[cell]]
        held = np.ascontiguousarray(codes[slots])
        index.invlists.add_entries(int(cell), len(slots), faiss.swig_ptr(slots), faiss.swig_ptr(held))
    index.ntotal = len(cells)
    return index
