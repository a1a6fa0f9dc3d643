"""Items whose nearest neighbours in content are among what a person took."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import fuse
from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.histories import Histories
from avrec_lib.recommend.neighbours import nearest

__all__ = ["ContentNeighbours"]


class ContentNeighbours(Recommender):
    r"""Item-based filtering with neighbours in content instead of neighbours in behaviour.

    .. math:: \hat y_{ui} = \sum_{j \in H_u \cap N(i)} \cos(f_i, f_j) \, x_{uj}

    with :math:`f_i` the item's features (those of several tables side by side, see
    :func:`avrec_lib.content.fusion.fuse`) and :math:`N(i)` the items nearest to item i. Where
    :class:`~avrec_lib.recommend.ContentBased` averages all of a taste, this looks at the part of it that is near.
    Centre features first (:class:`avrec_lib.content.fusion.FeatureScaler`). Source: as for
    :class:`~avrec_lib.recommend.ItemNeighbours`.

    Parameters
    ----------
    n_neighbours : int
        Size of :math:`N(i)`, at least 1.
    weights : mapping of str to float, optional
        How much each table counts, by its name; default all alike.

    Attributes
    ----------
    present_ : ndarray (n_items,) of bool
        Whether an item has features.
    similarity_ : csr_matrix (n_items, n_items)
        Row i holds the cosines to the neighbours of item i.
    """

    def __init__(self, n_neighbours: int = 20, weights: Mapping[str, float] | None = None) -> None:
        self.n_neighbours = n_neighbours
        self.weights = weights

    def _fit(self, histories: Histories, items: tuple[FeatureTable, ...], users: pd.DataFrame | None) -> None:
        if not items:
            raise ValueError("ContentNeighbours needs the items' features: fit(interactions, items=...)")
        fused = fuse([table.aligned(self.item_ids_) for table in items], weights=self.weights)
        self.present_ = fused.present
        vectors = np.where(fused.present[:, None], fused.matrix, np.float32(0.0))
        self.similarity_ = nearest(lambda rows: vectors[rows] @ vectors.T, len(vectors), self.n_neighbours)

    def _score(self, histories: Histories) -> np.ndarray:
        return np.asarray((histories.values @ self.similarity_.T).toarray(), dtype=np.float32)

    def _scorable(self) -> np.ndarray:
        return self.present_

    def _servable(self, histories: Histories) -> np.ndarray:
        return np.asarray(abs(histories.values) @ self.present_.astype(np.float32) > 0.0)
