"""How right a list is: one number a person.

:func:`judge` holds lists against what people liked, once; each metric then reads the result.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

__all__ = [
    "Judged",
    "accuracy",
    "average_precision",
    "f1",
    "hit_rate",
    "judge",
    "ndcg",
    "precision",
    "recall",
    "reciprocal_rank",
]


@dataclass(frozen=True)
class Judged:
    """Lists of recommendations held against what was relevant.

    Attributes
    ----------
    users : Index (n,)
        People with at least one relevant item, sorted; those without a list too (theirs is empty).
    gains : ndarray (n, k) of float64
        Value of the item at each place, 0 where it is not relevant or there is none.
    ideal : ndarray (n, k) of float64
        The same for the best possible list.
    n_relevant : ndarray (n,) of int64
        Number of relevant items of each person, :math:`|R_u|`.
    n_shown : ndarray (n,) of int64
        Number of places that are filled, at most k.
    unjudged : Index
        People with a list but nothing relevant: no metric is defined for them, and none counts them.
    """

    users: pd.Index
    gains: np.ndarray
    ideal: np.ndarray
    n_relevant: np.ndarray
    n_shown: np.ndarray
    unjudged: pd.Index

    @property
    def hits(self) -> np.ndarray:
        """Whether the item at each place is relevant: (n, k) of bool."""
        return self.gains > 0.0

    @property
    def k(self) -> int:
        """Length of the lists."""
        return self.gains.shape[1]


def judge(recommendations: pd.DataFrame, relevant: pd.DataFrame, *, k: int = 10) -> Judged:
    """Hold lists of recommendations against what people liked.

    Parameters
    ----------
    recommendations : DataFrame
        ``user_id, item_id, rank``, rank from 1; places beyond k are not read.
    relevant : DataFrame
        ``user_id, item_id`` and, for graded metrics, ``value`` (positive; 1 if there is no such column). Each row is
        one relevant item.
    k : int
        Length of list to judge, at least 1.

    Returns
    -------
    Judged
        What the metrics read.

    Raises
    ------
    ValueError
        If nothing is relevant, a value is not positive and finite, or an item or a place occurs twice in one person's
        list.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if relevant.empty:
        raise ValueError("nothing is relevant for anybody: no metric is defined")
    value = relevant["value"].to_numpy(dtype=np.float64) if "value" in relevant else np.ones(len(relevant))
    fit = (value > 0.0) & np.isfinite(value)
    if not fit.all():
        first = relevant.index[~fit][0]
        raise ValueError(
            f"the value of a relevant item must be positive and finite, but row {first!r} holds {value[~fit][0]}"
        )
    shown = recommendations[recommendations["rank"] <= k]
    users = pd.Index(relevant["user_id"].unique()).sort_values()
    items = pd.Index(relevant["item_id"].unique())
    row = users.get_indexer(pd.Index(relevant["user_id"]))
    # One whole number stands for a pair of person and item; the last column is "an item that nobody likes".
    wanted = row * (len(items) + 1) + items.get_indexer(pd.Index(relevant["item_id"]))
    order = np.lexsort((-value, row))
    row, wanted, value = row[order], wanted[order], value[order]
    pairs = pd.Index(wanted)
    if not pairs.is_unique:
        raise ValueError("relevant holds a pair of user_id and item_id twice; put each pair into one row first")
    n_relevant = np.bincount(row, minlength=len(users))
    place = np.arange(len(row)) - np.repeat(np.cumsum(n_relevant) - n_relevant, n_relevant)
    ideal = np.zeros((len(users), k))
    ideal[row[place < k], place[place < k]] = value[place < k]

    shown_users = pd.Index(shown["user_id"])
    shown_row = users.get_indexer(shown_users)
    judged = shown_row >= 0
    rank = shown["rank"].to_numpy(dtype=np.int64)[judged]
    if len(rank) and rank.min() < 1:
        raise ValueError(f"ranks count from 1, but one is {rank.min()}")
    cell = shown_row[judged] * k + rank - 1
    if len(cell) and np.bincount(cell).max() > 1:
        raise ValueError("two recommendations stand at the same rank of the same person's list")
    column = items.get_indexer(pd.Index(shown["item_id"])[judged])
    found = pairs.get_indexer(np.where(column >= 0, shown_row[judged] * (len(items) + 1) + column, -1))
    hit = found >= 0
    if hit.any() and np.bincount(found[hit]).max() > 1:
        raise ValueError("an item stands twice in the same person's list")
    gains = np.zeros((len(users), k))
    gains.reshape(-1)[cell[hit]] = value[found[hit]]
    n_shown = np.bincount(shown_row[judged], minlength=len(users))
    return Judged(users, gains, ideal, n_relevant, n_shown, pd.Index(shown_users[~judged].unique()))


def _series(judged: Judged, values: np.ndarray, name: str) -> pd.Series:
    return pd.Series(values, index=judged.users.rename("user_id"), name=f"{name}@{judged.k}")


def precision(judged: Judged) -> pd.Series:
    r"""Share of the list that is relevant: :math:`|L_u^k \cap R_u| / k`, also where the list is shorter than k."""
    return _series(judged, judged.hits.sum(axis=1) / judged.k, "precision")


def recall(judged: Judged) -> pd.Series:
    r"""Share of what is relevant that is in the list: :math:`|L_u^k \cap R_u| / |R_u|`."""
    return _series(judged, judged.hits.sum(axis=1) / judged.n_relevant, "recall")


def f1(judged: Judged) -> pd.Series:
    r"""Harmonic mean of precision and recall.

    .. math:: \frac{2 \, \mathrm{Prec}_u \, \mathrm{Rec}_u}{\mathrm{Prec}_u + \mathrm{Rec}_u}
              = \frac{2 \, |L_u^k \cap R_u|}{k + |R_u|}

    It is near the smaller of the two; 0 where there is no hit (van Rijsbergen, 1979).
    """
    return _series(judged, 2.0 * judged.hits.sum(axis=1) / (judged.k + judged.n_relevant), "f1")


def accuracy(judged: Judged, n_items: int) -> pd.Series:
    r"""Share of all items on which list and truth agree, where an item left out that nobody wanted is agreement too.

    .. math:: \frac{\mathrm{TP} + \mathrm{TN}}{n} = 1 - \frac{|L_u^k| + |R_u| - 2 \, |L_u^k \cap R_u|}{n}

    An empty list scores nearly 1, because almost every item is rightly left out: no metric to choose a recommender by.

    Parameters
    ----------
    judged : Judged
        Lists held against what was relevant.
    n_items : int
        Number of items that could have been recommended, n.

    Returns
    -------
    Series (n_people,)
        One value in [0, 1] a person.

    Raises
    ------
    ValueError
        If a person's list and relevant items are more than there are items.
    """
    wrong = judged.n_shown + judged.n_relevant - 2 * judged.hits.sum(axis=1)
    if (judged.n_shown + judged.n_relevant - judged.hits.sum(axis=1) > n_items).any():
        raise ValueError(f"a person's list and relevant items together are more than n_items = {n_items}")
    return _series(judged, 1.0 - wrong / n_items, "accuracy")


def hit_rate(judged: Judged) -> pd.Series:
    """1 if anything in the list is relevant, 0 otherwise."""
    return _series(judged, np.where(judged.hits.any(axis=1), 1.0, 0.0), "hit_rate")


def reciprocal_rank(judged: Judged) -> pd.Series:
    """1 over the rank of the first relevant item, 0 if there is none; the mean over people is MRR."""
    first = judged.hits.argmax(axis=1)
    return _series(judged, np.where(judged.hits.any(axis=1), 1.0 / (first + 1.0), 0.0), "reciprocal_rank")


def average_precision(judged: Judged, *, over: Literal["attainable", "relevant"] = "attainable") -> pd.Series:
    r"""Mean of the precision at each relevant place; the mean over people is MAP.

    .. math:: \frac{1}{d_u} \sum_{r \le k} [L_{u,r} \in R_u] \, \mathrm{Prec}_u@r

    Two definitions are in use, and they differ wherever a person likes more than k items. *attainable*,
    :math:`d_u = \min(|R_u|, k)`: a list whose every place is right scores 1. *relevant*, :math:`d_u = |R_u|`
    (TREC; the package ranx), also counts what no list of k could hold. Say which one a figure uses.

    Parameters
    ----------
    judged : Judged
        Lists held against what was relevant.
    over : {"attainable", "relevant"}
        Which :math:`d_u`.

    Returns
    -------
    Series (n,)
        One value in [0, 1] a person.
    """
    if over == "attainable":
        divisor = np.minimum(judged.n_relevant, judged.k)
    elif over == "relevant":
        divisor = judged.n_relevant
    else:
        raise ValueError(f"over must be 'attainable' or 'relevant', not {over!r}")
    at_rank = np.cumsum(judged.hits, axis=1) / np.arange(1, judged.k + 1)
    return _series(judged, (at_rank * judged.hits).sum(axis=1) / divisor, "average_precision")


def ndcg(judged: Judged, *, gain: Literal["binary", "linear", "exponential"] = "binary") -> pd.Series:
    r"""Discounted gain of the list over that of the best possible list.

    .. math:: \frac{1}{\mathrm{IDCG}_u} \sum_{r \le k} \frac{g(v_{u,r})}{\log_2(r + 1)}

    Two definitions are in use for graded values, and they differ: *linear*, :math:`g(v) = v` (Järvelin and
    Kekäläinen, 2002; scikit-learn), and *exponential*, :math:`g(v) = 2^v - 1` (Burges et al., 2005), which trusts the
    best items more. *binary*, :math:`g(v) = [v > 0]`, ignores the grade; there the two agree.

    Parameters
    ----------
    judged : Judged
        Lists held against what was relevant.
    gain : {"binary", "linear", "exponential"}
        Which :math:`g`.

    Returns
    -------
    Series (n,)
        One value in [0, 1] a person.
    """
    if gain == "binary":
        got, best = judged.hits.astype(np.float64), (judged.ideal > 0.0).astype(np.float64)
    elif gain == "linear":
        got, best = judged.gains, judged.ideal
    elif gain == "exponential":
        # Both over 2^v of the person's best item, which the ratio does not feel: no grade is too large or too small.
        top = judged.ideal[:, :1]
        got, best = (-np.exp2(v - top) * np.expm1(-np.log(2.0) * v) for v in (judged.gains, judged.ideal))
    else:
        raise ValueError(f"gain must be 'binary', 'linear' or 'exponential', not {gain!r}")
    discount = 1.0 / np.log2(np.arange(2, judged.k + 2))
    return _series(judged, (got @ discount) / (best @ discount), "ndcg")
