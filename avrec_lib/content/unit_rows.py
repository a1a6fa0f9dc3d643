"""Vectors without their lengths: rows scaled to length 1, and which have no direction at all."""

import numpy as np

__all__ = ["SHORTEST", "unit_rows"]

SHORTEST = 1e-18
"""A vector that is shorter counts as a vector of zeros: its direction is lost in float32."""


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Scale rows to length 1; a row of zeros, or shorter than :data:`SHORTEST`, becomes zeros.

    Parameters
    ----------
    rows : ndarray (n, d)
        Any finite numbers.

    Returns
    -------
    ndarray (n, d)
        Of the type of ``rows``.

    Examples
    --------
    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths >= SHORTEST)
