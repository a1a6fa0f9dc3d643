"""A similarity learnt from who took what: bilinear, in closed form, between spaces that need not be the same."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from avrec_lib.match.vectors import as_vectors

__all__ = ["BilinearSimilarity"]


class BilinearSimilarity(BaseEstimator):
    r"""Score a query and an item by :math:`s(q, x) = q^\top W x`, with W fitted to what was taken.

    .. math:: W = (Q^\top Q + \gamma I)^{-1} \, Q^\top Y X \, (X^\top X + \lambda I)^{-1}

    minimises :math:`\lVert Q W X^\top - Y \rVert^2` and the penalties :math:`\gamma \lVert W X^\top \rVert^2`,
    :math:`\lambda \lVert Q W \rVert^2` and :math:`\gamma \lambda \lVert W \rVert^2`, all in the Frobenius norm. With W
    the identity the score is the inner product; a learnt W weighs directions, and joins what occurs together though it
    looks unlike. An entry of Y that is not stored counts as 0, "not taken". Source: Romera-Paredes and Torr, "An
    embarrassingly simple approach to zero-shot learning" (ICML 2015), section 3.2.

    Parameters
    ----------
    query_penalty, item_penalty : float
        :math:`\gamma` and :math:`\lambda`, above 0, in squared units of the queries and of the items.

    Attributes
    ----------
    weights_ : ndarray (d, e) of float32
        W.
    """

    def __init__(self, query_penalty: float = 1.0, item_penalty: float = 1.0) -> None:
        self.query_penalty = query_penalty
        self.item_penalty = item_penalty

    def fit(self, queries: ArrayLike, items: ArrayLike, taken: sparse.spmatrix | ArrayLike) -> Self:
        """Learn the weights.

        Parameters
        ----------
        queries : array_like (n, d)
            Vectors of people, or of the items from which others are sought.
        items : array_like (m, e)
            Vectors of items; another width is allowed.
        taken : sparse matrix or array_like (n, m)
            Y: how much each query wants each item, 0 where nothing is known.

        Returns
        -------
        BilinearSimilarity
            Itself.

        Raises
        ------
        ValueError
            If shapes do not fit, something is not finite, or a penalty is not positive.
        """
        if not (self.query_penalty > 0.0 and self.item_penalty > 0.0):
            raise ValueError(f"penalties must be positive, not {self.query_penalty} and {self.item_penalty}")
        one, other = (
            as_vectors(np.asarray(vectors), name).astype(np.float64)
            for vectors, name in ((queries, "queries"), (items, "items"))
        )
        wanted = sparse.csr_matrix(taken, dtype=np.float64)
        if wanted.shape != (len(one), len(other)) or not np.isfinite(wanted.data).all():
            raise ValueError(f"taken must be finite and of shape {(len(one), len(other))}, not {wanted.shape}")
        left = one.T @ one + self.query_penalty * np.eye(one.shape[1])
        right = other.T @ other + self.item_penalty * np.eye(other.shape[1])
        half = linalg.solve(left, one.T @ (wanted @ other), assume_a="pos")
        self.weights_ = linalg.solve(right, half.T, assume_a="pos").T.astype(np.float32)
        return self

    def __call__(self, queries: ArrayLike, items: ArrayLike) -> np.ndarray:
        """Return the similarities.

        Parameters
        ----------
        queries, items : array_like (n, d) and (m, e)
            Vectors, of the widths that were fitted.

        Returns
        -------
        ndarray (n, m) of float32
            Similarities; higher is nearer.

        Raises
        ------
        ValueError
            If a width differs or a row is not finite.
        """
        return self.project(queries) @ self._items(items).T

    def project(self, queries: ArrayLike) -> np.ndarray:
        r"""Bring queries into the space of the items, where their inner product is the similarity.

        An index of the items' own vectors with the metric ``inner`` is then searched with what comes back.

        Parameters
        ----------
        queries : array_like (n, d)
            Vectors.

        Returns
        -------
        ndarray (n, e) of float32
            :math:`q^\top W`.

        Raises
        ------
        ValueError
            If the width differs or a row is not finite.
        """
        if not hasattr(self, "weights_"):
            raise NotFittedError("call fit before asking BilinearSimilarity anything")
        matrix = as_vectors(np.asarray(queries), "queries")
        if matrix.shape[1] != len(self.weights_):
            raise ValueError(f"queries have {matrix.shape[1]} columns, those of fit had {len(self.weights_)}")
        return np.asarray(matrix @ self.weights_)

    def _items(self, items: ArrayLike) -> np.ndarray:
        matrix = as_vectors(np.asarray(items), "items")
        if matrix.shape[1] != self.weights_.shape[1]:
            raise ValueError(f"items have {matrix.shape[1]} columns, those of fit had {self.weights_.shape[1]}")
        return matrix
