"""People who took this also took that: neighbours in behaviour."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import sparse

from avrec_lib.content.features import FeatureTable
from avrec_lib.match.top_k import top_k
from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.histories import Histories

__all__ = ["ItemNeighbours", "nearest"]

_BLOCK = 4_000_000  # similarities in memory at a time


class ItemNeighbours(Recommender):
    r"""Item-based collaborative filtering.

    .. math:: s_{ij} = \frac{\langle x_i, x_j \rangle}{\lVert x_i \rVert \lVert x_j \rVert + \lambda}, \qquad
              \hat y_{ui} = \sum_{j \in H_u \cap N(i)} s_{ij} \, x_{uj}

    with :math:`x_i` the column of an item in the matrix of values, :math:`N(i)` the most similar items and
    :math:`\lambda` a shrinkage, which distrusts likeness that rests on few people. It knows an item only by who
    took it: one that nobody took cannot be scored. Source: Sarwar et al., "Item-based collaborative filtering
    recommendation algorithms" (2001); shrinkage: Bell and Koren (2007).

    Parameters
    ----------
    n_neighbours : int
        Size of :math:`N(i)`, at least 1.
    shrinkage : float
        :math:`\lambda`, at least 0.

    Attributes
    ----------
    similarity_ : csr_matrix (n_items, n_items)
        Row i holds :math:`s_{ij}` of the neighbours j of item i.
    """

    def __init__(self, n_neighbours: int = 50, shrinkage: float = 10.0) -> None:
        self.n_neighbours = n_neighbours
        self.shrinkage = shrinkage

    def _fit(self, histories: Histories, items: tuple[FeatureTable, ...], users: pd.DataFrame | None) -> None:
        if self.shrinkage < 0.0:
            raise ValueError(f"shrinkage must be at least 0, not {self.shrinkage}")
        columns = histories.values.tocsc()
        norms = np.sqrt(np.asarray(columns.multiply(columns).sum(axis=0), dtype=np.float64)).ravel()
        self.met_ = norms > 0.0

        def alike(rows: slice) -> np.ndarray:
            products = (columns[:, rows].T @ columns).toarray()
            scale = norms[rows, None] * norms[None, :] + self.shrinkage
            return np.divide(products, scale, out=np.zeros(products.shape, np.float32), where=scale > 0.0)

        self.similarity_ = nearest(alike, len(norms), self.n_neighbours)

    def _score(self, histories: Histories) -> np.ndarray:
        return np.asarray((histories.values @ self.similarity_.T).toarray(), dtype=np.float32)

    def _scorable(self) -> np.ndarray:
        return self.met_

    def _servable(self, histories: Histories) -> np.ndarray:
        return np.asarray(abs(histories.values) @ self.met_.astype(np.float32) > 0.0)


def nearest(alike: Callable[[slice], np.ndarray], n_items: int, n_neighbours: int) -> sparse.csr_matrix:
    """Keep for each item its similarities to the most similar others.

    Parameters
    ----------
    alike : callable
        Gives, for a slice of rows, their similarities to all items: (n_rows, n_items).
    n_items : int
        How many items there are.
    n_neighbours : int
        How many to keep of each row, at least 1.

    Returns
    -------
    csr_matrix (n_items, n_items)
        The kept similarities; none of an item to itself, and no zeros.

    Raises
    ------
    ValueError
        If ``n_neighbours`` is below 1.
    """
    if n_neighbours < 1:
        raise ValueError(f"n_neighbours must be at least 1, not {n_neighbours}")
    blocks = []
    step = max(1, _BLOCK // n_items)
    for start in range(0, n_items, step):
        stop = min(start + step, n_items)
        block = alike(slice(start, stop))
        block[np.arange(stop - start), np.arange(start, stop)] = -np.inf
        near, similarity = top_k(block, n_neighbours)
        row, place = np.nonzero((near >= 0) & (similarity != 0.0))
        entries = (similarity[row, place], (row, near[row, place]))
        blocks.append(sparse.csr_matrix(entries, shape=(stop - start, n_items)))
    return sparse.vstack(blocks, format="csr")
