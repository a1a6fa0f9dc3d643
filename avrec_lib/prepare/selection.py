"""Fewer columns: those that say nothing, those that say it twice, and those that say the most."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge, lasso_path
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import l1_min_c

__all__ = ["Projection", "near_constant", "pca", "redundant", "select_features", "selection_frequency"]


class Projection(NamedTuple):
    """What :func:`pca` returns.

    Attributes
    ----------
    scores : ndarray (n, d)
        The rows in the new axes.
    basis : ndarray (d, p)
        The axes, orthonormal; the entry of largest size in each is positive.
    explained : ndarray (d,)
        Share of the variance along each axis, in [0, 1], falling.
    mean : ndarray (p,)
        What was taken off: ``(new - mean) @ basis.T`` projects new rows.
    """

    scores: np.ndarray
    basis: np.ndarray
    explained: np.ndarray
    mean: np.ndarray


def _matrix(X: npt.ArrayLike) -> np.ndarray:
    values = np.asarray(X, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"X has shape (rows, columns), neither of them zero, got {values.shape}")
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(f"X[{row}, {column}] is {values[row, column]}; fill or drop absent values first")
    return values


def near_constant(X: npt.ArrayLike, *, share: float = 0.99) -> np.ndarray:
    """Mark columns in which almost all rows hold the same value.

    Parameters
    ----------
    X : array_like (n, p)
        Training rows.
    share : float
        From this share of equal values on a column counts as constant, in (0, 1].

    Returns
    -------
    ndarray of bool (p,)
        True for what can go.

    Raises
    ------
    ValueError
        If `X` is empty or holds absent values, or the share is out of range.
    """
    values = np.sort(_matrix(X), axis=0)
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share is in (0, 1], got {share}")
    # A value fills k rows of a sorted column if the entries k - 1 apart are equal anywhere.
    span = max(1, int(np.ceil(share * len(values) - 1e-9)))
    constant: np.ndarray = (values[span - 1 :] == values[: len(values) - span + 1]).any(axis=0)
    return constant


def redundant(X: npt.ArrayLike, *, threshold: float = 0.95) -> np.ndarray:
    """Mark columns that an earlier column already tells, up to a linear change.

    Parameters
    ----------
    X : array_like (n, p)
        Training rows.
    threshold : float
        Absolute Pearson correlation with a column that stays, from which on a column can go; in (0, 1].

    Returns
    -------
    ndarray of bool (p,)
        True for what can go. Constant columns correlate with nothing; see :func:`near_constant`.

    Raises
    ------
    ValueError
        If `X` is empty or holds absent values, or the threshold is out of range.
    """
    values = _matrix(X)
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold is in (0, 1], got {threshold}")
    centred = values - values.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    # What is left of a constant column is rounding, and may not be blown up to a signal.
    steady = length <= 1e-12 * np.maximum(np.abs(values).max(axis=0), 1e-300) * np.sqrt(len(values))
    unit = np.where(steady, 0.0, centred / np.where(steady, 1.0, length))
    close = np.abs(unit.T @ unit) >= threshold - 1e-12
    gone = np.zeros(values.shape[1], dtype=bool)
    for column in range(1, values.shape[1]):
        gone[column] = (close[column, :column] & ~gone[:column]).any()
    return gone


def select_features(
    X: npt.ArrayLike, y: npt.ArrayLike, *, k: int, method: str = "mutual_information", seed: int = 0
) -> np.ndarray:
    """Choose the `k` columns that tell most about a target.

    ``"mutual_information"`` judges each column alone. ``"l1"`` keeps the columns that enter a lasso first as its
    penalty falls; of two that say the same it keeps one. ``"permutation"`` fits a linear model on two thirds of the
    rows and counts how much worse it does on the others when a column is shuffled; equal rows, such as those of a
    bootstrap sample, stay on one side.

    Parameters
    ----------
    X : array_like (n, p)
        Training rows.
    y : array_like (n,)
        Target: a number, or a class where there are two values.
    k : int
        How many columns, 1 to p.
    method : str
        One of the three above.
    seed : int
        Of what is random in the first and the last.

    Returns
    -------
    ndarray of bool (p,)
        True for the chosen, exactly `k`.

    Raises
    ------
    ValueError
        If shapes do not fit, the target is constant, `k` or the method is unknown, or a class has too few different
        rows to stand on both sides of ``"permutation"``.
    """
    values, target = StandardScaler().fit_transform(_matrix(X)), np.asarray(y)
    if target.shape != (len(values),):
        raise ValueError(f"y has one target a row, shape ({len(values)},), got {target.shape}")
    classes = np.unique(target)
    if len(classes) < 2:
        raise ValueError(f"the target is always {classes[0]}; no column can tell anything about it")
    if not 1 <= k <= values.shape[1]:
        raise ValueError(f"k is a number of columns, 1 to {values.shape[1]}, got {k}")
    binary = len(classes) == 2
    if method == "mutual_information":
        score = mutual_info_classif if binary else mutual_info_regression
        worth = score(values, target, random_state=seed)
    elif method == "l1":
        worth = _order_of_entry(values, target == classes[1] if binary else target, binary)
    elif method == "permutation":
        held = _held_out(values, target, binary, seed)
        model = LogisticRegression(max_iter=1000) if binary else Ridge()
        model.fit(values[~held], target[~held])
        scoring = "roc_auc" if binary else "r2"
        worth = permutation_importance(
            model, values[held], target[held], scoring=scoring, n_repeats=5, random_state=seed
        ).importances_mean
    else:
        raise ValueError(f"method is mutual_information, l1 or permutation, not {method!r}")
    mask = np.zeros(values.shape[1], dtype=bool)
    mask[np.argsort(-worth, kind="stable")[:k]] = True
    return mask


def _held_out(values: np.ndarray, target: np.ndarray, binary: bool, seed: int) -> np.ndarray:
    """Mark about a third of the rows, (n,) bool; rows that are equal, target included, get the same mark."""
    code = np.unique(target, return_inverse=True)[1]
    different, place = np.unique(np.column_stack([values, code]), axis=0, return_inverse=True)
    of_class = different[:, -1] if binary else None
    if of_class is not None and min(np.unique(of_class, return_counts=True)[1]) < 2:
        raise ValueError("a class has a single row, or copies of one; it cannot be in training and held out too")
    held = train_test_split(np.arange(len(different)), test_size=1 / 3, random_state=seed, stratify=of_class)[1]
    mask: np.ndarray = np.isin(place.ravel(), held)
    return mask


def _order_of_entry(values: np.ndarray, target: np.ndarray, binary: bool) -> np.ndarray:
    """Return a score for each column, the higher the earlier it enters the lasso; size breaks ties."""
    if binary:
        strengths = l1_min_c(values, target) * np.geomspace(1.001, 1e3, 30)
        model = LogisticRegression(l1_ratio=1.0, solver="liblinear", tol=1e-4, random_state=0, warm_start=True)
        path = np.column_stack([model.set_params(C=c).fit(values, target).coef_[0] for c in strengths])
    else:
        path = lasso_path(values, target - target.mean(), alphas=50)[1]
    entered = path != 0.0
    first = np.where(entered.any(axis=1), entered.argmax(axis=1), path.shape[1])
    size = np.abs(path[:, -1])
    return -first + size / (1.0 + size.max() * 1.001)


def selection_frequency(
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    k: int,
    method: str = "mutual_information",
    repeats: int = 20,
    seed: int = 0,
) -> np.ndarray:
    """Repeat a selection on bootstrap samples of the rows, and count how often each column is chosen.

    A column that a selection owes to chance is chosen in some samples only.

    Parameters
    ----------
    X, y, k, method
        As for :func:`select_features`.
    repeats : int
        How many samples.
    seed : int
        Of the samples.

    Returns
    -------
    ndarray of float64 (p,)
        Shares in [0, 1], summing to `k`.

    Raises
    ------
    ValueError
        As :func:`select_features`, or if there is no repeat.
    """
    if repeats < 1:
        raise ValueError(f"repeats is a number of samples, at least 1, got {repeats}")
    values, target = _matrix(X), np.asarray(y)
    rng = np.random.default_rng([seed, 32])
    masks = []
    for repeat in range(repeats):
        rows = rng.integers(len(values), size=len(values))
        masks.append(select_features(values[rows], target[rows], k=k, method=method, seed=seed + repeat))
    return np.asarray(np.mean(masks, axis=0))


def pca(X: npt.ArrayLike, d: int) -> Projection:
    r"""Project rows onto the directions in which they vary most.

    .. math:: X - \bar x = U S V^\top, \qquad \text{scores} = U_d S_d, \qquad
              \text{explained}_j = s_j^2 / \textstyle\sum_i s_i^2

    Parameters
    ----------
    X : array_like (n, p)
        Training rows.
    d : int
        How many axes, 1 to min(n, p).

    Returns
    -------
    Projection
        Scores, axes, shares of variance, and the mean.

    Raises
    ------
    ValueError
        If `X` is empty, holds absent values, or all rows are equal, or `d` is out of range.
    """
    values = _matrix(X)
    if not 1 <= d <= min(values.shape):
        raise ValueError(f"d is a number of axes, 1 to {min(values.shape)}, got {d}")
    mean = values.mean(axis=0)
    left, sizes, right = np.linalg.svd(values - mean, full_matrices=False)
    total = np.square(sizes).sum()
    if total == 0.0:
        raise ValueError("all rows are equal; they vary in no direction")
    # The sign of an axis is arbitrary; fixing it makes results repeatable across machines.
    sign = np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])
    scores, basis = left * sizes * sign, right * sign[:, None]
    return Projection(scores[:, :d], basis[:d], (np.square(sizes) / total)[:d], mean)
