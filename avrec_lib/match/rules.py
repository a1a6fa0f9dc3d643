"""What a platform's own rules take out of a list: too many of one creator, and weak matches."""

import numpy as np
import pandas as pd

__all__ = ["above_threshold", "at_most_per_group", "sweep_thresholds"]


def at_most_per_group(groups: np.ndarray, limit: int) -> np.ndarray:
    """Keep at most some of each group in each list, the first of it.

    Parameters
    ----------
    groups : ndarray (n, c)
        The group of each place of each list, best first: its creator, series or topic. Missing values (None, NaN)
        belong to no group and are kept.
    limit : int
        How many of a group may stay, at least 1.

    Returns
    -------
    ndarray (n, c) of bool
        True where the place stays. Rank again what is left, and take candidates enough that a list can still be filled.

    Raises
    ------
    ValueError
        If ``groups`` has not two axes or ``limit`` is below 1.

    Examples
    --------
    >>> at_most_per_group(np.array([["a", "a", "b", "a"]]), limit=2).tolist()
    [[True, True, True, False]]
    """
    groups = np.asarray(groups)
    if groups.ndim != 2 or limit < 1:
        raise ValueError(f"groups must have shape (n, c) and limit be at least 1, not {groups.shape} and {limit}")
    codes = pd.factorize(groups.ravel())[0].reshape(groups.shape)
    order = np.argsort(codes, axis=1, kind="stable")
    ordered = np.take_along_axis(codes, order, axis=1)
    places = np.broadcast_to(np.arange(groups.shape[1]), groups.shape)
    fresh = np.diff(ordered, axis=1, prepend=-2) != 0
    nth = places - np.maximum.accumulate(np.where(fresh, places, 0), axis=1)
    kept = np.empty(groups.shape, dtype=bool)
    np.put_along_axis(kept, order, (nth < limit) | (ordered < 0), axis=1)
    return kept


def above_threshold(places: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Cut from lists what matches too weakly to be shown.

    Parameters
    ----------
    places : ndarray (n, k) of int
        Items, best first; -1 for none.
    scores : ndarray (n, k)
        Their similarities; turn distances into similarities first.
    threshold : float
        The least similarity that is shown.

    Returns
    -------
    ndarray (n, k) of int
        The items, -1 where there is none or it was cut. A list can become empty.

    Raises
    ------
    ValueError
        If shapes differ or the threshold is not a number.
    """
    places, scores = np.asarray(places), np.asarray(scores)
    if places.shape != scores.shape or np.isnan(threshold):
        raise ValueError(f"places {places.shape} and scores {scores.shape} must agree, and threshold be a number")
    return np.where(scores >= threshold, places, -1)


def sweep_thresholds(scores: np.ndarray, relevant: np.ndarray, thresholds: np.ndarray) -> pd.DataFrame:
    """Say what each threshold costs and brings.

    Parameters
    ----------
    scores : ndarray (n, k)
        Similarities of the items in n lists; NaN for a gap.
    relevant : ndarray (n, k) of bool
        Whether the person wants the item.
    thresholds : ndarray (t,)
        The thresholds to try.

    Returns
    -------
    DataFrame
        One row a threshold, in the order given: ``threshold``; ``shown``, items that stay, per list; ``precision``,
        the wanted share of what stays (NaN where nothing does); ``kept``, the share of what is wanted in the lists
        that stays; ``empty``, the share of lists that become empty.

    Raises
    ------
    ValueError
        If shapes do not fit or a threshold is missing.
    """
    scores, cuts = np.asarray(scores, dtype=np.float64), np.asarray(thresholds, dtype=np.float64)
    relevant = np.asarray(relevant)
    if scores.ndim != 2 or relevant.shape != scores.shape or relevant.dtype != np.bool_:
        raise ValueError(f"scores {scores.shape} and relevant {relevant.shape} must be (n, k), the second of bool")
    if cuts.ndim != 1 or np.isnan(cuts).any():
        raise ValueError("thresholds must be a list of numbers")

    def at_least(values: np.ndarray) -> np.ndarray:
        return len(values) - np.searchsorted(np.sort(values), cuts, side="left")

    real = np.isfinite(scores)
    shown, hits = at_least(scores[real]), at_least(scores[real & relevant])
    best = np.where(real, scores, -np.inf).max(axis=1, initial=-np.inf)
    n = len(scores)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.DataFrame(
            {
                "threshold": cuts,
                "shown": shown / np.float64(n),
                "precision": hits / shown,
                "kept": hits / np.float64((real & relevant).sum()),
                "empty": 1.0 - at_least(best) / np.float64(n),
            }
        )
