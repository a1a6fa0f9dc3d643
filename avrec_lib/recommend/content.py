"""More of what a person liked: profiles and items in the same space of features."""

import numpy as np
import pandas as pd

from avrec_lib.content.features import FeatureTable
from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.histories import Histories

__all__ = ["ContentBased"]


class ContentBased(Recommender):
    r"""Score an item by the cosine between its vector and the person's profile.

    .. math:: p_u = \sum_{i \in H_u} v_{ui} \, 2^{-(T_u - t_{ui})/h} \, \frac{f_i}{\lVert f_i \rVert}, \qquad
              s_{ui} = \frac{\langle p_u, f_i \rangle}{\lVert p_u \rVert \, \lVert f_i \rVert}

    with :math:`f_i` the item's features, :math:`v_{ui}` the value of what the person did, :math:`T_u` the time of the
    person's last interaction and :math:`h` the half-life. The cosine is 0 where a norm is 0. New items are scored as
    soon as they have features; new people as soon as they have done something.

    Parameters
    ----------
    half_life_days : float, optional
        :math:`h`, in days; without it all of the history weighs alike.
    baseline : float
        What is taken from each value first, so that a meeting worth less than this pulls the profile away.

    Attributes
    ----------
    vectors_ : ndarray (n_items, d) of float32
        Unit vectors of the items, zero where there are no features.
    present_ : ndarray (n_items,) of bool
        Whether an item has features.
    """

    def __init__(self, half_life_days: float | None = None, baseline: float = 0.0) -> None:
        self.half_life_days = half_life_days
        self.baseline = baseline

    def _fit(self, histories: Histories, items: FeatureTable | None, users: pd.DataFrame | None) -> None:
        if items is None:
            raise ValueError("ContentBased needs the items' features: fit(interactions, items=...)")
        if self.half_life_days is not None and not self.half_life_days > 0.0:
            raise ValueError(f"half_life_days must be positive, not {self.half_life_days}")
        rows = pd.Index(items.ids).get_indexer(self.item_ids_)
        self.present_ = (rows >= 0) & items.present[rows]
        vectors = np.where(self.present_[:, None], items.matrix[rows], np.float32(0.0))
        self.vectors_ = _unit(vectors)

    def _profiles(self, histories: Histories) -> np.ndarray:
        """Return the people's unit profiles (n_users, d)."""
        weight = histories.values.data.astype(np.float64) - self.baseline
        if self.half_life_days is not None:
            counts = np.diff(histories.values.indptr)
            starts = histories.values.indptr[:-1][counts > 0]
            last = np.maximum.reduceat(histories.days, starts) if len(starts) else np.empty(0)
            age = np.repeat(last, counts[counts > 0]) - histories.days
            weight = weight * np.exp2(-age / self.half_life_days)
        return _unit(histories.with_values(weight.astype(np.float32)) @ self.vectors_)

    def _score(self, histories: Histories) -> np.ndarray:
        return self._profiles(histories) @ self.vectors_.T

    def _scorable(self) -> np.ndarray:
        return self.present_

    def _servable(self, histories: Histories) -> np.ndarray:
        return np.asarray(abs(histories.values).astype(np.float32) @ self.present_.astype(np.float32) > 0.0)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Scale rows to length 1; a row of zeros stays."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0.0)
