"""Ask one fitted recommender what its lists do not say: how far one looks, and whether it ranks what was shown."""

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from avrec_lib.content.features import Ids
from avrec_lib.evaluate.answers import refuse_seen, relevant_pairs
from avrec_lib.evaluate.auc import auc_by_group
from avrec_lib.evaluate.lists import cells, score_blocks
from avrec_lib.recommend.base import Recommender

__all__ = ["auc_by_person", "inspection_cost"]


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
    train : DataFrame
        The ``interactions`` schema: what was known. It is given to the recommender as the people's histories.
    test : DataFrame
        The ``interactions`` schema: what came next.
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
    NotFittedError
        If the recommender is not fitted.
    LeakError
        If ``train`` is not earlier than ``test``, or the recommender was fitted on an answer or on something as late
        as ``test``.
    """
    check_is_fitted(recommender, "item_ids_")
    offered = recommender.item_ids_ if candidates is None else pd.Index(candidates)
    relevant = relevant_pairs(train, test, relevant_from=relevant_from, candidates=offered)
    refuse_seen(recommender, relevant, before=test["time"].min())
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
        ``user_id``, ``item_id`` and ``liked`` (bool), no pair twice, none that the recommender was fitted on; with
        ``time``, nothing that it was fitted on may be as late.

    Returns
    -------
    Series
        Indexed by ``user_id``, in [0, 1]: the people whom the recommender serves, and who have at least one liked and
        one other item that it can score for them.

    Raises
    ------
    NotFittedError
        If the recommender is not fitted.
    LeakError
        If it has seen what is asked for.
    ValueError
        If nobody is left.
    """
    refuse_seen(recommender, shown[["user_id", "item_id"]], before=shown["time"].min() if "time" in shown else None)
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
