"""An index that is a graph of neighbours, walked from far to near."""

from typing import Any

import faiss
import numpy as np

from avrec_lib.match.exact import Metric, scan
from avrec_lib.match.faiss_search import faiss_metric, scores_of, selected, threads
from avrec_lib.match.index import Index
from avrec_lib.match.saved_arrays import take_array, take_vectors, whole_number

__all__ = ["HNSWIndex"]

_MOST_LINKS, _MOST_BREADTH, _MOST_THREADS = 512, 1 << 20, 1024


class HNSWIndex(Index):
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
        Threads that build the graph, on this machine: a file does not keep it. With more than one the graph is a little
        different each time.
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
        self.links = whole_number(links, "links", 2, _MOST_LINKS)
        self.build_breadth = whole_number(build_breadth, "build_breadth", 1, _MOST_BREADTH)
        self.breadth = whole_number(breadth, "breadth", 1, _MOST_BREADTH)
        self.n_jobs = whole_number(n_jobs, "n_jobs", 1, _MOST_THREADS)

    def _train(self, vectors: np.ndarray) -> None:
        self._index = self._empty(vectors.shape[1])

    def _empty(self, width: int) -> Any:
        index = faiss.IndexHNSWFlat(width, self.links, faiss_metric(self.metric))
        index.hnsw.efConstruction = self.build_breadth
        return index

    def _add(self, vectors: np.ndarray, first: int) -> None:
        with threads(self.n_jobs):
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
        breadth = min(max(self.breadth, k), self._index.ntotal)
        with selected(mask) as selector:
            given = faiss.SearchParametersHNSW(efSearch=breadth, sel=selector)
            values, slots = self._index.search(queries, k, params=given)
        return scores_of(self.metric, slots, values)

    def _parameters(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "links": self.links,
            "build_breadth": self.build_breadth,
            "breadth": int(self.breadth),
        }

    def _arrays(self) -> dict[str, np.ndarray]:
        graph = self._index.hnsw
        return {
            "vectors": self._vectors(),
            "layers": faiss.vector_to_array(graph.levels),
            "neighbours": faiss.vector_to_array(graph.neighbors),
            "entry": np.array([graph.entry_point], np.int32),
        }

    def _set_arrays(self, arrays: dict[str, np.ndarray], count: int, width: int) -> None:
        vectors = take_vectors(arrays, self.metric, (count, width))
        layers = take_array(arrays, "layers", np.int32, (count,))
        neighbours = take_array(arrays, "neighbours", np.int32, (None,))
        entry = int(take_array(arrays, "entry", np.int32, (1,))[0])
        index = self._empty(width)
        ends = faiss.vector_to_array(index.hnsw.cum_nneighbor_per_level)  # of a vector's links, layer by layer
        starts = _checked_starts(layers, neighbours, entry, ends)
        if count:
            faiss.downcast_index(index.storage).add(vectors)
            index.ntotal = count
            for target, values in (("levels", layers), ("offsets", starts), ("neighbors", neighbours)):
                faiss.copy_array_to_vector(np.ascontiguousarray(values), getattr(index.hnsw, target))
            index.hnsw.entry_point, index.hnsw.max_level = entry, int(layers[entry]) - 1
        self._index = index


def _checked_starts(layers: np.ndarray, neighbours: np.ndarray, entry: int, ends: np.ndarray) -> np.ndarray:
    """Return where the links of each vector start, and refuse a graph from which a walk would leave the arrays.

    Parameters
    ----------
    layers : ndarray (n,) of int32
        How many layers each vector is in, at least 1.
    neighbours : ndarray of int32
        The links of all vectors, those of the lowest layer first; -1 for none.
    entry : int
        Where walks start, in the highest layer; -1 in an empty graph.
    ends : ndarray (most + 1,) of int
        How many links a vector in 0, 1, ... layers has.

    Returns
    -------
    ndarray (n + 1,) of uint64
        Places in ``neighbours``.

    Raises
    ------
    ValueError
        If a link or the entry leads out of the graph, or to a vector that is not in that layer.
    """
    n = len(layers)
    if n and (layers.min() < 1 or layers.max() >= len(ends)):
        raise ValueError(f"a vector is in no layer, or in more than {len(ends) - 1}")
    starts = np.concatenate([[0], np.cumsum(ends[layers], dtype=np.int64)])
    if len(neighbours) != starts[-1]:
        raise ValueError(f"there are {len(neighbours)} links, not {starts[-1]}")
    if not (entry == -1 and not n) and not (0 <= entry < n and layers[entry] == layers.max()):
        raise ValueError(f"walks start at {entry}, which is not in the highest layer")
    if ((neighbours < -1) | (neighbours >= n)).any():
        raise ValueError("a link leads out of the graph")
    for layer in range(1, int(layers.max(initial=1))):  # all are in the lowest
        rows = np.flatnonzero(layers > layer)
        places = starts[rows, None] + np.arange(ends[layer], ends[layer + 1])
        linked = neighbours[places]
        if (layers[linked[linked >= 0]] <= layer).any():
            raise ValueError(f"a link leads to a vector that is not in layer {layer}")
    return starts.astype(np.uint64)
