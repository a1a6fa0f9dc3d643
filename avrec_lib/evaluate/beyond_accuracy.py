"""What lists are like, apart from being right: how varied, how new, how different from person to person.

A list is rows of ``user_id, item_id, rank``, rank from 1; places beyond k are not read. A number about one list is
returned a person, and is left out for people without a list: an empty list is neither varied nor dull.
"""

import numpy as np
import pandas as pd

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.unit_rows import unit_rows

__all__ = [
    "coverage",
    "entropy",
    "fill_rate",
    "gini",
    "intra_list_diversity",
    "novelty",
    "personalisation",
    "serendipity",
]

_BLOCK = 4_000_000  # entries of vectors in memory at a time


def _shown(recommendations: pd.DataFrame, k: int) -> pd.DataFrame:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    shown = recommendations.loc[recommendations["rank"] <= k, ["user_id", "item_id"]]
    twice = shown.duplicated()
    if twice.any():
        user, item = shown[twice].iloc[0]
        raise ValueError(f"item {item!r} stands twice in the list of {user!r}")
    return shown


def _mean_by_person(shown: pd.DataFrame, values: np.ndarray, name: str) -> pd.Series:
    row, users = pd.factorize(shown["user_id"], sort=True)
    means = np.bincount(row, values, minlength=len(users)) / np.bincount(row, minlength=len(users))
    return pd.Series(means, index=pd.Index(users, name="user_id"), name=name)


# Of the whole catalogue ------------------------------------------------------------------------


def _exposure(recommendations: pd.DataFrame, catalogue: pd.Index, k: int) -> np.ndarray:
    """Count in how many lists each item of the catalogue stands."""
    shown = _shown(recommendations, k)["item_id"]
    if len(catalogue) == 0:
        raise ValueError("the catalogue is empty")
    column = pd.Index(catalogue).get_indexer(pd.Index(shown))
    if (column < 0).any():
        raise ValueError(f"item {shown.to_numpy()[column < 0][0]!r} is recommended but is not in the catalogue")
    return np.bincount(column, minlength=len(catalogue))


def coverage(recommendations: pd.DataFrame, catalogue: pd.Index, *, k: int = 10) -> float:
    r"""Share of the catalogue that stands in at least one list: :math:`|\bigcup_u L_u^k| / |\mathcal{I}|`.

    It says nothing about any one list, and is no relation of scikit-learn's ``coverage_error``, which is the depth at
    which all true labels have been met.

    Parameters
    ----------
    recommendations : DataFrame
        Lists.
    catalogue : Index
        The items that could have been recommended, none twice.
    k : int
        Length of list.

    Returns
    -------
    float
        In [0, 1]; at most the number of places over the number of items.

    Raises
    ------
    ValueError
        If an item is recommended that the catalogue lacks, or stands twice in a list.
    """
    return float((_exposure(recommendations, catalogue, k) > 0).mean())


def gini(recommendations: pd.DataFrame, catalogue: pd.Index, *, k: int = 10) -> float:
    r"""How unequally places are shared out among the items: 0 all alike, near 1 one item has all.

    .. math:: G = \frac{\sum_{i=1}^{n} (2 i - n - 1) \, c_{(i)}}{n \sum_i c_{(i)}}

    with :math:`c_{(1)} \le \dots \le c_{(n)}` the number of lists that each of the n items of the catalogue is in.

    Parameters
    ----------
    recommendations, catalogue, k
        As for :func:`coverage`.

    Returns
    -------
    float
        In [0, 1 - 1/n].

    Raises
    ------
    ValueError
        As :func:`coverage`, or if there are no lists.
    """
    count = np.sort(_exposure(recommendations, catalogue, k))
    n = len(count)
    if count.sum() == 0:
        raise ValueError("nothing is recommended to anybody: there is nothing to share out")
    return float(((2.0 * np.arange(1, n + 1) - n - 1.0) * count).sum() / (n * count.sum()))


def personalisation(recommendations: pd.DataFrame, *, k: int = 10) -> float:
    r"""How different the lists of two people are: 1 minus the mean overlap, over all pairs of people with a list.

    .. math:: 1 - \frac{1}{n (n - 1)} \sum_{u \ne v} \frac{|L_u \cap L_v|}{\sqrt{|L_u| \, |L_v|}}
              = 1 - \frac{\sum_i \bigl(\sum_{u: i \in L_u} |L_u|^{-1/2}\bigr)^2 - n}{n (n - 1)}

    The right-hand side needs one number an item and no pairs of people. 0 where everybody gets the same list.

    Parameters
    ----------
    recommendations : DataFrame
        Lists.
    k : int
        Length of list.

    Returns
    -------
    float
        In [0, 1]; NaN with fewer than two lists.
    """
    shown = _shown(recommendations, k)
    row, users = pd.factorize(shown["user_id"])
    column, items = pd.factorize(shown["item_id"])
    n = len(users)
    if n < 2:
        return float("nan")
    weight = 1.0 / np.sqrt(np.bincount(row, minlength=n))
    total = np.bincount(column, weight[row], minlength=len(items))
    return float(1.0 - ((total**2).sum() - n) / (n * (n - 1.0)))


# Of each list ----------------------------------------------------------------------------------


def fill_rate(recommendations: pd.DataFrame, people: pd.Index, *, k: int = 10) -> pd.Series:
    """Share of the k places that a person's list fills: a sign of service, not of quality.

    Parameters
    ----------
    recommendations : DataFrame
        Lists.
    people : Index
        Everybody who was to get a list; 0 for those who got none.
    k : int
        Length of list.

    Returns
    -------
    Series
        By ``user_id``, in [0, 1].
    """
    row = pd.Index(people).get_indexer(pd.Index(_shown(recommendations, k)["user_id"]))
    filled = np.bincount(row[row >= 0], minlength=len(people))
    return pd.Series(filled / k, index=pd.Index(people, name="user_id"), name=f"fill_rate@{k}")


def novelty(recommendations: pd.DataFrame, train: pd.DataFrame, *, k: int = 10) -> pd.Series:
    r"""Mean self-information of the items of a list: how seldom a person picked by chance has met them.

    .. math:: \frac{1}{|L_u|} \sum_{i \in L_u} -\log_2 \frac{\max(c_i, 1)}{n}

    with :math:`c_i` the people who met item i, of n. An item that nobody met counts as if one had (else it would be
    infinitely new). Source: Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems"
    (2010).

    Parameters
    ----------
    recommendations : DataFrame
        Lists.
    train : DataFrame
        ``user_id, item_id`` of what was known; a repeated pair counts once.
    k : int
        Length of list.

    Returns
    -------
    Series
        By ``user_id``, in bits, in [0, log2 n].
    """
    if train.empty:
        raise ValueError("train is empty: nobody met anything, so nothing can be more or less new")
    shown = _shown(recommendations, k)
    pairs = train[["user_id", "item_id"]].drop_duplicates()
    met = pairs["item_id"].value_counts()
    count = met.reindex(shown["item_id"]).fillna(0.0).to_numpy(dtype=np.float64)
    bits = np.log2(pairs["user_id"].nunique() / np.maximum(count, 1.0))
    return _mean_by_person(shown, bits, f"novelty@{k}")


def intra_list_diversity(recommendations: pd.DataFrame, features: FeatureTable, *, k: int = 10) -> pd.Series:
    r"""Mean dissimilarity of the pairs of items in a list.

    .. math:: \frac{2}{m (m - 1)} \sum_{i < j} (1 - \cos(x_i, x_j))
              = 1 - \frac{\lVert \sum_i \hat x_i \rVert^2 - m}{m (m - 1)}, \qquad \hat x = x / \lVert x \rVert

    over the m items of the list that have a direction: an item that is absent from the table, that was not measured,
    or whose vector is zero is left out. Source: Smyth and McClave, "Similarity vs. diversity" (2001).

    Parameters
    ----------
    recommendations : DataFrame
        Lists.
    features : FeatureTable
        Vectors of items.
    k : int
        Length of list.

    Returns
    -------
    Series
        By ``user_id``, in [0, 2]; NaN where fewer than two items are left.
    """
    shown = _shown(recommendations, k)
    directions = unit_rows(np.where(features.present[:, None], features.matrix, 0.0).astype(np.float64))
    row, users = pd.factorize(shown["user_id"], sort=True)
    item = pd.Index(features.ids).get_indexer(pd.Index(shown["item_id"]))
    known = (item >= 0) & (directions != 0.0).any(axis=1)[item]
    row, item = row[known], item[known]
    order = np.argsort(row, kind="stable")
    row, item = row[order], item[order]
    m = np.bincount(row, minlength=len(users)).astype(np.float64)
    squared = np.zeros(len(users))
    bounds = np.concatenate([[0], np.cumsum(m)]).astype(np.int64)
    step = max(1, _BLOCK // max(1, k * features.width))
    for start in range(0, len(users), step):
        part = slice(bounds[start], bounds[min(start + step, len(users))])
        here, first = np.unique(row[part], return_index=True)
        if len(here):
            squared[here] = (np.add.reduceat(directions[item[part]], first, axis=0) ** 2).sum(axis=1)
    alike = np.divide(squared - m, m * (m - 1.0), out=np.full(len(users), np.nan), where=m > 1.0)
    return pd.Series(1.0 - alike, index=pd.Index(users, name="user_id"), name=f"intra_list_diversity@{k}")


def entropy(recommendations: pd.DataFrame, category: pd.Series, *, k: int = 10) -> pd.Series:
    r"""Entropy of the categories in a list: :math:`-\sum_c p_c \log_2 p_c` with :math:`p_c` their shares.

    Parameters
    ----------
    recommendations : DataFrame
        Lists.
    category : Series
        Category of each item, indexed by item id.
    k : int
        Length of list.

    Returns
    -------
    Series
        By ``user_id``, in bits: 0 where all items are of one kind, log2 of the list's length where all differ.

    Raises
    ------
    ValueError
        If a recommended item has no category.
    """
    shown = _shown(recommendations, k)
    kind = category.reindex(shown["item_id"])
    if kind.isna().any():
        raise ValueError(f"item {kind.index[kind.isna()][0]!r} has no category")
    code = pd.factorize(kind)[0]
    row, users = pd.factorize(shown["user_id"], sort=True)
    cell, count = np.unique(row * (code.max(initial=0) + 1) + code, return_counts=True)
    person = cell // (code.max(initial=0) + 1)
    share = count / np.bincount(row, minlength=len(users))[person]
    bits = np.bincount(person, -share * np.log2(share), minlength=len(users))
    return pd.Series(bits + 0.0, index=pd.Index(users, name="user_id"), name=f"entropy@{k}")


def serendipity(
    recommendations: pd.DataFrame, relevant: pd.DataFrame, expected: pd.DataFrame, *, k: int = 10
) -> pd.Series:
    r"""Share of a list that is liked and that a plain recommender would not have thought of.

    .. math:: \frac{|(L_u^k \setminus E_u^k) \cap R_u|}{|L_u^k|}

    with :math:`E_u^k` what a primitive model, such as popularity, gives the same person. Source: Ge, Delgado-Battenfeld
    and Jannach, "Beyond accuracy: evaluating recommender systems by coverage and serendipity" (2010).

    Parameters
    ----------
    recommendations : DataFrame
        Lists.
    relevant : DataFrame
        ``user_id, item_id`` of what was liked.
    expected : DataFrame
        Lists of the primitive model, to the same k.
    k : int
        Length of list.

    Returns
    -------
    Series
        By ``user_id``, in [0, 1].
    """
    shown = _shown(recommendations, k)
    pairs = pd.MultiIndex.from_frame(shown)
    liked = pairs.isin(pd.MultiIndex.from_frame(relevant[["user_id", "item_id"]]))
    plain = pairs.isin(pd.MultiIndex.from_frame(_shown(expected, k)))
    return _mean_by_person(shown, (liked & ~plain).astype(np.float64), f"serendipity@{k}")
