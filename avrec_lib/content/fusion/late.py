"""Late fusion: each modality scores by itself, and the scores are put together."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

__all__ = ["average_scores", "reciprocal_ranks", "standardise_scores"]


def standardise_scores(scores: np.ndarray) -> np.ndarray:
    r"""Bring each person's scores to mean 0 and deviation 1, so that those of different makers can be added.

    .. math:: z_{ui} = \frac{s_{ui} - \mu_u}{\sigma_u}

    Parameters
    ----------
    scores : ndarray (n_people, n_items)
        NaN where an item cannot be scored.

    Returns
    -------
    ndarray (n_people, n_items) of float64
        NaN stays; a person whose scores are all equal gets zeros. Known as z-score fusion: Wu, Crestani and Bi,
        "Evaluating score normalization methods in data fusion" (2006).
    """
    known = np.isfinite(scores)
    counts = np.maximum(known.sum(axis=1, keepdims=True), 1)
    values = np.where(known, scores, 0.0).astype(np.float64)
    centred = np.where(known, values - values.sum(axis=1, keepdims=True) / counts, 0.0)
    deviation = np.sqrt(np.square(centred).sum(axis=1, keepdims=True) / counts)
    varies = deviation > 1e-7 * np.abs(values).max(axis=1, keepdims=True, initial=0.0)
    scaled = np.divide(centred, deviation, out=np.zeros_like(centred), where=varies & (deviation > 0.0))
    return np.where(known, scaled, np.nan)


def average_scores(scores: Sequence[np.ndarray], weights: Sequence[float] | None = None) -> np.ndarray:
    """Average standardised scores over the modalities that could score an item.

    Parameters
    ----------
    scores : sequence of ndarray (n_people, n_items)
        One a modality, standardised; NaN where it cannot score an item.
    weights : sequence of float, optional
        One a modality, at least 0; default all alike.

    Returns
    -------
    ndarray (n_people, n_items) of float64
        NaN where no modality of a weight above 0 could score.

    Raises
    ------
    ValueError
        If shapes or weights do not fit.

    Examples
    --------
    >>> average_scores([np.array([[1.0, np.nan, 4.0]]), np.array([[3.0, 2.0, 0.0]])]).tolist()
    [[2.0, 2.0, 2.0]]
    """
    stacked, weight = _checked(scores, weights)
    known = np.isfinite(stacked) & (weight > 0.0)
    total = (weight * np.where(known, stacked, 0.0)).sum(axis=0)
    mass = (weight * known).sum(axis=0)
    return np.divide(total, mass, out=np.full(total.shape, np.nan), where=mass > 0.0)


def reciprocal_ranks(
    scores: Sequence[np.ndarray], weights: Sequence[float] | None = None, *, constant: float = 60.0
) -> np.ndarray:
    r"""Fuse by ranks alone, whatever the units of the scores.

    .. math:: s_{ui} = \sum_m \frac{w_m}{k + r_{uim}}

    with :math:`r_{uim}` the rank of the item in a person's list by modality m, from 1; equal scores share their mean
    rank. A modality that cannot score an item adds nothing for it. Source: Cormack, Clarke and Büttcher, "Reciprocal
    rank fusion outperforms Condorcet and individual rank learning methods" (SIGIR 2009).

    Parameters
    ----------
    scores : sequence of ndarray (n_people, n_items)
        One a modality; NaN where it cannot score an item.
    weights : sequence of float, optional
        One a modality, at least 0; default all alike.
    constant : float
        :math:`k`, at least 0: the larger, the less the first ranks stand out. The paper's is 60.

    Returns
    -------
    ndarray (n_people, n_items) of float64
        NaN where no modality could score.

    Raises
    ------
    ValueError
        If shapes, weights or the constant do not fit.

    Examples
    --------
    >>> reciprocal_ranks([np.array([[9.0, 5.0, np.nan]]), np.array([[0.1, 0.2, 0.3]])], constant=1.0).round(3).tolist()
    [[0.75, 0.667, 0.5]]
    """
    if not constant >= 0.0:
        raise ValueError(f"constant must be at least 0, not {constant}")
    stacked, weight = _checked(scores, weights)
    known = np.isfinite(stacked) & (weight > 0.0)
    ranks = rankdata(np.where(known, -stacked, np.inf), axis=2)
    fused = (weight * known / (constant + ranks)).sum(axis=0)
    return np.where(known.any(axis=0), fused, np.nan)


def _checked(scores: Sequence[np.ndarray], weights: Sequence[float] | None) -> tuple[np.ndarray, np.ndarray]:
    """Return scores (M, n_people, n_items) and weights (M, 1, 1)."""
    shapes = {np.shape(one) for one in scores}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise ValueError(f"scores must be one array (n_people, n_items) a modality, all alike, not {sorted(shapes)}")
    weight = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64)
    if weight.shape != (len(scores),) or not (weight >= 0.0).all() or not weight.sum() > 0.0:
        raise ValueError(f"weights must be at least 0, not all 0, one for each of {len(scores)}, not {weights}")
    return np.stack([np.asarray(one, dtype=np.float64) for one in scores]), weight[:, None, None]
