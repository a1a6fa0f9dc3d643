"""Weigh what a log shows by how likely it was to be seen, to judge what it hides.

People can like only what they are shown. A list that repeats what was shown much therefore finds more of its hits in
the log than one that is as good and unlike it. If the chance of each pair to have been observed is known, each observed
one can stand for the others that were not.
"""

from typing import Literal

import numpy as np
import pandas as pd

__all__ = ["effective_size", "inverse_weights", "popularity_propensity", "weighted_hits"]


def inverse_weights(propensity: pd.Series | np.ndarray, *, clip: float | None = None) -> np.ndarray:
    r"""Return the weights of observations: :math:`\min(1 / p, M)`.

    Parameters
    ----------
    propensity : Series or ndarray (n,)
        Chance that each was observed, in (0, 1].
    clip : float, optional
        The largest weight M, at least 1. It bounds the variance, and biases the estimate towards what was shown much.

    Returns
    -------
    ndarray (n,)
        Weights of 1 and more.

    Raises
    ------
    ValueError
        If a propensity is out of range or ``clip`` is below 1.
    """
    chance = np.asarray(propensity, dtype=np.float64)
    wrong = ~((chance > 0.0) & (chance <= 1.0))
    if wrong.any():
        raise ValueError(f"a propensity is in (0, 1], but {wrong.sum()} are not, such as {chance[wrong][0]}")
    if clip is not None and not clip >= 1.0:
        raise ValueError(f"clip must be at least 1, not {clip}")
    return np.minimum(1.0 / chance, np.inf if clip is None else clip)


def effective_size(weights: np.ndarray) -> float:
    r"""Return how many equal observations say as much as weighted ones: :math:`(\sum w)^2 / \sum w^2` (Kish, 1965).

    Parameters
    ----------
    weights : ndarray (n,)
        Not all zero.

    Returns
    -------
    float
        In [1, n].
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def popularity_propensity(train: pd.DataFrame, *, power: float = 0.5) -> pd.Series:
    r"""Guess propensities from popularity, for a log that kept none: :math:`(n_i / \max_j n_j)^\eta`.

    A guess: popularity is exposure and worth at once, and what is liked by all is taken for what was shown to all.
    Source: Saito et al., "Unbiased recommender learning from missing-not-at-random implicit feedback" (2020).

    Parameters
    ----------
    train : DataFrame
        ``user_id, item_id``, one row a pair.
    power : float
        :math:`\eta`, at least 0; 0 weighs all alike.

    Returns
    -------
    Series
        By ``item_id``, in (0, 1].

    Raises
    ------
    ValueError
        If ``train`` is empty or ``power`` negative.
    """
    if train.empty or power < 0.0:
        raise ValueError(f"train must not be empty and power at least 0, not {len(train)} rows and {power}")
    count = train["item_id"].value_counts().sort_index().astype(np.float64)
    return ((count / count.max()) ** power).rename("propensity").rename_axis("item_id")


def weighted_hits(
    recommendations: pd.DataFrame,
    observed: pd.DataFrame,
    people: pd.Index,
    *,
    k: int = 10,
    gain: Literal["hits", "dcg"] = "hits",
    over: Literal["list", "person", "all"] = "list",
    clip: float | None = None,
) -> pd.Series:
    r"""Estimate what lists are worth on everything, from what a log happened to show.

    .. math:: V_u = \frac{1}{Z} \sum_{i \in O_u} w_{ui} \, c(\mathrm{rank}_{ui}), \qquad w_{ui} = \min(1 / p_{ui}, M)

    over the liked pairs :math:`O_u` that were observed, with :math:`c(r) = [r \le k]` for hits and
    :math:`[r \le k] / \log_2(r + 1)` for dcg. Three Z are in use:

    ==========  ===========================================  ===========================================
    ``list``    k for hits, :math:`\sum_{r \le k} c(r)` for  inverse propensity: an unbiased estimate of
                dcg                                          (discounted) precision, if nothing is clipped
    ``all``     :math:`\frac1n \sum_v \sum_{O_v} w_{vi}`     self-normalised over all people: of the share
                                                             of all that is liked, less noisy
    ``person``  :math:`\sum_{O_u} w_{ui}`                    self-normalised for each: of mean recall
    ==========  ===========================================  ===========================================

    Sources: Schnabel et al., "Recommendations as treatments" (2016); Yang et al., "Unbiased offline recommender
    evaluation for missing-not-at-random implicit feedback" (2018); Swaminathan and Joachims, "The self-normalized
    estimator for counterfactual learning" (2015).

    Parameters
    ----------
    recommendations : DataFrame
        ``user_id, item_id, rank``, no item twice in a list.
    observed : DataFrame
        ``user_id, item_id, propensity``: pairs that were shown and liked, and the chance that they would be observed;
        no pair twice.
    people : Index (n,)
        Everybody asked for, those of whom nothing was observed too: they are part of the mean.
    k : int
        Length of list.
    gain : {"hits", "dcg"}
        Which c.
    over : {"list", "person", "all"}
        Which Z.
    clip : float, optional
        M, as for :func:`inverse_weights`.

    Returns
    -------
    Series (n,)
        By ``user_id``; the estimate is the mean. NaN with ``over="person"`` where nothing was observed.

    Raises
    ------
    ValueError
        If a pair is observed twice, a propensity is out of range, or nothing was observed of these people.
    """
    if gain not in ("hits", "dcg") or over not in ("list", "person", "all"):
        raise ValueError(f"gain is 'hits' or 'dcg' and over is 'list', 'person' or 'all', not {gain!r} and {over!r}")
    pairs = ["user_id", "item_id"]
    if observed.duplicated(pairs).any():
        raise ValueError("observed holds a pair of user_id and item_id twice")
    row = pd.Index(people).get_indexer(pd.Index(observed["user_id"]))
    if not (row >= 0).any():
        raise ValueError("nothing was observed of these people")
    observed, row = observed[row >= 0], row[row >= 0]
    weight = inverse_weights(observed["propensity"], clip=clip)
    shown = recommendations[recommendations["rank"] <= k]
    ranks = pd.Series(shown["rank"].to_numpy(dtype=np.float64), index=pd.MultiIndex.from_frame(shown[pairs]))
    rank = ranks.reindex(pd.MultiIndex.from_frame(observed[pairs])).to_numpy()
    discount = np.ones_like if gain == "hits" else lambda place: 1.0 / np.log2(place + 1.0)
    credit = np.where(np.isnan(rank), 0.0, weight * discount(np.nan_to_num(rank, nan=1.0)))
    got = np.bincount(row, credit, minlength=len(people))
    total = np.bincount(row, weight, minlength=len(people))
    if over == "list":
        got = got / discount(np.arange(1.0, k + 1.0)).sum()
    elif over == "all":
        got = got / total.mean()
    else:
        got = np.divide(got, total, out=np.full(len(people), np.nan), where=total > 0.0)
    return pd.Series(got, index=pd.Index(people, name="user_id"), name=f"weighted_{gain}@{k}")
