"""How much of the exact answer an approximate search finds."""

import numpy as np
import pandas as pd

__all__ = ["recall"]


def recall(found: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Return, list by list, the share of the exact neighbours that were found.

    Parameters
    ----------
    found : ndarray (n, k)
        Ids that a search returned; None for a gap.
    exact : ndarray (n, j)
        Ids that are right.

    Returns
    -------
    ndarray (n,) of float64
        In [0, 1]; NaN where there is no right id.

    Raises
    ------
    ValueError
        If there are not as many lists of one as of the other.

    Examples
    --------
    >>> recall(np.array([["a", "c"]]), np.array([["a", "b"]])).tolist()
    [0.5]
    """
    found, exact = np.asarray(found, dtype=object), np.asarray(exact, dtype=object)
    if found.ndim != 2 or exact.ndim != 2 or len(found) != len(exact):
        raise ValueError(f"found and exact must have as many rows, not {found.shape} and {exact.shape}")
    codes, _ = pd.factorize(np.concatenate([found.ravel(), exact.ravel()]))  # None becomes -1
    one, other = codes[: found.size].reshape(found.shape), codes[found.size :].reshape(exact.shape)
    real = other >= 0
    hits = ((one[:, :, None] == other[:, None, :]).any(axis=1) & real).sum(axis=1)
    count = real.sum(axis=1)
    return np.divide(hits, count, out=np.full(len(hits), np.nan), where=count > 0)
