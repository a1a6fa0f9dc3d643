"""The best k of many scores, for many people at once."""

import numpy as np
from scipy import sparse

__all__ = ["check_exclude", "top_k"]

_BLOCK = 4_000_000  # scores held in a working copy at a time: 16 MB of float32


def top_k(
    scores: np.ndarray,
    k: int,
    *,
    exclude: np.ndarray | sparse.csr_matrix | None = None,
    candidates: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the k best columns of each row, best first.

    .. math:: L_u^k = \operatorname{top-}k_{\, i \notin H_u} \; s_{ui}

    Equal scores stand in the order of their columns, so that the answer does not depend on the
    machine or on the algorithm. A score that is NaN or minus infinity is never returned.

    Parameters
    ----------
    scores : ndarray (n, m)
        Scores of m items for each of n people.
    k : int
        How many to return, at least 1.
    exclude : ndarray of bool (n, m) or sparse matrix (n, m), optional
        What may not be returned, :math:`H_u`: the true entries, or the stored ones of a sparse matrix.
    candidates : ndarray of bool (m,), optional
        Which items may be returned to anybody; default all.

    Returns
    -------
    columns : ndarray (n, k) of int64
        Column numbers; -1 where a row has fewer than k that may be returned.
    values : ndarray (n, k)
        Their scores, of the type of ``scores``; NaN where the column is -1.

    Raises
    ------
    ValueError
        If ``k`` is below 1, the shapes do not fit, or a dense ``exclude`` is not of bool: numbers could be meant as
        row numbers.

    Examples
    --------
    >>> columns, values = top_k(np.array([[0.1, 0.9, 0.9, np.nan]]), k=2)
    >>> columns.tolist(), values.tolist()
    ([[1, 2]], [[0.9, 0.9]])
    """
    scores = np.asarray(scores)
    if scores.ndim != 2:
        raise ValueError(f"scores must have shape (n_people, n_items), not {scores.shape}")
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    hidden = check_exclude(exclude, scores.shape)
    n, m = scores.shape
    if candidates is not None:
        candidates = np.asarray(candidates)
        if candidates.shape != (m,) or candidates.dtype != np.bool_:
            raise ValueError(f"candidates must be bool of shape ({m},), not {candidates.dtype} of {candidates.shape}")
    kind = np.promote_types(scores.dtype, np.float32)
    columns = np.full((n, k), -1, dtype=np.int64)
    values = np.full((n, k), np.nan, dtype=kind)
    if m == 0:
        return columns, values
    step = max(1, _BLOCK // m)
    for start in range(0, n, step):
        block = scores[start : start + step].astype(kind)
        np.copyto(block, -np.inf, where=np.isnan(block))
        if candidates is not None:
            block[:, ~candidates] = -np.inf
        if isinstance(hidden, sparse.csr_matrix):
            part = hidden[start : start + step]
            block[np.repeat(np.arange(len(block)), np.diff(part.indptr)), part.indices] = -np.inf
        elif hidden is not None:
            block[hidden[start : start + step]] = -np.inf
        found, best = _top_of_block(block, min(k, m))
        columns[start : start + step, : found.shape[1]] = found
        values[start : start + step, : found.shape[1]] = best
    return columns, values


def check_exclude(
    exclude: np.ndarray | sparse.spmatrix | None, shape: tuple[int, int]
) -> np.ndarray | sparse.csr_matrix | None:
    """Return what may not be returned, or say what is wrong with it.

    Parameters
    ----------
    exclude : ndarray of bool (n, m) or sparse matrix (n, m), optional
        The true entries, or the stored ones of a sparse matrix, zeros among them.
    shape : tuple of int
        (n, m).

    Returns
    -------
    ndarray of bool, csr_matrix or None
        The same.

    Raises
    ------
    ValueError
        If the shape does not fit, or a dense array is not of bool.
    """
    if exclude is None:
        return None
    if not sparse.issparse(exclude):
        exclude = np.asarray(exclude)
    if exclude.shape != shape:
        raise ValueError(f"exclude has shape {exclude.shape}, not {shape}, one row a person and one column an item")
    if sparse.issparse(exclude):
        return sparse.csr_matrix(exclude)
    if exclude.dtype != np.bool_:
        raise ValueError(f"exclude must be of bool or a sparse matrix, not {exclude.dtype}; say which, as in taken > 0")
    return exclude


def _top_of_block(block: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k best of each row of scores that are free of NaN."""
    n, m = block.shape
    if k < m:
        threshold = np.partition(block, m - k, axis=1)[:, m - k, None]
        chosen = block > threshold
        at_threshold = block == threshold
        room = k - chosen.sum(axis=1)
        crowded = at_threshold.sum(axis=1) > room
        # Only where more stand at the threshold than fit does the order of columns decide.
        rank = np.cumsum(at_threshold[crowded], axis=1)
        at_threshold[crowded] &= rank <= room[crowded, None]
        chosen |= at_threshold
        columns = np.nonzero(chosen)[1].reshape(n, k)
    else:
        columns = np.broadcast_to(np.arange(m), (n, m))
    values = np.take_along_axis(block, columns, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    columns = np.take_along_axis(columns, order, axis=1).astype(np.int64)
    values = np.take_along_axis(values, order, axis=1)
    impossible = values == -np.inf
    columns[impossible] = -1
    values[impossible] = np.nan
    return columns, values
