"""Whether what was liked is scored above what was not, wherever the two stand."""

import numpy as np
import pandas as pd

__all__ = ["auc", "auc_by_group"]


def auc_by_group(scores: np.ndarray, liked: np.ndarray, groups: pd.Series | np.ndarray) -> pd.Series:
    r"""Return the area under the ROC curve of each group, such as each person.

    .. math:: \mathrm{AUC} = \frac{1}{n^+ n^-} \sum_{i \in + } \sum_{j \in -}
              \left( [s_i > s_j] + \tfrac12 [s_i = s_j] \right)

    computed from ranks (Mann and Whitney, 1947).

    Parameters
    ----------
    scores : ndarray (n,)
        Higher is better, none NaN.
    liked : ndarray (n,) of bool
        The truth.
    groups : Series or ndarray (n,)
        Whose each row is.

    Returns
    -------
    Series
        By group, sorted, in [0, 1]; groups with only liked or only other rows are left out: nothing can be compared.

    Raises
    ------
    ValueError
        If lengths differ or a score is NaN.
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(liked, dtype=bool)
    row, names = pd.factorize(np.asarray(groups), sort=True)
    if not values.shape == truth.shape == row.shape or np.isnan(values).any():
        raise ValueError(
            "scores, liked and groups must be of one length and free of NaN, "
            f"not {values.shape}, {truth.shape} and {row.shape}"
        )
    ranks = pd.Series(values).groupby(row).rank().to_numpy()
    n_liked = np.bincount(row, truth, minlength=len(names))
    n_others = np.bincount(row, ~truth, minlength=len(names))
    above = np.bincount(row, ranks * truth, minlength=len(names)) - n_liked * (n_liked + 1.0) / 2.0
    both = (n_liked > 0) & (n_others > 0)
    return pd.Series(above[both] / (n_liked * n_others)[both], index=pd.Index(names)[both], name="auc")


def auc(scores: np.ndarray, liked: np.ndarray) -> float:
    """Return the area under the ROC curve over all rows together.

    Pooled, it also rewards telling eager people from reserved ones, which no person's list needs: scores that only
    know how much a person likes on the whole can do well here, and are at one half in :func:`auc_by_group`.

    Parameters
    ----------
    scores : ndarray (n,)
        Higher is better, none NaN.
    liked : ndarray (n,) of bool
        The truth.

    Returns
    -------
    float
        In [0, 1]; NaN if all or none are liked.

    Raises
    ------
    ValueError
        As :func:`auc_by_group`.
    """
    found = auc_by_group(scores, liked, np.zeros(len(scores)))
    return float(found.iloc[0]) if len(found) else float("nan")
