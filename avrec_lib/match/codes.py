"""Vectors as strings of bits: random hyperplanes, and the Hamming distance between codes."""

import numpy as np
from numpy.typing import ArrayLike

from avrec_lib.match.vectors import as_vectors

__all__ = ["angles", "hamming", "hyperplanes", "simhash"]

_WORDS = 1 << 24  # compared at a time: 128 MB
_ROWS = 65_536  # hashed at a time


def hyperplanes(width: int, bits: int, *, seed: int = 0) -> np.ndarray:
    """Draw the normals of random hyperplanes through the origin.

    Parameters
    ----------
    width : int
        Width d of the vectors that they cut.
    bits : int
        How many; a multiple of 64.
    seed : int
        Randomness.

    Returns
    -------
    ndarray (d, bits) of float32
        Normals, all directions alike.

    Raises
    ------
    ValueError
        If ``bits`` is not a positive multiple of 64, or ``width`` is not positive.
    """
    if bits < 64 or bits % 64 or width < 1:
        raise ValueError(f"bits must be a positive multiple of 64 and width at least 1, not {bits} and {width}")
    return np.random.default_rng(seed).standard_normal((width, bits), dtype=np.float32)


def simhash(vectors: ArrayLike, planes: np.ndarray) -> np.ndarray:
    r"""Write down on which side of each hyperplane a vector lies.

    Two vectors at angle :math:`\theta` are parted by a random hyperplane with probability :math:`\theta / \pi`, so
    that the share of bits that differ estimates the angle. Source: Charikar, "Similarity estimation techniques from
    rounding algorithms" (STOC 2002), section 3.

    Parameters
    ----------
    vectors : array_like (n, d)
        Vectors. One of zeros lies on no side and has the code of zeros, which says nothing of it.
    planes : ndarray (d, bits)
        From :func:`hyperplanes`; codes can be compared only if they come from the same.

    Returns
    -------
    ndarray (n, bits / 64) of uint64
        Codes.

    Raises
    ------
    ValueError
        If a row is not finite or the widths differ.
    """
    matrix = as_vectors(np.asarray(vectors), "vectors")
    if matrix.shape[1] != len(planes):
        raise ValueError(f"vectors have {matrix.shape[1]} columns, the hyperplanes are for {len(planes)}")
    codes = np.empty((len(matrix), planes.shape[1] // 64), np.uint64)
    for start in range(0, len(matrix), _ROWS):
        sides = matrix[start : start + _ROWS] @ planes > 0.0
        codes[start : start + _ROWS] = np.packbits(sides, axis=1).view(np.uint64)
    return codes


def hamming(queries: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return the Hamming *distance*: how many bits differ. The lowest is the nearest.

    It is for codes. Two vectors of real numbers differ in every coordinate, which says nothing.

    Parameters
    ----------
    queries, items : ndarray of unsigned integers (n, w) and (m, w)
        Codes, w words each.

    Returns
    -------
    ndarray (n, m) of float32
        From 0 to the number of bits.

    Raises
    ------
    ValueError
        If the codes are not unsigned integers of one type and width.

    Examples
    --------
    >>> hamming(np.array([[0b1100]], dtype=np.uint8), np.array([[0b1010], [0b1100]], dtype=np.uint8)).tolist()
    [[2.0, 0.0]]
    """
    queries, items = np.asarray(queries), np.asarray(items)
    if queries.dtype.kind != "u" or queries.dtype != items.dtype:
        raise ValueError(
            f"codes must be unsigned integers of one type, not {queries.dtype} and {items.dtype}; "
            "turn vectors into codes first, with simhash"
        )
    if queries.ndim != 2 or items.ndim != 2 or queries.shape[1] != items.shape[1]:
        raise ValueError(f"codes must have shapes (n, w) and (m, w), not {queries.shape} and {items.shape}")
    apart = np.empty((len(queries), len(items)), np.float32)
    step = max(1, _WORDS // max(1, items.size))
    for start in range(0, len(queries), step):
        differ = np.bitwise_count(queries[start : start + step, None] ^ items[None])
        apart[start : start + step] = differ.sum(axis=2, dtype=np.uint32)
    return apart


def angles(distances: ArrayLike, bits: int) -> np.ndarray:
    r"""Estimate the angle between vectors from the Hamming distance of their codes: :math:`\pi h / b`.

    Its standard error is :math:`\pi \sqrt{p (1 - p) / b}` with :math:`p = \theta / \pi`.

    Parameters
    ----------
    distances : array_like
        Hamming distances h.
    bits : int
        b, bits of a code.

    Returns
    -------
    ndarray of float32
        Radians, of the same shape.
    """
    return (np.asarray(distances, dtype=np.float64) * (np.pi / bits)).astype(np.float32)
