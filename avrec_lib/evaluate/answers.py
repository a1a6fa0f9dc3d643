"""What counts as a right answer, and a check that nobody who is asked has seen one."""

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from avrec_lib.content.features import Ids
from avrec_lib.prepare.splits import LeakError, refuse_later
from avrec_lib.recommend.base import Recommender
from avrec_lib.tables import require_columns

__all__ = ["refuse_answers", "refuse_seen", "relevant_pairs"]

_PAIR = ["user_id", "item_id"]


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
        If a row of ``train`` has no time or is not earlier than all of ``test``, and ``in_time`` is true.
    ValueError
        If nothing is left.
    """
    if not relevant_from > 0.0:
        raise ValueError(f"relevant_from must be above 0, not {relevant_from}")
    if in_time:
        refuse_later(train, test["time"].min(), what="train")
    liked = test.loc[test["value"] >= relevant_from, ["user_id", "item_id", "value"]]
    if candidates is not None:
        liked = liked[liked["item_id"].isin(candidates)]
    met = pd.MultiIndex.from_frame(train[_PAIR])
    liked = liked[~pd.MultiIndex.from_frame(liked[_PAIR]).isin(met)]
    if liked.empty:
        raise ValueError(f"nobody likes anything new in test (value at least {relevant_from})")
    return liked.reset_index(drop=True)


def refuse_seen(
    recommender: Recommender, relevant: pd.DataFrame, *, before: pd.Timestamp | None = None, name: str | None = None
) -> None:
    """Refuse a fitted recommender that has seen what it is asked for.

    Parameters
    ----------
    recommender : Recommender
        Fitted.
    relevant : DataFrame
        ``user_id, item_id``: the answers.
    before : Timestamp, optional
        The first instant of what is asked for: nothing may have been learned that is as late. Interactions without a
        time cannot be told, and pass.
    name : str, optional
        For the message; default the class of the recommender.

    Raises
    ------
    NotFittedError
        If it is not fitted.
    LeakError
        If one of the answers was fitted, or something at ``before`` or later.
    """
    check_is_fitted(recommender, "histories_")
    name, learned = type(recommender).__name__ if name is None else name, recommender.histories_
    row = learned.user_ids.get_indexer(pd.Index(relevant["user_id"]))
    column = recommender.item_ids_.get_indexer(pd.Index(relevant["item_id"]))
    inside = (row >= 0) & (column >= 0)
    if inside.any():  # a matrix without a row cannot be asked
        met = learned.with_values(np.ones(learned.values.nnz, dtype=np.float32))
        seen = np.asarray(met[row[inside], column[inside]]).ravel() > 0.0
        if seen.any():
            pair = relevant[inside].loc[:, _PAIR][seen].iloc[0].tolist()
            raise LeakError(f"{name} was fitted on {seen.sum()} of the pairs that it is asked for, such as {pair}")
    late = learned.since(before) if before is not None else np.zeros(0, dtype=bool)
    if late.any():
        stored = learned.values.tocoo()
        person, item = learned.user_ids[stored.row[late][0]], recommender.item_ids_[stored.col[late][0]]
        raise LeakError(
            f"{name} was fitted on {late.sum()} interactions of {before} or later, when the answers begin, such as "
            f"{[person, item]}"
        )


def refuse_answers(history: pd.DataFrame, asked: pd.DataFrame, *, in_time: bool) -> None:
    """Refuse histories that give away what people are asked for.

    A history serves its own person alone. So it may run into the weeks of the test, as where the first rows of new
    people are shown (:func:`~avrec_lib.prepare.holdouts.first_rows`), but not past what that person is asked for.

    Parameters
    ----------
    history : DataFrame
        ``user_id, item_id`` and ``time``; without times an earlier meeting with the same item cannot be told from the
        answer, and is refused.
    asked : DataFrame
        The same columns: what is held back.
    in_time : bool
        Whether what is held back comes after what is known.

    Raises
    ------
    LeakError
        If a row of ``history`` is one that is asked for, or, where ``in_time``, is later than the first that its
        person is asked for, or has no time.
    ValueError
        If a column is missing.
    """
    require_columns(history, [*_PAIR, "time"] if in_time else _PAIR, "history")
    timed = "time" in history and "time" in asked
    told = pd.MultiIndex.from_frame(history[_PAIR])
    wanted = pd.MultiIndex.from_frame(asked[_PAIR])
    if timed:
        latest = asked.groupby(_PAIR, observed=True)["time"].max().reindex(told)
        leaks = told.isin(wanted) & ~(history["time"].array < latest.array)
    else:
        leaks = told.isin(wanted)
    why = "is one that the person is asked for"
    if in_time and not leaks.any():
        first = asked.groupby("user_id", observed=True)["time"].min().reindex(history["user_id"]).array
        leaks = ~first.isna() & ~(history["time"].array <= first)
        why = "is later than what the person is asked for first, or has no time"
    if leaks.any():
        raise LeakError(
            f"row {history.index[leaks][0]!r} of history {why}: {history.loc[leaks, _PAIR].iloc[0].tolist()} "
            f"({leaks.sum()} of {len(history)} rows)"
        )
