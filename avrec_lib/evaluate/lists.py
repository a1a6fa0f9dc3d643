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
_BARRED = np.float32(2.0)  # the ticket of what may not be drawn; the others are below 1


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
        wanted, barred = all_wanted[rows].nonzero(), (all_wanted[rows] + all_met[rows]).nonzero()
        tickets = rng.random(scores.shape, dtype=np.float32)
        tickets[barred] = _BARRED
        drawn = _lowest(tickets, negatives)
        row, column = (np.concatenate(parts) for parts in zip(wanted, drawn, strict=True))
        found[rows], best[rows] = _top_of_few(scores, row, column, k)
    user, place = np.nonzero(found >= 0)
    return pd.DataFrame(
        {
            "user_id": people.take(user),
            "item_id": offered.take(found[user, place]),
            "score": best[user, place].astype(np.float64),
            "rank": place + 1,
        }
    )


def _lowest(tickets: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return row and column (p,) of the lowest tickets (n, m) of each row: ``count`` of them, and none that is barred.

    They are those that ``argpartition`` puts first. As tickets are spread evenly, a cut shows nearly always which these
    are; a row is partitioned only where too few lie below it, or where equal tickets leave a choice.
    """
    n, m = tickets.shape
    left = np.count_nonzero(tickets < _BARRED, axis=1)
    cut = (count + 10.0 * np.sqrt(count) + 10.0) / np.maximum(left, 1)  # with ten deviations to spare
    row, column = np.divmod(np.flatnonzero(tickets < np.minimum(cut, _BARRED)[:, None]), m)
    value = tickets[row, column]
    order = np.lexsort([value, row])
    row, column, value = row[order], column[order], value[order]
    place = _place(row)
    unsure = np.bincount(row, minlength=n) < np.minimum(count, left)
    unsure[row[1:][(place[1:] == count) & (value[1:] == value[:-1])]] = True
    if unsure.any():
        kept = ~unsure[row]
        row, column, place = row[kept], column[kept], place[kept]
        whole = tickets[unsure]
        first = np.argpartition(whole, min(count, m) - 1, axis=1)[:, :count]
        at, among = np.nonzero(np.take_along_axis(whole, first, axis=1) < _BARRED)
        row = np.concatenate([row, np.flatnonzero(unsure)[at]])
        column, place = np.concatenate([column, first[at, among]]), np.concatenate([place, among])
    return row[place < count], column[place < count]


def _top_of_few(scores: np.ndarray, row: np.ndarray, column: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and scores (n, k) of the best among pairs, row and column (p,), as :func:`top_k` of all would."""
    order = np.lexsort([column, row])
    row, column = row[order], column[order]
    place = _place(row)
    few = np.full((len(scores), place.max(initial=0) + 1), -np.inf, dtype=np.float32)
    few[row, place] = scores[row, column]
    columns = np.full(few.shape, -1)
    columns[row, place] = column
    found, best = top_k(few, k)
    return np.where(found < 0, -1, np.take_along_axis(columns, np.maximum(found, 0), axis=1)), best


def _place(row: np.ndarray) -> np.ndarray:
    """Return the place of each entry among those of its row, from ascending rows (p,)."""
    return np.arange(len(row)) - np.searchsorted(row, row)
