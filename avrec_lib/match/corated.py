"""Pearson's correlation between ratings with gaps: over what both rated, and trusted by how much that is."""

import numpy as np
from numpy.typing import ArrayLike

from avrec_lib.match.vectors import check_widths

__all__ = ["pearson_corated"]


def pearson_corated(
    queries: ArrayLike, items: ArrayLike, *, least_overlap: int = 2, shrinkage: float = 0.0
) -> np.ndarray:
    r"""Return Pearson's correlation over the coordinates that both vectors have.

    .. math:: r_{ab} = \frac{\sum_{j \in J} (a_j - \bar a_J)(b_j - \bar b_J)}
              {\sqrt{\sum_{j \in J} (a_j - \bar a_J)^2} \sqrt{\sum_{j \in J} (b_j - \bar b_J)^2}}, \qquad
              s_{ab} = \frac{|J|}{|J| + \lambda} \, r_{ab}

    with :math:`J` the coordinates present in both, over which the means are taken too, and :math:`\lambda` the
    shrinkage, which distrusts a likeness that rests on few. Source: Herlocker et al., "An algorithmic framework for
    performing collaborative filtering" (SIGIR 1999); the shrinkage: Bell and Koren (ICDM 2007).

    Parameters
    ----------
    queries, items : array_like (n, d) and (m, d)
        Ratings; NaN where there is none.
    least_overlap : int
        Pairs with fewer coordinates in common have correlation 0; at least 2, since two points fit any line and one
        fits all.
    shrinkage : float
        :math:`\lambda`, at least 0.

    Returns
    -------
    ndarray (n, m) of float32
        In [-1, 1]; 0 where either is constant over what they share.

    Raises
    ------
    ValueError
        If widths differ, a rating is infinite, or a parameter is out of range.

    Examples
    --------
    >>> gap = float("nan")
    >>> pearson_corated([[1.0, 2.0, 3.0, gap]], [[2.0, 4.0, 6.0, 1.0], [gap, gap, 1.0, 2.0]]).tolist()
    [[1.0, 0.0]]
    """
    if least_overlap < 2 or not 0.0 <= shrinkage < np.inf:
        raise ValueError(
            f"least_overlap must be at least 2 and shrinkage at least 0, not {least_overlap} and {shrinkage}"
        )
    ratings = [np.asarray(values, dtype=np.float64) for values in (queries, items)]
    for name, values in zip(("queries", "items"), ratings, strict=True):
        if values.ndim != 2:
            raise ValueError(f"{name} must have shape (n, d), not {values.shape}")
        if np.isinf(values).any():
            raise ValueError(f"row {int(np.argmax(np.isinf(values).any(axis=1)))} of {name} holds an infinite rating")
    check_widths(*ratings)
    present = [np.isfinite(values).astype(np.float64) for values in ratings]
    # A constant taken off a row changes nothing of the correlation, and keeps the sums of squares small.
    one, other = (_from_own_mean(values, here) for values, here in zip(ratings, present, strict=True))
    here, there = present
    count = here @ there.T
    few = np.maximum(count, 1.0)
    sums = one @ there.T, here @ other.T
    squares = (one**2) @ there.T, here @ (other**2).T
    together = one @ other.T - sums[0] * sums[1] / few
    spread = [square - total**2 / few for square, total in zip(squares, sums, strict=True)]
    # What is left of a variance of zero after rounding is no variance.
    varies = [left > 1e-12 * square for left, square in zip(spread, squares, strict=True)]
    known = varies[0] & varies[1] & (count >= least_overlap)
    below = np.sqrt(np.where(known, spread[0], 1.0)) * np.sqrt(np.where(known, spread[1], 1.0))
    correlation = np.where(known, np.clip(together / below, -1.0, 1.0), 0.0)
    return (correlation * count / np.maximum(count + shrinkage, 1.0)).astype(np.float32)


def _from_own_mean(ratings: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return ratings less the row's mean, 0 where there is none."""
    filled = np.where(present > 0.0, ratings, 0.0)
    means = filled.sum(axis=1) / np.maximum(present.sum(axis=1), 1.0)
    return (filled - means[:, None]) * present
