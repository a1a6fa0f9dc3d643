"""What every recommender, from popularity to the Transformer, has in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Self, TypeAlias

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from avrec_lib.content.features import FeatureTable, Ids
from avrec_lib.match.top_k import top_k
from avrec_lib.recommend.cold_start import ColdStartError
from avrec_lib.recommend.histories import Histories, sorted_ids
from avrec_lib.tables import require_columns

__all__ = ["ItemFeatures", "Recommender"]

ItemFeatures: TypeAlias = FeatureTable | Sequence[FeatureTable]
"""What is known of items: one table, or one for each modality."""

_BLOCK = 8_000_000  # scores in memory at a time
_NAMED = 5  # ids that a message names


class Recommender(BaseEstimator, ABC):
    """One interface for all recommenders.

    A subclass keeps its parameters as given (so that :func:`sklearn.base.clone` and grid search work), learns in
    ``_fit`` and overrides ``_score``. Ids go in and come out; the order of rows never matters.

    Attributes
    ----------
    item_ids_ : Index (n_items,)
        Every item of ``fit``: those that were met, and those of ``items``. Sorted.
    histories_ : Histories
        What the people of ``fit`` did.
    """

    item_ids_: pd.Index
    histories_: Histories

    # Public: the three methods, and the question that comes before them ------------------------

    def fit(
        self, interactions: pd.DataFrame, *, items: ItemFeatures | None = None, users: pd.DataFrame | None = None
    ) -> Self:
        """Learn from what people did.

        Parameters
        ----------
        interactions : DataFrame
            The ``interactions`` schema, one row a pair of person and item. ``time`` may be left out: then only what
            asks for a half-life refuses.
        items : FeatureTable or sequence of FeatureTable, optional
            Vectors of items. Items that nobody met yet may be among them: that is how a new item is announced.
        users : DataFrame, optional
            The ``users`` schema.

        Returns
        -------
        Recommender
            Itself.

        Raises
        ------
        ValueError
            If the table breaks its schema, is empty, or holds a pair twice, or ids are of several kinds. Whatever is
            raised, the recommender is then not fitted, also one that was before: never half old and half new.
        """
        self._forget()
        try:
            require_columns(interactions, ["item_id"], "interactions")
            if interactions.empty:
                raise ValueError("interactions is empty: there is nothing to learn from")
            tables = () if items is None else (items,) if isinstance(items, FeatureTable) else tuple(items)
            named = [sorted_ids(interactions["item_id"]), *(pd.Index(table.ids) for table in tables)]
            self.item_ids_ = sorted_ids(np.concatenate([ids.to_numpy(dtype=object) for ids in named]))
            self.histories_ = Histories.from_interactions(interactions, self.item_ids_)
            self._fit(self.histories_, tables, users)
        except BaseException:
            self._forget()
            raise
        return self

    def score(
        self,
        user_ids: Ids,
        item_ids: Ids | None = None,
        *,
        history: pd.DataFrame | Histories | None = None,
    ) -> np.ndarray:
        """Say how well each item suits each person; higher is better.

        Parameters
        ----------
        user_ids : sequence (n_users,)
            People.
        item_ids : sequence (n_items,), optional
            Items; default all of ``item_ids_``.
        history : DataFrame or Histories, optional
            Interactions that take the place of what ``fit`` saw of their people: that is how a new person is served.
            To ask many times, :meth:`read` the table once.

        Returns
        -------
        ndarray (n_users, n_items) of float32
            Scores. With ``item_ids`` left out, the columns of items that cannot be scored are NaN.

        Raises
        ------
        ColdStartError
            If a person or a named item cannot be scored.
        """
        self._check_fitted()
        columns = np.arange(len(self.item_ids_)) if item_ids is None else self._columns(item_ids)
        histories = self._serve(pd.Index(user_ids), history)
        scores = np.empty((len(histories.user_ids), len(columns)), dtype=np.float32)
        for rows in self._blocks(len(scores)):
            scores[rows] = self._score(histories.select(rows))[:, columns]
        scores[:, ~self._scorable()[columns]] = np.nan
        return scores

    def recommend(
        self,
        user_ids: Ids,
        k: int = 10,
        *,
        exclude_seen: bool = True,
        candidates: Ids | None = None,
        history: pd.DataFrame | Histories | None = None,
    ) -> pd.DataFrame:
        """Choose the k items that suit each person best.

        Parameters
        ----------
        user_ids : sequence (n_users,)
            People, none twice.
        k : int
            Length of each list.
        exclude_seen : bool
            Whether to leave out what a person's history holds.
        candidates : sequence, optional
            Items to choose from; default all that can be scored.
        history : DataFrame or Histories, optional
            Interactions that take the place of what ``fit`` saw of their people.

        Returns
        -------
        DataFrame
            ``user_id, item_id, score, rank``, people in the order asked for, rank from 1. A list is shorter than k
            where there is nothing more to choose from. Equal scores stand in the order of the items' ids.

        Raises
        ------
        ColdStartError
            If a person or a candidate cannot be scored.
        """
        self._check_fitted()
        people = pd.Index(user_ids)
        if not people.is_unique:
            raise ValueError(f"person {people[people.duplicated()][0]!r} is asked for more than once")
        columns = np.flatnonzero(self._scorable()) if candidates is None else np.unique(self._columns(candidates))
        histories = self._serve(people, history)
        width = min(k, max(1, len(columns)))
        found = np.empty((len(people), width), np.int64)
        best = np.empty((len(people), width), np.float32)
        for rows in self._blocks(len(people)):
            block = histories.select(rows)
            seen = block.values[:, columns] if exclude_seen else None
            found[rows], best[rows] = top_k(self._score(block)[:, columns], width, exclude=seen)
        user, place = np.nonzero(found >= 0)
        return pd.DataFrame(
            {
                "user_id": people.take(user),
                "item_id": self.item_ids_.take(columns[found[user, place]]),
                "score": best[user, place].astype(np.float64),
                "rank": place + 1,
            }
        )

    def can_score(self, item_ids: Ids) -> np.ndarray:
        """Tell which items can be scored.

        Parameters
        ----------
        item_ids : sequence (n,)
            Items, known or not.

        Returns
        -------
        ndarray (n,) of bool
            True where :meth:`score` would not raise.
        """
        self._check_fitted()
        rows = self.item_ids_.get_indexer(pd.Index(item_ids))
        return (rows >= 0) & self._scorable()[rows]

    def can_serve(self, user_ids: Ids, *, history: pd.DataFrame | Histories | None = None) -> np.ndarray:
        """Tell which people can be served.

        Parameters
        ----------
        user_ids : sequence (n,)
            People, known or not.
        history : DataFrame or Histories, optional
            Interactions that take the place of what ``fit`` saw of their people.

        Returns
        -------
        ndarray (n,) of bool
            True where :meth:`score` would not raise.
        """
        return self._servable(self._lookup(pd.Index(user_ids), history))

    def read(self, history: pd.DataFrame) -> Histories:
        """Read a table of interactions once, to be given as ``history`` in many questions.

        Parameters
        ----------
        history : DataFrame
            The ``interactions`` schema, one row a pair; rows of items that are not in ``item_ids_`` are left out.

        Returns
        -------
        Histories
            The people of the table, over ``item_ids_``.

        Raises
        ------
        ValueError
            If the table breaks its schema, or holds a pair twice.
        """
        self._check_fitted()
        return Histories.from_interactions(history, self.item_ids_)

    # For subclasses ----------------------------------------------------------------------------

    def _fit(self, histories: Histories, items: tuple[FeatureTable, ...], users: pd.DataFrame | None) -> None:
        """Learn; the default learns nothing."""

    @abstractmethod
    def _score(self, histories: Histories) -> np.ndarray:
        """Score all of ``item_ids_`` for each person: (n_users, n_items); NaN or any value where not scorable."""

    def _scorable(self) -> np.ndarray:
        """Tell which of ``item_ids_`` can be scored: (n_items,) of bool. The default: all."""
        return np.ones(len(self.item_ids_), dtype=bool)

    def _servable(self, histories: Histories) -> np.ndarray:
        """Tell which people can be served from their history: (n_users,) of bool. The default: all."""
        return np.ones(histories.values.shape[0], dtype=bool)

    def _blocks(self, n_people: int) -> Iterator[np.ndarray]:
        """Yield the rows of so many people at a time that their scores fit into memory."""
        step = max(1, _BLOCK // len(self.item_ids_))
        return (np.arange(start, min(start + step, n_people)) for start in range(0, n_people, step))

    # Between ids and rows ----------------------------------------------------------------------

    def _forget(self) -> None:
        """Remove what was learned: the attributes that end in an underscore."""
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)

    def _check_fitted(self) -> None:
        if not hasattr(self, "histories_"):
            raise NotFittedError(f"call fit before asking {type(self).__name__} anything")

    def _lookup(self, people: pd.Index, history: pd.DataFrame | Histories | None) -> Histories:
        """Return the histories of people, from ``history`` where it has them and from ``fit`` elsewhere."""
        self._check_fitted()
        known = self.histories_
        found = known.select(known.user_ids.get_indexer(people))
        if history is not None:
            given = history if isinstance(history, Histories) else self.read(history)
            if given.values.shape[1] != len(self.item_ids_):
                raise ValueError(f"history was read over {given.values.shape[1]} items, not {len(self.item_ids_)}")
            rows = given.user_ids.get_indexer(people)
            new = np.flatnonzero(rows >= 0)
            order = np.arange(len(people))
            order[new] = len(people) + np.arange(len(new))
            found = found.append(given.select(rows[new])).select(order)
        return Histories(people, found.values, found.days)

    def _serve(self, people: pd.Index, history: pd.DataFrame | Histories | None) -> Histories:
        """Return the histories of people, all of whom can be served."""
        found = self._lookup(people, history)
        cold = ~self._servable(found)
        if cold.any():
            ids = people[cold].tolist()
            raise ColdStartError(
                f"{type(self).__name__} knows nothing of {len(ids)} people, such as {ids[:_NAMED]}; "
                "give what they did so far as history=",
                users=ids,
            )
        return found

    def _columns(self, item_ids: Ids) -> np.ndarray:
        """Return the columns of items, all of which can be scored."""
        known = self.can_score(item_ids)
        if not known.all():
            ids: list[Any] = pd.Index(item_ids)[~known].tolist()
            raise ColdStartError(
                f"{type(self).__name__} cannot score {len(ids)} items, such as {ids[:_NAMED]}; "
                "can_score tells which, and a model of content scores those given to fit as items=",
                items=ids,
            )
        return np.asarray(self.item_ids_.get_indexer(pd.Index(item_ids)))
