"""Modalities side by side, with weights that are given or learned."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import logsumexp

from avrec_lib.content.fusion.base import Fusion
from avrec_lib.content.fusion.concatenation import unit_rows
from avrec_lib.content.fusion.likes import like_matrix

__all__ = ["WeightedFusion"]

_PAIRS_AT_ONCE = 1_000_000


class WeightedFusion(Fusion):
    r"""Early fusion: unit vectors of the modalities side by side, weighed.

    The vector of a clip is made of the blocks :math:`\sqrt{w_m} z_{im}`, as in :func:`.fuse`. Weights that are not
    given are learned on validation: with :math:`\bar z_{um}` the mean over what a person liked in training, they
    maximise the likelihood of what the person liked later, among all clips not liked before,

    .. math:: \sum_u \frac{1}{|T_u|} \sum_{i \in T_u} \log \frac{\exp \sum_m w_m \bar z_{um}^\top z_{im}}
              {\sum_{j \notin H_u} \exp \sum_m w_m \bar z_{um}^\top z_{jm}}, \qquad w_m \ge 0

    which is concave in w, so that there is one answer and no seed. It is the conditional logit of McFadden,
    "Conditional logit analysis of qualitative choice behavior" (1973), with one number a modality.

    Parameters
    ----------
    weights : mapping of str to float, optional
        :math:`w_m \ge 0` by name; without it they are learned.
    scale, limit
        How modalities are scaled and cut, as for :class:`.Fusion`.
    pairs : int
        How many pairs of a person and a clip at most to learn from: four bytes a modality are held for each. With more
        clips the first people suffice, for a weight is one number.

    Attributes
    ----------
    weights_ : dict of str to float
        The weights, of sum 1.
    """

    def __init__(
        self,
        weights: Mapping[str, float] | None = None,
        *,
        scale: str | Mapping[str, str] = "common",
        limit: float | Mapping[str, float | None] | None = 5.0,
        pairs: int = 50_000_000,
    ) -> None:
        self.weights = weights
        self.scale = scale
        self.limit = limit
        self.pairs = pairs

    def _fit(
        self,
        ids: pd.Index,
        blocks: list[np.ndarray],
        present: np.ndarray,
        likes: pd.DataFrame | None,
        validation: pd.DataFrame | None,
    ) -> None:
        if self.pairs < 1:
            raise ValueError(f"pairs must be at least 1, not {self.pairs}")
        if self.weights is None:
            weights = _learned(ids, blocks, likes, validation, self.pairs)
        else:
            if set(self.weights) != set(self.names_):
                raise ValueError(f"weights must be given for each of {list(self.names_)}, not {list(self.weights)}")
            weights = np.array([self.weights[name] for name in self.names_])
            if not (weights >= 0.0).all() or not 0.0 < weights.sum() < np.inf:
                raise ValueError(f"weights must be finite, at least 0 and not all 0, not {dict(self.weights)}")
        self.weights_ = dict(zip(self.names_, (weights / weights.sum()).tolist(), strict=True))

    def _transform(self, blocks: list[np.ndarray], present: np.ndarray) -> np.ndarray:
        weighed = [np.sqrt(self.weights_[name]) * block for name, block in zip(self.names_, blocks, strict=True)]
        return unit_rows(np.concatenate(weighed, axis=1))


def _learned(
    ids: pd.Index,
    blocks: list[np.ndarray],
    likes: pd.DataFrame | None,
    validation: pd.DataFrame | None,
    pairs: int,
) -> np.ndarray:
    """Return the weights (M,) under which later likes are most likely."""
    past, people = like_matrix(likes, None, ids)
    later, _ = like_matrix(validation, people, ids)
    later = later - later.multiply(past)
    later.eliminate_zeros()
    rows = np.flatnonzero((np.diff(past.indptr) > 0) & (np.diff(later.indptr) > 0))[: max(1, pairs // len(ids))]
    if not len(rows):
        raise ValueError("nobody has likes in training and other ones in validation")
    past, later = past[rows], later[rows]
    means = past.multiply(1.0 / past.sum(axis=1)).tocsr()
    scores = [np.asarray((means @ block) @ block.T) for block in blocks]
    share = later.multiply(1.0 / later.sum(axis=1)).tocoo()
    wanted = np.array([share.data @ one[share.row, share.col].astype(np.float64) for one in scores])
    n, step = len(rows), max(1, _PAIRS_AT_ONCE // len(ids))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        value, expected = -float(weights @ wanted), np.zeros(len(blocks))
        for first in range(0, n, step):
            part = [one[first : first + step].astype(np.float64) for one in scores]
            logits = np.tensordot(weights, np.stack(part), axes=1)
            logits[past[first : first + step].nonzero()] = -np.inf
            total = logsumexp(logits, axis=1, keepdims=True)
            chance = np.exp(logits - total)
            value += float(total.sum())
            expected += [np.vdot(one, chance) for one in part]
        return value / n, (expected - wanted) / n

    found = minimize(loss, np.ones(len(blocks)), jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(blocks))
    weights = np.asarray(found.x)
    return weights if weights.sum() > 0.0 else np.ones(len(blocks))
