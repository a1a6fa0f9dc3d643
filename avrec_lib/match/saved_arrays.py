"""What a saved index may hold: each number and array is checked before anything is built from it."""

import numpy as np
from numpy.typing import DTypeLike

from avrec_lib.match.exact import Metric
from avrec_lib.match.vectors import as_vectors

__all__ = ["take_array", "take_vectors", "whole_number"]

_UNIT = 1e-3  # how far from 1 rounding may take the length of a unit vector


def whole_number(value: object, name: str, least: int, most: int) -> int:
    """Return a whole number within bounds, or say what it should be.

    Parameters
    ----------
    value : object
        What was given.
    name : str
        What messages call it.
    least, most : int
        Bounds, themselves allowed.

    Returns
    -------
    int
        The number.

    Raises
    ------
    ValueError
        If it is none, or out of bounds.
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and least <= value <= most:
        return int(value)
    raise ValueError(f"{name} must be a whole number from {least} to {most:,}, not {value!r:.40}")


def take_array(arrays: dict[str, np.ndarray], name: str, dtype: DTypeLike, shape: tuple[int | None, ...]) -> np.ndarray:
    """Take an array of a saved index out of the others, if it is what it should be.

    Parameters
    ----------
    arrays : dict of str to ndarray
        What a file holds; the array is removed from it.
    name : str
        Which.
    dtype : dtype
        Its type, exactly.
    shape : tuple of int or None
        Its shape; None where any length will do.

    Returns
    -------
    ndarray
        The array; floating-point numbers are finite.

    Raises
    ------
    ValueError
        If it is missing or differs.
    """
    array = arrays.pop(name, None)
    fits = array is not None and array.ndim == len(shape)
    if (
        array is None
        or not fits
        or array.dtype != dtype
        or any(wanted is not None and wanted != has for wanted, has in zip(shape, array.shape, strict=True))
    ):
        found = "is missing" if array is None else f"is {array.dtype} of {array.shape}"
        raise ValueError(f"the array {name} {found}, not {np.dtype(dtype)} of {shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"the array {name} is not finite")
    return array


def take_vectors(arrays: dict[str, np.ndarray], metric: Metric, shape: tuple[int, int]) -> np.ndarray:
    """Take the vectors of a saved index out of its arrays, as :func:`take_array` does.

    Parameters
    ----------
    arrays : dict of str to ndarray
        What a file holds; ``vectors`` is removed from it.
    metric : {"cosine", "inner", "euclidean"}
        For the cosine vectors are kept at length 1, or 0.
    shape : tuple of int
        Slots and columns.

    Returns
    -------
    ndarray of float32
        The vectors.

    Raises
    ------
    ValueError
        If they are missing or differ.
    """
    vectors = as_vectors(take_array(arrays, "vectors", np.float32, shape), "vectors")
    if metric == "cosine":
        lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
        if not ((np.abs(lengths - 1.0) < _UNIT) | (lengths == 0.0)).all():
            raise ValueError("the array vectors is not of length 1, as the cosine needs")
    return vectors
