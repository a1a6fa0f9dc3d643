"""One recommender a modality, and one list from all of their scores."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.base import clone

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import average_scores, reciprocal_ranks, standardise_scores
from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.content import ContentBased
from avrec_lib.recommend.histories import Histories

__all__ = ["LateFusion"]


class LateFusion(Recommender):
    """Fit a recommender to each table of features, and fuse what they say.

    See :mod:`avrec_lib.content.fusion.late` for the equations. A modality that cannot score an item, or cannot serve a
    person, says nothing there, and the others decide.

    Parameters
    ----------
    base : Recommender, optional
        Copied and fitted once a table; default :class:`~avrec_lib.recommend.ContentBased`.
    method : {"mean", "ranks"}
        Average of standardised scores, or reciprocal ranks.
    weights : mapping of str to float, optional
        How much each table counts, by its name; default all alike.
    constant : float
        That of the reciprocal ranks.

    Attributes
    ----------
    models_ : dict of str to Recommender
        The fitted recommender of each table.
    """

    def __init__(
        self,
        base: Recommender | None = None,
        method: str = "mean",
        weights: Mapping[str, float] | None = None,
        constant: float = 60.0,
    ) -> None:
        self.base = base
        self.method = method
        self.weights = weights
        self.constant = constant

    def _fit(self, histories: Histories, items: tuple[FeatureTable, ...], users: pd.DataFrame | None) -> None:
        names = [table.name for table in items]
        if not items or len(set(names)) < len(names):
            raise ValueError(f"LateFusion needs the items' features, of distinct names: items= held {names}")
        if self.method not in ("mean", "ranks"):
            raise ValueError(f"method must be mean or ranks, not {self.method!r}")
        if self.weights is not None and set(self.weights) != set(names):
            raise ValueError(f"weights must be given for each of {names}, not {list(self.weights)}")
        self.models_ = {}
        for table in items:
            model: Recommender = ContentBased() if self.base is None else clone(self.base)
            model.item_ids_, model.histories_ = self.item_ids_, histories
            model._fit(histories, (table,), users)
            self.models_[table.name] = model

    def _score(self, histories: Histories) -> np.ndarray:
        scores = []
        for model in self.models_.values():
            one = np.array(model._score(histories), dtype=np.float64)
            one[:, ~model._scorable()] = np.nan
            one[~model._servable(histories)] = np.nan
            scores.append(one)
        weights = None if self.weights is None else [self.weights[name] for name in self.models_]
        if self.method == "ranks":
            fused = reciprocal_ranks(scores, weights, constant=self.constant)
        else:
            fused = average_scores([standardise_scores(one) for one in scores], weights)
        return fused.astype(np.float32)

    def _scorable(self) -> np.ndarray:
        return np.asarray(np.any([model._scorable() for model in self.models_.values()], axis=0))

    def _servable(self, histories: Histories) -> np.ndarray:
        return np.asarray(np.any([model._servable(histories) for model in self.models_.values()], axis=0))
