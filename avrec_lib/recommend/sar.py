"""What was met together, and how lately each person met it."""

import numpy as np
import pandas as pd
from scipy import sparse

from avrec_lib.content.features import FeatureTable
from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.histories import Histories

__all__ = ["SAR"]


class SAR(Recommender):
    r"""Simple Algorithm for Recommendation: affinity of people to items times likeness of items.

    .. math:: \hat y_{ui} = \sum_{j \in H_u} a_{uj} \, s_{ji}, \qquad
              a_{uj} = v_{uj} \, 2^{-(T_u - t_{uj}) / h}, \qquad
              s_{ji} = \frac{c_{ij}}{c_{ii} + c_{jj} - c_{ij}}

    with :math:`c_{ij}` the number of people who met both items, so that :math:`s` is the Jaccard similarity of the
    sets of people, 1 on the diagonal; :math:`v_{uj}` the value of what the person did, and :math:`h` the half-life.
    Ages count from the person's own last interaction :math:`T_u`. Where they count from the last of all, as in the
    source, each person's scores are multiplied by one number more, which changes no list, but brings those of a
    person who left years ago to zero. Source: Argyriou, González-Fierro and Zhang, "Microsoft Recommenders: best
    practices for production-ready recommendation systems" (2020), and its notebook *SAR single node on MovieLens*,
    whose figures this reproduces.

    Parameters
    ----------
    half_life_days : float, optional
        :math:`h`, in days; without it all of the history weighs alike, and no times are needed.

    Attributes
    ----------
    similarity_ : csr_matrix (n_items, n_items) of float32
        :math:`s`, symmetric; nothing is stored for pairs that nobody met together.
    """

    def __init__(self, half_life_days: float | None = 30.0) -> None:
        self.half_life_days = half_life_days

    def _fit(self, histories: Histories, items: tuple[FeatureTable, ...], users: pd.DataFrame | None) -> None:
        histories.recency(self.half_life_days)  # refuses what it cannot weigh before anybody is served
        met = histories.with_values(np.ones(histories.values.nnz, dtype=np.float32))
        both = sparse.csr_matrix(met.T @ met)
        count = both.diagonal()
        row = np.repeat(np.arange(len(count)), np.diff(both.indptr))
        either = count[row] + count[both.indices] - both.data
        self.met_ = count > 0.0
        self.similarity_ = sparse.csr_matrix((both.data / either, both.indices, both.indptr), shape=both.shape)

    def _score(self, histories: Histories) -> np.ndarray:
        affinity = histories.values.data * histories.recency(self.half_life_days)
        return np.asarray((histories.with_values(affinity.astype(np.float32)) @ self.similarity_).toarray())

    def _scorable(self) -> np.ndarray:
        return self.met_

    def _servable(self, histories: Histories) -> np.ndarray:
        return np.asarray(abs(histories.values) @ self.met_.astype(np.float32) > 0.0)
