"""Indexes that compare all: vectors as they are, and short codes of them."""

from typing import Any

import faiss
import numpy as np

from avrec_lib.match.codes import angles, hyperplanes, simhash
from avrec_lib.match.exact import Metric, scan
from avrec_lib.match.faiss_search import in_order, selected
from avrec_lib.match.growing_rows import GrowingRows
from avrec_lib.match.index import Index
from avrec_lib.match.saved_arrays import take_array, take_vectors, whole_number

__all__ = ["ExactIndex", "SimHashIndex"]

_MOST_BITS = 1 << 16


class ExactIndex(Index):
    """All vectors, all compared: always right, and the measure of the others.

    Parameters
    ----------
    metric : {"cosine", "inner", "euclidean"}
        How vectors are compared.
    """

    _vectors: GrowingRows
    _squares: GrowingRows

    def _train(self, vectors: np.ndarray) -> None:
        self._hold(np.empty((0, vectors.shape[1]), np.float32))

    def _hold(self, vectors: np.ndarray) -> None:
        self._vectors = GrowingRows(vectors)
        self._squares = GrowingRows(_squares(vectors))

    def _add(self, vectors: np.ndarray, first: int) -> None:
        self._vectors.extend(vectors)
        self._squares.extend(_squares(vectors))

    def _keep(self, slots: np.ndarray) -> None:
        self._hold(self._vectors.rows[slots])

    def _search(
        self, queries: np.ndarray, k: int, mask: np.ndarray | None, thorough: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        columns = slice(None) if mask is None else np.flatnonzero(mask)
        metric: Metric = "inner" if self.metric == "cosine" else self.metric  # all are of length 1
        return scan(queries, self._vectors.rows, self._squares.rows, k, metric, columns)

    def _parameters(self) -> dict[str, Any]:
        return {"metric": self.metric}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"vectors": self._vectors.rows}

    def _set_arrays(self, arrays: dict[str, np.ndarray], count: int, width: int) -> None:
        self._hold(take_vectors(arrays, self.metric, (count, width)))


def _squares(vectors: np.ndarray) -> np.ndarray:
    """Return the squared lengths (m,) of vectors (m, d)."""
    return np.einsum("md,md->m", vectors, vectors)


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
        self.bits = whole_number(bits, "bits", 64, _MOST_BITS)
        self.seed = whole_number(seed, "seed", 0, 2**63)
        hyperplanes(1, bits, seed=seed)  # refuses bits that fill no words

    def _train(self, vectors: np.ndarray) -> None:
        self._hold(hyperplanes(vectors.shape[1], self.bits, seed=self.seed), np.empty((0, self.bits // 8), np.uint8))

    def _hold(self, planes: np.ndarray, codes: np.ndarray) -> None:
        self._planes = planes
        self._codes = faiss.IndexBinaryFlat(self.bits)
        self._codes.add(np.ascontiguousarray(codes))

    def _bytes(self, vectors: np.ndarray) -> np.ndarray:
        return simhash(vectors, self._planes).view(np.uint8)

    def _add(self, vectors: np.ndarray, first: int) -> None:
        self._codes.add(self._bytes(vectors))

    def _keep(self, slots: np.ndarray) -> None:
        self._hold(self._planes, self._arrays()["codes"][slots])

    def _search(
        self, queries: np.ndarray, k: int, mask: np.ndarray | None, thorough: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        with selected(mask) as selector:
            given = None if selector is None else faiss.SearchParameters(sel=selector)
            apart, slots = self._codes.search(self._bytes(queries), k, params=given)
        return in_order(slots, np.cos(angles(np.minimum(apart, self.bits), self.bits)))

    def _parameters(self) -> dict[str, Any]:
        return {"metric": self.metric, "bits": self.bits, "seed": self.seed}

    def _arrays(self) -> dict[str, np.ndarray]:
        codes = faiss.vector_to_array(self._codes.xb).reshape(-1, self.bits // 8)
        return {"codes": codes, "planes": self._planes}

    def _set_arrays(self, arrays: dict[str, np.ndarray], count: int, width: int) -> None:
        planes = take_array(arrays, "planes", np.float32, (width, self.bits))
        self._hold(planes, take_array(arrays, "codes", np.uint8, (count, self.bits // 8)))
