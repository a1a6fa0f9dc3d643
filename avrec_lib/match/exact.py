"""The k nearest of very many vectors, exactly, without ever holding all scores."""

from collections.abc import Iterator
from typing import Literal, TypeAlias, get_args

import numpy as np
from scipy import sparse

from avrec_lib.content.unit_rows import SHORTEST, unit_rows
from avrec_lib.match.top_k import check_exclude
from avrec_lib.match.vectors import as_vectors, check_widths

__all__ = ["Metric", "check_metric", "nearest", "scan"]

Metric: TypeAlias = Literal["cosine", "inner", "euclidean"]
"""How two vectors are compared: ``cosine``, ``inner`` (product) or ``euclidean`` (distance)."""

_QUERIES = 1024  # in one product
_SCORES = 8_000_000  # held at a time: 32 MB of float32
_ITEMS = 65_536  # most in one block
_PAIRS = 262_144  # compared one by one at a time
_NONE = np.iinfo(np.int64).max  # the column of an empty place: it sorts last


def check_metric(metric: str) -> None:
    """Refuse the name of an unknown metric.

    Parameters
    ----------
    metric : str
        One of :data:`Metric`.

    Raises
    ------
    ValueError
        If it is not.
    """
    if metric not in get_args(Metric):
        raise ValueError(f"metric must be one of {', '.join(get_args(Metric))}, not {metric!r}")


def nearest(
    queries: np.ndarray,
    items: np.ndarray,
    k: int,
    *,
    metric: Metric = "cosine",
    candidates: np.ndarray | None = None,
    exclude: np.ndarray | sparse.spmatrix | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the k items nearest to each query, the nearest first.

    Scores come from products of blocks; those that may belong to a list are computed once more, pair by pair in
    double precision, and ordered by that. So neither the sizes of blocks nor the machine's way to multiply matrices
    changes a list, two equal vectors have equal scores, and equal scores stand in the order of their rows.

    Parameters
    ----------
    queries : array_like (n, d)
        Vectors.
    items : array_like (m, d)
        Vectors; as float32 they are read where they lie.
    k : int
        How many, at least 1.
    metric : {"cosine", "inner", "euclidean"}
        The cosine with a vector of zeros is 0.
    candidates : ndarray of bool (m,), optional
        Which items may be returned.
    exclude : ndarray of bool or sparse matrix (n, m), optional
        What may not be returned to each: the true entries, or the stored ones of a sparse matrix.

    Returns
    -------
    columns : ndarray (n, k) of int64
        Rows of ``items``; -1 where there are fewer than k.
    scores : ndarray (n, k) of float32
        Higher is nearer: the cosine, the product, or *minus* the Euclidean distance. NaN where the column is -1.

    Raises
    ------
    ValueError
        If shapes do not fit, a vector is not finite, or a dense ``exclude`` is not of bool.

    Examples
    --------
    >>> columns, scores = nearest([[1.0, 0.0]], [[0.0, 1.0], [2.0, 0.0], [5.0, 0.0]], k=2)
    >>> columns.tolist(), scores.tolist()
    ([[1, 2]], [[1.0, 1.0]])
    """
    check_metric(metric)
    queries, items = as_vectors(queries, "queries"), as_vectors(items, "items")
    check_widths(queries, items)
    columns = _columns(k, len(items), candidates)
    exclude = check_exclude(exclude, (len(queries), len(items)))
    squares = np.einsum("md,md->m", items, items)
    return scan(queries, items, squares, k, metric, slice(None) if candidates is None else columns, exclude)


def scan(
    queries: np.ndarray,
    items: np.ndarray,
    squares: np.ndarray,
    k: int,
    metric: Metric,
    columns: np.ndarray | slice,
    exclude: np.ndarray | sparse.spmatrix | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Do what :func:`nearest` does on vectors that were checked, with the squared lengths of items (m,) at hand.

    ``columns`` are the items to look at: ascending rows, or a slice.
    """
    found, best = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32)
    for rows in _slices(len(queries), _QUERIES):
        lists = _scan_block(queries[rows], items, squares, k, metric, columns, _Hidden(exclude, rows))
        found[rows], best[rows] = lists.columns, lists.scores
    if metric == "euclidean":
        best = -np.sqrt(-best)
    return _with_gaps(found, best)


def _scan_block(
    queries: np.ndarray,
    items: np.ndarray,
    squares: np.ndarray,
    k: int,
    metric: Metric,
    columns: np.ndarray | slice,
    hidden: "_Hidden",
) -> "_Lists":
    n, d = queries.shape
    lists = _Lists(n, k)
    lengths = np.sqrt(np.einsum("nd,nd->n", queries, queries, dtype=np.float64))
    left = {"cosine": unit_rows(queries), "inner": queries, "euclidean": np.float32(2.0) * queries}[metric]
    # Approximate scores of the Euclidean metric are 2qx - xx, the exact ones -(q - x)^2: they differ by qq.
    lift = lengths[:, None] ** 2 if metric == "euclidean" else np.zeros((n, 1))
    rounding = 2.0 * (d + 4) * np.finfo(np.float32).eps  # twice the bound on a product's error, Higham (2002), 3.1
    count = len(range(*columns.indices(len(items)))) if isinstance(columns, slice) else len(columns)
    for part in _slices(count, max(1, min(_ITEMS, _SCORES // n))):
        taken = np.arange(part.start, part.stop) if isinstance(columns, slice) else columns[part]
        block, square = (items[part], squares[part]) if isinstance(columns, slice) else (items[taken], squares[taken])
        scores = left @ block.T
        longest = np.sqrt(float(square.max(initial=0.0)))
        if metric == "cosine":
            scores *= np.divide(1.0, np.sqrt(square), out=np.zeros_like(square), where=square >= SHORTEST**2)
            slack = np.full((n, 1), rounding)
        elif metric == "euclidean":
            scores -= square
            slack = rounding * (lengths[:, None] + longest) ** 2
        else:
            slack = rounding * lengths[:, None] * longest
        hidden.hide(scores, taken)
        least = (lists.scores[:, -1:] + lift - slack).astype(np.float32)
        hits = _hits(scores, least, slack, k)
        row, column = np.divmod(hits, len(taken))
        lists.add(row, taken[column], _pairwise(queries, items, row, taken[column], metric))
    return lists


def _hits(scores: np.ndarray, least: np.ndarray, slack: np.ndarray, k: int) -> np.ndarray:
    """Return flat places of scores that may belong to the k best, given what the lists hold already."""
    n, b = scores.shape
    promising = scores >= least if np.isfinite(least).all() else None
    if promising is None or np.count_nonzero(promising) > 8 * k * n:
        # Too many to compare one by one: what is below the k-th of this block cannot be among the best either.
        within = np.partition(scores, b - k, axis=1)[:, b - k, None] if k < b else np.full((n, 1), -np.inf)
        promising = (scores >= np.maximum(least, (within - slack).astype(np.float32))) & (scores > -np.inf)
    return np.flatnonzero(promising)


def _pairwise(
    queries: np.ndarray, items: np.ndarray, row: np.ndarray, column: np.ndarray, metric: Metric
) -> np.ndarray:
    """Return the scores of pairs (p,), each by one sum in double precision, whatever stands beside it."""
    scores = np.empty(len(row), np.float32)
    for part in _slices(len(row), _PAIRS):
        one, other = queries[row[part]].astype(np.float64), items[column[part]].astype(np.float64)
        if metric == "euclidean":
            apart = one - other
            scores[part] = -np.einsum("pd,pd->p", apart, apart)
            continue
        product = np.einsum("pd,pd->p", one, other)
        if metric == "cosine":
            lengths = [np.sqrt(np.einsum("pd,pd->p", vectors, vectors)) for vectors in (one, other)]
            measured = (lengths[0] >= SHORTEST) & (lengths[1] >= SHORTEST)
            product = np.divide(product, lengths[0] * lengths[1], out=np.zeros_like(product), where=measured)
        scores[part] = product
    return scores


class _Lists:
    """The best k so far of each of n queries, best first."""

    def __init__(self, n: int, k: int) -> None:
        self.columns = np.full((n, k), _NONE)
        self.scores = np.full((n, k), -np.inf, np.float32)

    def add(self, row: np.ndarray, column: np.ndarray, score: np.ndarray) -> None:
        """Take in candidates, p of each, ``row`` ascending."""
        if not len(row):
            return
        k = self.columns.shape[1]
        met = row[np.flatnonzero(np.diff(row, prepend=-1))]
        rows = np.concatenate([np.repeat(met, k), row])
        columns = np.concatenate([self.columns[met].ravel(), column])
        scores = np.concatenate([self.scores[met].ravel(), score])
        order = np.lexsort([columns, -scores, rows])
        first = np.searchsorted(rows[order], met)
        kept = order[first[:, None] + np.arange(k)]
        self.columns[met], self.scores[met] = columns[kept], scores[kept]


class _Hidden:
    """What may not be returned to some of the queries."""

    def __init__(self, exclude: np.ndarray | sparse.spmatrix | None, rows: slice) -> None:
        self.columns = None if exclude is None else sparse.csc_matrix(sparse.csr_matrix(exclude)[rows])

    def hide(self, scores: np.ndarray, taken: np.ndarray) -> None:
        """Put minus infinity into a block of scores (n, b) of the items ``taken`` (b,)."""
        if self.columns is not None:
            part = self.columns[:, taken]
            scores[part.indices, np.repeat(np.arange(len(taken)), np.diff(part.indptr))] = -np.inf


def _columns(k: int, m: int, candidates: np.ndarray | None) -> np.ndarray:
    """Check how many are sought and where, and return the rows of items to look at."""
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if candidates is None:
        return np.arange(m)
    candidates = np.asarray(candidates)
    if candidates.shape != (m,) or candidates.dtype != np.bool_:
        raise ValueError(f"candidates must be bool of shape ({m},), not {candidates.dtype} of {candidates.shape}")
    return np.flatnonzero(candidates)


def _slices(count: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def _with_gaps(columns: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mark empty places as -1 and NaN."""
    empty = columns == _NONE
    columns[empty], scores[empty] = -1, np.nan
    return columns, scores
