"""Ask a recommender for everybody's list: out of the whole catalogue, or among a few drawn items."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse

from avrec_lib.content.features import Ids
from avrec_lib.match.top_k import top_k
from avrec_lib.recommend.base import Recommender

__all__ = ["cells", "full_lists", "sampled_lists", "score_blocks"]

_BLOCK = 8_000_000  # scores in memory at a time
_STREAM = 73


def cells(pairs: pd.DataFrame, people: pd.Index, items: pd.Index) -> sparse.csr_matrix:
    """Mark pairs in a table of people and items.

    Parameters
    ----------
    pairs : DataFrame
        ``user_id, item_id``; rows of other people or items are passed over.
    people : Index (n_people,)
        Rows.
    items : Index (n_items,)
        Columns.

    Returns
    -------
    csr_matrix (n_people, n_items) of bool
        True at the pairs; to be taken in blocks of rows, as the whole of it may not fit into memory.
    """
    row = people.get_indexer(pd.Index(pairs["user_id"]))
    column = items.get_indexer(pd.Index(pairs["item_id"]))
    inside = (row >= 0) & (column >= 0)
    marks = np.ones(inside.sum(), dtype=bool), (row[inside], column[inside])
    return sparse.csr_matrix(marks, shape=(len(people), len(items)))


def score_blocks(
    recommender: Recommender, people: pd.Index, offered: pd.Index, *, history: pd.DataFrame | None
) -> Iterator[tuple[slice, np.ndarray]]:
    """Score what is on offer, some people at a time.

    Parameters
    ----------
    recommender : Recommender
        Fitted.
    people : Index (n,)
        People, known to it or not.
    offered : Index (m,)
        Items, known to it or not.
    history : DataFrame or None
        As for :meth:`~avrec_lib.recommend.base.Recommender.score`.

    Yields
    ------
    rows : slice
        Which people.
    scores : ndarray (n_rows, m) of float32
        Minus infinity where the recommender cannot serve the person, or score the item, or score it for this person
        (NaN), so that it comes last and never wins a comparison.
    """
    past = None if history is None else recommender.read(history)
    scorable = recommender.can_score(offered)
    servable = recommender.can_serve(people, history=past)
    columns = np.flatnonzero(scorable)
    step = max(1, _BLOCK // max(1, len(offered)))
    for start in range(0, len(people), step):
        rows = slice(start, min(start + step, len(people)))
        scores = np.full((rows.stop - start, len(offered)), -np.inf, dtype=np.float32)
        served = np.flatnonzero(servable[rows])
        if len(served) and len(columns):
            known = recommender.score(people[rows][served], offered[columns], history=past)
            scores[np.ix_(served, columns)] = np.where(np.isnan(known), -np.inf, known)
        yield rows, scores


def full_lists(
    recommender: Recommender,
    people: pd.Index,
    *,
    k: int,
    candidates: Ids | None = None,
    history: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Rank all that is on offer and return the first k, for everybody whom the recommender can serve.

    Parameters
    ----------
    recommender : Recommender
        Fitted.
    people : Index
        Who is to get a list, none twice. A person who cannot be served has no rows in the answer.
    k : int
        Length of list.
    candidates : sequence, optional
        The items on offer; default all that the recommender can score. Those it cannot score are not recommended.
    history : DataFrame, optional
        As for :meth:`~avrec_lib.recommend.base.Recommender.recommend`; nothing in it is recommended again.

    Returns
    -------
    DataFrame
        ``user_id, item_id, score, rank``.
    """
    past = None if history is None else recommender.read(history)
    served = people[recommender.can_serve(people, history=past)]
    offered = None if candidates is None else np.asarray(candidates)[recommender.can_score(candidates)]
    return recommender.recommend(served, k, candidates=offered, history=past)


def sampled_lists(
    recommender: Recommender,
    people: pd.Index,
    relevant: pd.DataFrame,
    met: pd.DataFrame,
    *,
    k: int,
    negatives: int,
    seed: int,
    candidates: Ids,
    history: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Rank each person's relevant items among a few drawn at random, as some papers do to save time.

    Metrics of such lists are not those of the whole catalogue made cheaper: they put models in another order, and the
    fewer items are drawn, the more every metric turns into AUC (Krichene and Rendle, "On sampled metrics for item
    recommendation", 2020). It is here so that the harm can be measured.

    Parameters
    ----------
    recommender : Recommender
        Fitted.
    people : Index (n,)
        Who is to get a list, none twice.
    relevant : DataFrame
        ``user_id, item_id``: what must be found.
    met : DataFrame
        ``user_id, item_id``: what a person has met is not drawn.
    k : int
        Length of list.
    negatives : int
        Items drawn for each person without repeats, of those neither relevant nor met; fewer where there are fewer.
    seed : int
        Seed of the draws. Recommenders that are asked for the same people and candidates get the same draws.
    candidates : sequence
        The items on offer, the same for all that are to be compared.
    history : DataFrame, optional
        As for :meth:`~avrec_lib.recommend.base.Recommender.recommend`.

    Returns
    -------
    DataFrame
        ``user_id, item_id, score, rank``.

    Raises
    ------
    ValueError
        If ``negatives`` is below 1.
    """
    if negatives < 1:
        raise ValueError(f"negatives must be at least 1, not {negatives}")
    offered = pd.Index(candidates).unique().sort_values()
    rng = np.random.default_rng([seed, _STREAM])
    found = np.empty((len(people), k), dtype=np.int64)
    best = np.empty((len(people), k), dtype=np.float32)
    all_wanted, all_met = cells(relevant, people, offered), cells(met, people, offered)
    for rows, scores in score_blocks(recommender, people, offered, history=history):
        wanted = all_wanted[rows].toarray()
        barred = wanted | all_met[rows].toarray()
        ticket = rng.random(scores.shape, dtype=np.float32)
        ticket[barred] = 2.0
        lowest = np.argpartition(ticket, min(negatives, len(offered)) - 1, axis=1)[:, :negatives]
        drawn = np.zeros(scores.shape, dtype=bool)
        np.put_along_axis(drawn, lowest, values=True, axis=1)
        found[rows], best[rows] = top_k(scores, k, exclude=~(wanted | drawn & ~barred))
    user, place = np.nonzero(found >= 0)
    return pd.DataFrame(
        {
            "user_id": people.take(user),
            "item_id": offered.take(found[user, place]),
            "score": best[user, place].astype(np.float64),
            "rank": place + 1,
        }
    )
