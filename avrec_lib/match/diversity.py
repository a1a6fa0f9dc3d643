"""Lists whose items are not all alike: maximal marginal relevance."""

import numpy as np

from avrec_lib.content.unit_rows import unit_rows

__all__ = ["maximal_marginal_relevance"]


def maximal_marginal_relevance(
    scores: np.ndarray, vectors: np.ndarray, k: int, *, trade_off: float = 0.7
) -> tuple[np.ndarray, np.ndarray]:
    r"""Choose k of each person's candidates, one after the other, each good and unlike those before it.

    .. math:: i^* = \arg\max_{i \notin S} \; \lambda \, s_{ui} - (1 - \lambda) \max_{j \in S} \cos(f_i, f_j)

    The steps are k; each is one product for all people and candidates at once. Source: Carbonell and Goldstein, "The
    use of MMR, diversity-based reranking for reordering documents and producing summaries" (SIGIR 1998).

    Parameters
    ----------
    scores : ndarray (n, c)
        Relevance of c candidates for each of n people; NaN or minus infinity where there is none. Bring them to the
        range of a cosine, or the trade-off means nothing.
    vectors : ndarray (n, c, d)
        Vectors of the candidates. The cosine with one of zeros is 0.
    k : int
        Length of a list, at least 1.
    trade_off : float
        :math:`\lambda`, from 0 (unlike each other) to 1 (by score alone).

    Returns
    -------
    places : ndarray (n, k) of int64
        Columns of ``scores`` in the order in which they were chosen; -1 where there are fewer than k. Of equals the
        first is chosen.
    margins : ndarray (n, k) of float64
        What was maximised; NaN where the place is -1.

    Raises
    ------
    ValueError
        If shapes do not fit, a vector of a candidate is not finite, or a parameter is out of range.

    Examples
    --------
    >>> twins = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> maximal_marginal_relevance(np.array([[0.9, 0.8, 0.5]]), twins, k=2)[0].tolist()
    [[0, 2]]
    """
    scores, vectors = np.asarray(scores, dtype=np.float64), np.asarray(vectors)
    if scores.ndim != 2 or vectors.ndim != 3 or vectors.shape[:2] != scores.shape:
        raise ValueError(f"scores must have shape (n, c) and vectors (n, c, d), not {scores.shape} and {vectors.shape}")
    if k < 1 or not 0.0 <= trade_off <= 1.0:
        raise ValueError(f"k must be at least 1 and trade_off in [0, 1], not {k} and {trade_off}")
    n, c, d = vectors.shape
    open_to = np.isfinite(scores) | (scores == np.inf)
    if not np.isfinite(scores[open_to]).all() or not np.isfinite(vectors[open_to]).all():
        raise ValueError("a candidate has an infinite score, or a vector that is not finite")
    flat = np.where(open_to[:, :, None], vectors, 0.0).reshape(-1, d).astype(np.float64)
    directions = unit_rows(flat).reshape(n, c, d)
    relevance = np.where(open_to, trade_off * np.where(open_to, scores, 0.0), -np.inf)
    nearest = np.zeros((n, c))  # the largest cosine with what was chosen; with nothing chosen, 0
    places, margins = np.full((n, k), -1), np.full((n, k), np.nan)
    people = np.arange(n)
    for step in range(min(k, c)):
        margin = relevance - (1.0 - trade_off) * nearest
        best = margin.argmax(axis=1)
        value = margin[people, best]
        some = value > -np.inf
        places[some, step], margins[some, step] = best[some], value[some]
        relevance[people, best] = -np.inf
        alike = np.einsum("ncd,nd->nc", directions, directions[people, best])
        nearest = alike if step == 0 else np.maximum(nearest, alike)
    return places, margins
