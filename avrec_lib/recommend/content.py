"""More of what a person liked: profiles and items in the same space of features."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import fuse, unit_rows
from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.histories import Histories

__all__ = ["ContentBased"]


class ContentBased(Recommender):
    r"""Score an item by the cosine between its vector and the person's profile.

    .. math:: p_u = \sum_{i \in H_u} v_{ui} \, 2^{-(T_u - t_{ui})/h} \, \frac{f_i}{\lVert f_i \rVert}, \qquad
              s_{ui} = \frac{\langle p_u, f_i \rangle}{\lVert p_u \rVert \, \lVert f_i \rVert}

    with :math:`f_i` the item's features (those of several tables side by side, see
    :func:`avrec_lib.content.fusion.fuse`), :math:`v_{ui}` the value of what the person did, :math:`T_u` the time of the
    person's last interaction and :math:`h` the half-life. The cosine is 0 where a norm is 0. New items are scored as
    soon as they have features; new people as soon as they have done something. Centre features first
    (:func:`avrec_lib.content.fusion.standardise`): what all items share makes all cosines alike. Source: Lops,
    de Gemmis and Semeraro, "Content-based recommender systems: state of the art and trends" (2011).

    Parameters
    ----------
    half_life_days : float, optional
        :math:`h`, in days; without it all of the history weighs alike.
    baseline : float
        What is taken from each value first, so that a meeting worth less than this pulls the profile away.
    weights : mapping of str to float, optional
        How much each table counts, by its name; default all alike.

    Attributes
    ----------
    vectors_ : ndarray (n_items, d) of float32
        Unit vectors of the items, zero where there are no features.
    present_ : ndarray (n_items,) of bool
        Whether an item has features.
    """

    def __init__(
        self,
        half_life_days: float | None = None,
        baseline: float = 0.0,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.half_life_days = half_life_days
        self.baseline = baseline
        self.weights = weights

    def _fit(self, histories: Histories, items: tuple[FeatureTable, ...], users: pd.DataFrame | None) -> None:
        if not items:
            raise ValueError("ContentBased needs the items' features: fit(interactions, items=...)")
        histories.recency(self.half_life_days)  # refuses what it cannot weigh before anybody is served
        fused = fuse([table.aligned(self.item_ids_) for table in items], weights=self.weights)
        self.present_ = fused.present
        self.vectors_ = np.where(fused.present[:, None], fused.matrix, np.float32(0.0))

    def _profiles(self, histories: Histories) -> np.ndarray:
        """Return the people's unit profiles (n_users, d)."""
        weight = (histories.values.data - self.baseline) * histories.recency(self.half_life_days)
        return unit_rows(histories.with_values(weight.astype(np.float32)) @ self.vectors_)

    def _score(self, histories: Histories) -> np.ndarray:
        return self._profiles(histories) @ self.vectors_.T

    def _scorable(self) -> np.ndarray:
        return self.present_

    def _servable(self, histories: Histories) -> np.ndarray:
        return np.asarray(abs(histories.values).astype(np.float32) @ self.present_.astype(np.float32) > 0.0)
