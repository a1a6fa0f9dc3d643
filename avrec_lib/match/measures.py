r"""Measures between vectors: how near each item is to each query.

All take ``queries`` (n, d) and ``items`` (m, d) and return (n, m) float32. A *similarity* is higher, a *distance*
lower, for what is nearer. Sums are in double precision. A missing or infinite number is refused, with its row.

Where a formula would divide by zero, the answer is 0, "not alike": the cosine with a vector of zeros, the correlation
with a constant vector, the Jaccard index of two empty sets. An answer of NaN would be sorted to the top of a list.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from avrec_lib.content.unit_rows import unit_rows
from avrec_lib.match.vectors import as_vectors, check_widths

__all__ = [
    "cosine",
    "euclidean",
    "from_distance",
    "inner_product",
    "jaccard",
    "mahalanobis",
    "pearson",
]


def inner_product(queries: ArrayLike, items: ArrayLike) -> np.ndarray:
    r"""Return the inner product :math:`\langle q, x \rangle = \sum_j q_j x_j`, a similarity in all real numbers.

    It grows with the length of an item's vector, so that long vectors stand in everybody's list.

    Parameters
    ----------
    queries, items : array_like (n, d) and (m, d)
        Vectors.

    Returns
    -------
    ndarray (n, m) of float32
        Similarities.

    Raises
    ------
    ValueError
        If widths differ or a row is not finite.
    """
    one, other = _pair(queries, items)
    return (one @ other.T).astype(np.float32)


def cosine(queries: ArrayLike, items: ArrayLike) -> np.ndarray:
    r"""Return the cosine :math:`\langle q, x \rangle / (\lVert q \rVert \lVert x \rVert)`, a similarity in [-1, 1].

    Parameters
    ----------
    queries, items : array_like (n, d) and (m, d)
        Vectors; with one of zeros the cosine is 0.

    Returns
    -------
    ndarray (n, m) of float32
        Similarities.

    Raises
    ------
    ValueError
        If widths differ or a row is not finite.

    Examples
    --------
    >>> cosine([[1.0, 0.0]], [[2.0, 0.0], [-3.0, 0.0], [0.0, 0.0]]).tolist()
    [[1.0, -1.0, 0.0]]
    """
    one, other = _pair(queries, items)
    return np.clip(unit_rows(one) @ unit_rows(other).T, -1.0, 1.0).astype(np.float32)


def pearson(queries: ArrayLike, items: ArrayLike) -> np.ndarray:
    r"""Return Pearson's correlation over the d coordinates: the cosine after each vector's own mean is taken off.

    It asks that coordinates can be averaged. Those of a vector of mixed features, a duration beside a colour, cannot:
    the one with the largest unit decides alone. Standardise the columns first. For ratings with gaps there is
    :func:`avrec_lib.match.corated.pearson_corated`.

    Parameters
    ----------
    queries, items : array_like (n, d) and (m, d)
        Vectors; with a constant one, such as every vector with d = 1, the correlation is 0.

    Returns
    -------
    ndarray (n, m) of float32
        Similarities in [-1, 1].

    Raises
    ------
    ValueError
        If widths differ or a row is not finite.
    """
    one, other = (_centred(vectors) for vectors in _pair(queries, items))
    return np.clip(unit_rows(one) @ unit_rows(other).T, -1.0, 1.0).astype(np.float32)


def euclidean(queries: ArrayLike, items: ArrayLike) -> np.ndarray:
    r"""Return the Euclidean *distance* :math:`\lVert q - x \rVert`, from 0 to infinity: the lowest is the nearest.

    Parameters
    ----------
    queries, items : array_like (n, d) and (m, d)
        Vectors.

    Returns
    -------
    ndarray (n, m) of float32
        Distances, in the unit of the coordinates. The absolute error is about 1e-8 of the largest distance from the
        items' mean, so that the distance of a vector from itself may be that instead of 0.

    Raises
    ------
    ValueError
        If widths differ or a row is not finite.
    """
    return _distances(*_pair(queries, items))


def mahalanobis(queries: ArrayLike, items: ArrayLike, covariance: ArrayLike) -> np.ndarray:
    r"""Return the Mahalanobis *distance* :math:`\sqrt{(q - x)^\top \Sigma^{-1} (q - x)}`: the lowest is the nearest.

    Steps in directions in which the data vary much count less, and correlated coordinates are not counted twice.

    Parameters
    ----------
    queries, items : array_like (n, d) and (m, d)
        Vectors.
    covariance : array_like (d, d)
        :math:`\Sigma`, such as that of the items of the training set; with few items take a shrunk one
        (:class:`sklearn.covariance.LedoitWolf`).

    Returns
    -------
    ndarray (n, m) of float32
        Distances, without unit.

    Raises
    ------
    ValueError
        If widths differ, a row is not finite, or the covariance is not symmetric and positive definite.
    """
    one, other = _pair(queries, items)
    sigma = np.asarray(covariance, dtype=np.float64)
    d = one.shape[1]
    if sigma.shape != (d, d) or not np.isfinite(sigma).all() or not np.allclose(sigma, sigma.T):
        raise ValueError(f"covariance must be a finite symmetric matrix of shape ({d}, {d})")
    try:
        root = cholesky(sigma, lower=True)
    except LinAlgError as error:
        raise ValueError(
            "covariance is not positive definite: a column is constant or follows from others, or there are fewer "
            "vectors than columns; leave columns out or shrink it"
        ) from error
    return _distances(*(solve_triangular(root, vectors.T, lower=True).T for vectors in (one, other)))


def jaccard(queries: ArrayLike, items: ArrayLike) -> np.ndarray:
    r"""Return the Jaccard index :math:`|A \cap B| / |A \cup B|` of two sets, a similarity in [0, 1].

    Parameters
    ----------
    queries, items : array_like of bool or of 0 and 1 (n, d) and (m, d)
        A row is a set: which of d tags, words or people it holds. Two empty sets have index 0.

    Returns
    -------
    ndarray (n, m) of float32
        Similarities.

    Raises
    ------
    ValueError
        If widths differ or an entry is neither 0 nor 1.
    """
    one, other = _pair(queries, items)
    for name, sets in (("queries", one), ("items", other)):
        if not np.isin(sets, (0.0, 1.0)).all():
            raise ValueError(f"{name} must hold only 0 and 1: say which entries count as present, such as x > 0")
    common = one @ other.T
    either = one.sum(axis=1)[:, None] + other.sum(axis=1) - common
    return np.divide(common, either, out=np.zeros_like(common), where=either > 0.0).astype(np.float32)


def from_distance(distances: ArrayLike, *, width: float | None = None) -> np.ndarray:
    r"""Turn distances into similarities in [0, 1]: :math:`1 / (1 + d)`, or :math:`e^{-d^2 / 2h^2}` with a width h.

    Either keeps the order, turned round; which one matters only where values are added up or cut by a threshold.

    Parameters
    ----------
    distances : array_like
        At least 0.
    width : float, optional
        h, in the unit of the distances, above 0.

    Returns
    -------
    ndarray of float32
        Of the same shape.

    Raises
    ------
    ValueError
        If a distance is negative or missing, or the width is not positive.

    Examples
    --------
    >>> from_distance([0.0, 1.0, 3.0]).tolist()
    [1.0, 0.5, 0.25]
    """
    values = np.asarray(distances, dtype=np.float64)
    if not (values >= 0.0).all():
        raise ValueError("distances must be at least 0 and not missing; a similarity is none")
    if width is None:
        return (1.0 / (1.0 + values)).astype(np.float32)
    if not width > 0.0:
        raise ValueError(f"width must be positive, not {width}")
    return np.exp(-0.5 * (values / width) ** 2).astype(np.float32)


def _pair(queries: ArrayLike, items: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    one, other = as_vectors(np.asarray(queries), "queries"), as_vectors(np.asarray(items), "items")
    check_widths(one, other)
    return one.astype(np.float64), other.astype(np.float64)


def _centred(vectors: np.ndarray) -> np.ndarray:
    """Take off each row's mean. Of a constant row nothing is left: sums of float32 are exact in double precision."""
    return vectors - vectors.mean(axis=1, keepdims=True)


def _distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    middle = other.mean(axis=0) if len(other) else np.zeros(one.shape[1])
    one, other = one - middle, other - middle
    squared = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2.0 * (one @ other.T)
    return np.sqrt(np.maximum(squared, 0.0)).astype(np.float32)
