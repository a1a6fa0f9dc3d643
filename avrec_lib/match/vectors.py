"""What every measure and index asks of its vectors: two axes, one width, finite numbers."""

import numpy as np

__all__ = ["as_vectors", "check_widths"]

_LARGEST = 1e18  # so that the product of two entries, summed, still is a float32


def as_vectors(vectors: np.ndarray, name: str) -> np.ndarray:
    """Return vectors as contiguous float32, or say which row cannot be one.

    Parameters
    ----------
    vectors : array_like (n, d)
        Numbers, d at least 1.
    name : str
        What messages call them.

    Returns
    -------
    ndarray (n, d) of float32
        The same memory where nothing had to be converted.

    Raises
    ------
    ValueError
        If there are not two axes, no column, or an entry is missing, infinite or beyond 1e18 in size.
    """
    matrix = np.ascontiguousarray(vectors, dtype=np.float32)
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise ValueError(f"{name} must have shape (n, d) with d at least 1, not {matrix.shape}")
    # One sum of squares a row shows NaN, infinity and size at once, without a second array of that shape.
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("nd,nd->n", matrix, matrix)
    broken = ~(squares < _LARGEST**2)
    if broken.any():
        raise ValueError(
            f"row {int(np.argmax(broken))} of {name} ({broken.sum()} rows in all) is not finite or is longer than "
            f"{_LARGEST:g}; leave out what was not measured (present = False) before comparing"
        )
    return matrix


def check_widths(queries: np.ndarray, items: np.ndarray) -> None:
    """Refuse queries and items that do not live in the same space.

    Parameters
    ----------
    queries, items : ndarray (n, d) and (m, d)
        Vectors.

    Raises
    ------
    ValueError
        If their widths differ.
    """
    if queries.shape[1] != items.shape[1]:
        raise ValueError(
            f"queries have {queries.shape[1]} columns and items {items.shape[1]}; they must lie in the same space"
        )
