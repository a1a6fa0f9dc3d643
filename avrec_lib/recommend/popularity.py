"""The same list for everybody: what most people took."""

import numpy as np
import pandas as pd

from avrec_lib.content.features import FeatureTable
from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.histories import Histories

__all__ = ["Popularity"]


class Popularity(Recommender):
    r"""Score an item by how much all people together got out of it.

    .. math:: s_i = \sum_u v_{ui} \, 2^{-(T - t_{ui}) / h}

    with :math:`T` the time of the last interaction and :math:`h` the half-life; without one the second factor is 1.
    An item that nobody met scores 0.

    Parameters
    ----------
    half_life_days : float, optional
        :math:`h`, in days.
    count : bool
        Whether each interaction counts 1 instead of its value.

    Attributes
    ----------
    popularity_ : ndarray (n_items,)
        :math:`s_i`.
    """

    def __init__(self, half_life_days: float | None = None, count: bool = False) -> None:
        self.half_life_days = half_life_days
        self.count = count

    def _fit(self, histories: Histories, items: tuple[FeatureTable, ...], users: pd.DataFrame | None) -> None:
        value = histories.recency(self.half_life_days, own=False)
        if not self.count:
            value = value * histories.values.data
        self.popularity_ = np.bincount(histories.values.indices, weights=value, minlength=len(self.item_ids_))

    def _score(self, histories: Histories) -> np.ndarray:
        shape = (histories.values.shape[0], len(self.item_ids_))
        return np.broadcast_to(self.popularity_.astype(np.float32), shape)
