"""What every search through FAISS needs: which slots it may find, how many threads, and the order of equals."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss
import numpy as np

from avrec_lib.match.exact import Metric

__all__ = ["faiss_metric", "in_order", "scores_of", "selected", "threads"]


def faiss_metric(metric: Metric) -> int:
    """Return FAISS's number of a metric; of unit vectors the inner product is the cosine.

    Parameters
    ----------
    metric : {"cosine", "inner", "euclidean"}
        A metric.

    Returns
    -------
    int
        The number.
    """
    return int(faiss.METRIC_L2 if metric == "euclidean" else faiss.METRIC_INNER_PRODUCT)


@contextmanager
def selected(mask: np.ndarray | None) -> Iterator[Any]:
    """Hand FAISS the slots that may be found, as bits that live as long as the search.

    Parameters
    ----------
    mask : ndarray of bool (slots,), optional
        Which may be found; default all.

    Yields
    ------
    faiss.IDSelectorBitmap or None
        The selector.
    """
    if mask is None:
        yield None
        return
    bits = np.packbits(mask, bitorder="little")
    yield faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))  # its length is in bytes


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let FAISS use some threads, and then as many as before.

    Parameters
    ----------
    count : int
        How many.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def scores_of(metric: Metric, slots: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn what FAISS found into scores, and order them.

    Parameters
    ----------
    metric : {"cosine", "inner", "euclidean"}
        The metric; its Euclidean distances are squared.
    slots : ndarray (n, k) of int
        Slots, -1 for none.
    values : ndarray (n, k)
        What FAISS gives for them.

    Returns
    -------
    tuple of ndarray
        As :func:`in_order`.
    """
    return in_order(slots, -np.sqrt(np.maximum(values, 0.0)) if metric == "euclidean" else values)


def in_order(slots: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put the best first, equal ones in the order of their slots, and what is missing last.

    Parameters
    ----------
    slots : ndarray (n, k) of int
        Slots, -1 for none.
    scores : ndarray (n, k)
        Higher is nearer.

    Returns
    -------
    slots : ndarray (n, k) of int
        Ordered.
    scores : ndarray (n, k) of float32
        Ordered; minus infinity where there is none.
    """
    scores = np.where(slots < 0, -np.inf, scores).astype(np.float32, copy=False)
    order = np.lexsort([slots, -scores])
    return np.take_along_axis(slots, order, axis=1), np.take_along_axis(scores, order, axis=1)
