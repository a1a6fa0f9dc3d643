"""Which contents go together, learned from what people took together."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import linalg

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import fuse
from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.histories import Histories

__all__ = ["BilinearContent"]


class BilinearContent(Recommender):
    r"""Score an item by a similarity of contents that was learned from whole histories.

    .. math:: s_{ui} = a_u^\top W f_i, \qquad a_u = \sum_{j \in H_u} f_j

    with :math:`f_i` the item's features (those of several tables side by side, see
    :func:`avrec_lib.content.fusion.fuse`). A person and an item are known by features alone, so that new ones of both
    are served. :math:`W` comes from two ridge regressions. The first goes from the sums of features to who met what,
    :math:`X`, where an item may not explain itself, as in :class:`~avrec_lib.recommend.EASE`:

    .. math:: V = \arg\min_{f_i^\top v_i = 0} \lVert X - A V \rVert_F^2 + \lambda \lVert V \rVert_F^2, \qquad
              V = P \left( A^\top X - F^\top \operatorname{diag}(\gamma) \right), \quad
              P = (A^\top A + \lambda I)^{-1}, \quad
              \gamma_i = \frac{f_i^\top P A^\top x_i}{f_i^\top P f_i}

    The second gives the columns of V from the features of their items:
    :math:`W = V F (F^\top F + \mu I)^{-1}`. With one feature an item, :math:`F = I`, and :math:`\mu = 0`, this is EASE.
    Wide features nearly name the item; then a small :math:`\mu` helps where items were met often, and a larger one
    where they are new. Time grows with the cube of the number of features and with its square times the number of
    items.

    The bilinear model is that of Sharma et al., "Feature-based factorized bilinear similarity model for cold-start
    top-n item recommendation" (SDM 2015), section 4; the closed form with its constraint follows Steck, "Embarrassingly
    shallow autoencoders for sparse data" (WWW 2019), section 3.1.

    Parameters
    ----------
    l2 : float
        :math:`\lambda`, above 0.
    l2_items : float
        :math:`\mu`, above 0. Rows of features have length 1, so it counts items.
    weights : mapping of str to float, optional
        How much each table counts, by its name; default all alike.

    Attributes
    ----------
    vectors_ : ndarray (n_items, d) of float32
        Unit vectors of the items, zero where there are no features.
    present_ : ndarray (n_items,) of bool
        Whether an item has features.
    weights_ : ndarray (d, d) of float32
        :math:`W`.
    """

    def __init__(self, l2: float = 30.0, l2_items: float = 0.1, weights: Mapping[str, float] | None = None) -> None:
        self.l2 = l2
        self.l2_items = l2_items
        self.weights = weights

    def _fit(self, histories: Histories, items: tuple[FeatureTable, ...], users: pd.DataFrame | None) -> None:
        if not items:
            raise ValueError("BilinearContent needs the items' features: fit(interactions, items=...)")
        if not (self.l2 > 0.0 and self.l2_items > 0.0):
            raise ValueError(f"l2 and l2_items must be positive, not {self.l2} and {self.l2_items}")
        fused = fuse([table.aligned(self.item_ids_) for table in items], weights=self.weights)
        self.present_ = fused.present
        self.vectors_ = np.where(fused.present[:, None], fused.matrix, np.float32(0.0))
        met = np.bincount(histories.values.indices, minlength=len(self.item_ids_)) > 0
        told = np.flatnonzero(met & (np.abs(self.vectors_) > 0.0).any(axis=1))
        features = self.vectors_[told].astype(np.float64)
        ones = histories.with_values(np.ones(histories.values.nnz))[:, told]
        sums = ones @ features
        precision = _inverse(sums.T @ sums, self.l2)
        columns = precision @ np.asarray(ones.T @ sums).T
        spread = precision @ features.T
        gamma = np.einsum("id,di->i", features, columns) / np.einsum("id,di->i", features, spread)
        columns -= spread * gamma
        self.weights_ = (columns @ features @ _inverse(features.T @ features, self.l2_items)).astype(np.float32)

    def _score(self, histories: Histories) -> np.ndarray:
        ones = histories.with_values(np.ones(histories.values.nnz, dtype=np.float32))
        return np.asarray((ones @ self.vectors_) @ self.weights_ @ self.vectors_.T)

    def _scorable(self) -> np.ndarray:
        return self.present_

    def _servable(self, histories: Histories) -> np.ndarray:
        ones = histories.with_values(np.ones(histories.values.nnz, dtype=np.float32))
        return np.asarray(ones @ self.present_.astype(np.float32) > 0.0)


def _inverse(gram: np.ndarray, ridge: float) -> np.ndarray:
    """Invert a matrix of products (d, d) after adding to its diagonal."""
    gram.flat[:: len(gram) + 1] += ridge
    return np.asarray(linalg.inv(gram, overwrite_a=True, check_finite=False, assume_a="pos"))
