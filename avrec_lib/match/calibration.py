"""Lists whose mix of kinds is that of the person's past: calibrated recommendation."""

import numpy as np

__all__ = ["calibrate", "kind_shares", "miscalibration"]


def kind_shares(kinds: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    r"""Return the mix of kinds in lists of items: :math:`p(g|u) = \sum_i w_i \, p(g|i) / \sum_i w_i`.

    Parameters
    ----------
    kinds : ndarray (n, c, g)
        How much each of c items belongs to each of g kinds; at least 0.
    weights : ndarray (n, c), optional
        What each item counts, at least 0; 0 or NaN for no item. Default 1.

    Returns
    -------
    ndarray (n, g) of float64
        Shares that sum to 1 in each row; a row of zeros where nothing counts.

    Raises
    ------
    ValueError
        If shapes do not fit or a number is negative.
    """
    kinds = _as_kinds(kinds)
    worth = np.ones(kinds.shape[:2]) if weights is None else np.nan_to_num(np.asarray(weights, np.float64), nan=0.0)
    if worth.shape != kinds.shape[:2] or (worth < 0.0).any():
        raise ValueError(f"weights must be at least 0 and of shape {kinds.shape[:2]}, not {worth.shape}")
    return _shares(np.einsum("nc,ncg->ng", worth, _shares(kinds)))


def miscalibration(target: np.ndarray, shares: np.ndarray, *, blur: float = 0.01) -> np.ndarray:
    r"""Return how far the mix of a list is from the one wanted, the Kullback-Leibler divergence.

    .. math:: C_{KL}(p, q) = \sum_g p(g|u) \log \frac{p(g|u)}{\tilde q(g|u)}, \qquad
              \tilde q = (1 - \alpha) q + \alpha p

    with the small :math:`\alpha` keeping it finite. Source: Steck, "Calibrated recommendations" (RecSys 2018), section
    3, equation 3.

    Parameters
    ----------
    target : ndarray (..., g)
        :math:`p`, shares that sum to 1.
    shares : ndarray (..., g)
        :math:`q`, shares that sum to 1, or zeros for an empty list.
    blur : float
        :math:`\alpha`, above 0 and below 1.

    Returns
    -------
    ndarray (...)
        In nats, at least 0; 0 where the mixes are equal.

    Raises
    ------
    ValueError
        If ``blur`` is out of range.
    """
    if not 0.0 < blur < 1.0:
        raise ValueError(f"blur must be above 0 and below 1, not {blur}")
    target, shares = np.asarray(target, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    mixed = (1.0 - blur) * shares + blur * target
    ratio = np.divide(target, mixed, out=np.ones_like(mixed), where=(target > 0.0) & (mixed > 0.0))
    return np.asarray((target * np.log(ratio)).sum(axis=-1))


def calibrate(
    scores: np.ndarray,
    kinds: np.ndarray,
    target: np.ndarray,
    k: int,
    *,
    trade_off: float = 0.5,
    blur: float = 0.01,
) -> np.ndarray:
    r"""Choose k of each person's candidates, so that scores are high and the mix of kinds is the one wanted.

    .. math:: I^* = \arg\max_{|I| = k} \; (1 - \lambda) \sum_{i \in I} s_{ui} - \lambda \, C_{KL}(p, q(I))

    found greedily, one item a step, each step for all people at once. Source: Steck, "Calibrated recommendations"
    (RecSys 2018), section 4, equation 4.

    Parameters
    ----------
    scores : ndarray (n, c)
        Of c candidates for each of n people; NaN or minus infinity where there is none.
    kinds : ndarray (n, c, g)
        How much each candidate belongs to each of g kinds (genres, topics, languages); at least 0.
    target : ndarray (n, g)
        The mix wanted, such as :func:`kind_shares` of a person's history.
    k : int
        Length of a list, at least 1.
    trade_off : float
        :math:`\lambda`, from 0 (by score alone) to 1 (by mix alone).
    blur : float
        As in :func:`miscalibration`.

    Returns
    -------
    ndarray (n, k) of int64
        Columns of ``scores`` in the order in which they were chosen; -1 where there are fewer than k. Of equals the
        first is chosen.

    Raises
    ------
    ValueError
        If shapes do not fit, a score is infinite, a number is negative or a parameter is out of range.
    """
    scores, kinds, target = np.asarray(scores, dtype=np.float64), _as_kinds(kinds), np.asarray(target, np.float64)
    n, c, g = kinds.shape
    if scores.shape != (n, c) or target.shape != (n, g):
        raise ValueError(
            f"scores and target must have shapes {(n, c)} and {(n, g)}, not {scores.shape} and {target.shape}"
        )
    if k < 1 or not 0.0 <= trade_off <= 1.0:
        raise ValueError(f"k must be at least 1 and trade_off in [0, 1], not {k} and {trade_off}")
    if not (target >= 0.0).all() or (scores == np.inf).any():
        raise ValueError("a share of target is negative or missing, or a score is infinite")
    open_to, kinds, target = np.isfinite(scores), _shares(kinds), _shares(target)
    worth = np.where(open_to, scores, 0.0)
    chosen, places, people = np.zeros((n, g)), np.full((n, k), -1), np.arange(n)
    for step in range(min(k, c)):
        mixes = _shares(chosen[:, None, :] + kinds)
        gain = (1.0 - trade_off) * worth - trade_off * miscalibration(target[:, None, :], mixes, blur=blur)
        best = np.where(open_to, gain, -np.inf).argmax(axis=1)
        some = open_to[people, best]
        places[some, step] = best[some]
        chosen[some] += kinds[people, best][some]
        open_to[people, best] = False
    return places


def _as_kinds(kinds: np.ndarray) -> np.ndarray:
    kinds = np.asarray(kinds, dtype=np.float64)
    if kinds.ndim != 3 or not (kinds >= 0.0).all():
        raise ValueError(f"kinds must be at least 0, not missing, and of shape (n, c, g), not {kinds.shape}")
    return kinds


def _shares(amounts: np.ndarray) -> np.ndarray:
    """Divide by the sum over the last axis; zeros stay."""
    total = amounts.sum(axis=-1, keepdims=True)
    return np.divide(amounts, total, out=np.zeros_like(amounts), where=total > 0.0)
