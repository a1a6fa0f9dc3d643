"""Hold a recommender against what people did next."""

import numpy as np
import pandas as pd

from avrec_lib.content.features import Ids
from avrec_lib.evaluate import metrics
from avrec_lib.evaluate.auc import auc_by_group
from avrec_lib.evaluate.lists import cells, full_lists, score_blocks
from avrec_lib.prepare.splits import LeakError
from avrec_lib.recommend.base import Recommender

__all__ = ["auc_by_person", "by_person", "inspection_cost", "relevant_pairs"]


def relevant_pairs(
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    relevant_from: float = 0.5,
    candidates: Ids | None = None,
    in_time: bool = True,
) -> pd.DataFrame:
    """Return what people liked in the test part and had not met before.

    Parameters
    ----------
    train, test : DataFrame
        The ``interactions`` schema.
    relevant_from : float
        The least value that counts as liked, above 0.
    candidates : sequence, optional
        The items on offer; others are not counted.
    in_time : bool
        Whether everything in ``train`` must be earlier than everything in ``test``. Give False for a split that is
        not cut in time, knowing that its figures hold some of the future.

    Returns
    -------
    DataFrame
        ``user_id, item_id, value``.

    Raises
    ------
    LeakError
        If a row of ``train`` is not earlier than all of ``test``, and ``in_time`` is true.
    ValueError
        If nothing is left.
    """
    if not relevant_from > 0.0:
        raise ValueError(f"relevant_from must be above 0, not {relevant_from}")
    if in_time and train["time"].max() >= test["time"].min():
        raise LeakError(f"train runs to {train['time'].max()}, but test begins at {test['time'].min()}")
    liked = test.loc[test["value"] >= relevant_from, ["user_id", "item_id", "value"]]
    if candidates is not None:
        liked = liked[liked["item_id"].isin(candidates)]
    pairs = ["user_id", "item_id"]
    met = pd.MultiIndex.from_frame(train[pairs])
    liked = liked[~pd.MultiIndex.from_frame(liked[pairs]).isin(met)]
    if liked.empty:
        raise ValueError(f"nobody likes anything new in test (value at least {relevant_from})")
    return liked.reset_index(drop=True)


def by_person(
    recommender: Recommender,
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    k: int = 10,
    candidates: Ids | None = None,
    relevant_from: float = 0.5,
) -> pd.DataFrame:
    """Recommend to everybody who liked something new in the test part, and count what came true.

    What the recommender cannot do counts against it, so that all recommenders are held against the same people
    and the same items: an item that it cannot score is not recommended, and a person whom it cannot serve gets an
    empty list.

    Parameters
    ----------
    recommender : Recommender
        Fitted, on nothing later than ``train``.
    train : DataFrame
        The ``interactions`` schema: what was known. It is given to the recommender as the people's histories, and
        nothing in it is recommended again.
    test : DataFrame
        The ``interactions`` schema: what came next.
    k : int
        Length of the lists.
    candidates : sequence, optional
        The items on offer; default all that the recommender can score.
    relevant_from : float
        The least value in ``test`` that counts as liked.

    Returns
    -------
    DataFrame
        One row a person (index ``user_id``): ``ndcg``, ``ndcg_graded`` (linear gain), ``precision``, ``recall``,
        ``hit_rate``, ``reciprocal_rank``, ``average_precision`` at k, ``n_relevant``, and ``served`` (bool).

    Raises
    ------
    LeakError
        If ``train`` is not earlier than ``test``.
    """
    relevant = relevant_pairs(train, test, relevant_from=relevant_from, candidates=candidates)
    people = pd.Index(relevant["user_id"].unique())
    served = people[recommender.can_serve(people, history=train)]
    lists = full_lists(recommender, people, k=k, candidates=candidates, history=train)
    judged = metrics.judge(lists, relevant, k=k)
    return pd.DataFrame(
        {
            "ndcg": metrics.ndcg(judged),
            "ndcg_graded": metrics.ndcg(judged, gain="linear"),
            "precision": metrics.precision(judged),
            "recall": metrics.recall(judged),
            "hit_rate": metrics.hit_rate(judged),
            "reciprocal_rank": metrics.reciprocal_rank(judged),
            "average_precision": metrics.average_precision(judged),
            "n_relevant": pd.Series(judged.n_relevant, index=judged.users),
            "served": pd.Series(judged.users.isin(served), index=judged.users),
        }
    ).rename_axis("user_id")


def inspection_cost(
    recommender: Recommender,
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    candidates: Ids | None = None,
    relevant_from: float = 0.5,
) -> pd.Series:
    r"""Count how many items a person looks at, best first, until the first one that is liked.

    .. math:: c_u = \#\{i : s_{ui} > b_u\} + \frac{m_u + 1}{r_u + 1}, \qquad b_u = \max_{i \in R_u} s_{ui}

    over what is on offer and not yet met, with :math:`m_u` items and :math:`r_u` liked items at the score :math:`b_u`:
    the second term is the mean place of the first liked one when ties are broken by chance. Items that cannot
    be scored come last, in any order. Looking in an order by chance costs :math:`(n + 1) / (|R_u| + 1)`.

    Parameters
    ----------
    recommender : Recommender
        Fitted, on nothing later than ``train``.
    train, test : DataFrame
        As in :func:`by_person`.
    candidates : sequence, optional
        The items on offer; default all of the recommender's ``item_ids_``.
    relevant_from : float
        The least value in ``test`` that counts as liked.

    Returns
    -------
    Series
        Items looked at, 1 or more, of each person (index ``user_id``) who liked something on offer.

    Raises
    ------
    LeakError
        If ``train`` is not earlier than ``test``.
    """
    offered = recommender.item_ids_ if candidates is None else pd.Index(candidates)
    relevant = relevant_pairs(train, test, relevant_from=relevant_from, candidates=offered)
    people = pd.Index(relevant["user_id"].unique()).sort_values()
    cost = np.empty(len(people))
    all_met, all_liked = cells(train, people, offered), cells(relevant, people, offered)
    for rows, scores in score_blocks(recommender, people, offered, history=train):
        open_to = ~all_met[rows].toarray()
        liked = all_liked[rows].toarray()
        best = np.where(liked, scores, -np.inf).max(axis=1, keepdims=True)
        before = ((scores > best) & open_to).sum(axis=1)
        tied = (scores == best) & open_to
        cost[rows] = before + (tied.sum(axis=1) + 1.0) / ((tied & liked).sum(axis=1) + 1.0)
    return pd.Series(cost, index=people.rename("user_id"), name="inspection_cost")


def auc_by_person(recommender: Recommender, shown: pd.DataFrame) -> pd.Series:
    """Ask whether what a person liked is scored above the rest of what the person was shown.

    The area under the ROC curve (:func:`~avrec_lib.evaluate.auc.auc_by_group`). Only what was shown counts, so the
    policy that wrote the log has no say in which clips a recommender may get right.

    Parameters
    ----------
    recommender : Recommender
        Fitted, on nothing that ``shown`` came after.
    shown : DataFrame
        ``user_id``, ``item_id`` and ``liked`` (bool), no pair twice.

    Returns
    -------
    Series
        Indexed by ``user_id``, in [0, 1]: the people whom the recommender serves, and who have at least one liked and
        one other item that it can score for them.

    Raises
    ------
    ValueError
        If nobody is left.
    """
    people, items = pd.Index(shown["user_id"].unique()), pd.Index(shown["item_id"].unique())
    row, column = people.get_indexer(pd.Index(shown["user_id"])), items.get_indexer(pd.Index(shown["item_id"]))
    order = np.argsort(row, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(people)))])
    scores = np.empty(len(shown), dtype=np.float32)
    for rows, block in score_blocks(recommender, people, items, history=None):
        here = order[start[rows.start] : start[rows.stop]]
        scores[here] = block[row[here] - rows.start, column[here]]
    able = scores > -np.inf
    if not able.any():
        raise ValueError("nobody and nothing in shown can be scored")
    liked = shown["liked"].to_numpy(dtype=bool)
    return auc_by_group(scores[able], liked[able], shown["user_id"][able]).rename_axis("user_id")
