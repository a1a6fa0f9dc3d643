"""What people did, as sparse rows over items."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse

from avrec_lib.tables import check, microseconds

__all__ = ["Histories", "sorted_ids"]

_MICROSECONDS_A_DAY = 86_400_000_000


def sorted_ids(ids: pd.Series | pd.Index | np.ndarray) -> pd.Index:
    """Return the different ids of a column, in order.

    Parameters
    ----------
    ids : Series, Index or ndarray (n,)
        Text or whole numbers.

    Returns
    -------
    Index
        Each id once.

    Raises
    ------
    ValueError
        If they cannot be put in order, as text among numbers.
    """
    different = pd.Index(pd.unique(ids))
    if isinstance(different, pd.CategoricalIndex):
        different = pd.Index(different.to_numpy())
    try:
        return different.sort_values()
    except TypeError as error:
        kinds = sorted({type(one).__name__ for one in different})
        raise ValueError(f"ids must be all text or all numbers, not of several kinds: {', '.join(kinds)}") from error


@dataclass(frozen=True)
class Histories:
    """What some people did, as sparse rows over the items of a fitted recommender.

    Attributes
    ----------
    user_ids : Index (n,)
        The people.
    values : csr_matrix (n, n_items) of float32
        Value of each interaction; no pair is stored twice.
    days : ndarray (nnz,) of float64
        Time of each stored value, in days since 1970, in the order of ``values.data``; NaN where nobody knows it.
    """

    user_ids: pd.Index
    values: sparse.csr_matrix
    days: np.ndarray

    def select(self, rows: np.ndarray) -> "Histories":
        """Return the histories of some people; a row of -1 is a person without any."""
        known = rows >= 0
        counts = np.where(known, np.diff(self.values.indptr)[rows], 0)
        indptr = np.concatenate([[0], np.cumsum(counts)])
        within = np.arange(indptr[-1]) - np.repeat(indptr[:-1], counts)
        take = np.repeat(np.where(known, self.values.indptr[rows], 0), counts) + within
        shape = (len(rows), self.values.shape[1])
        values = sparse.csr_matrix((self.values.data[take], self.values.indices[take], indptr), shape=shape)
        return Histories(self.user_ids.take(rows), values, self.days[take])

    def with_values(self, data: np.ndarray) -> sparse.csr_matrix:
        """Return the same rows with other values, ``data`` (nnz,), in the order of ``values.data``."""
        shape = self.values.shape
        return sparse.csr_matrix((data, self.values.indices, self.values.indptr), shape=shape)

    def since(self, moment: pd.Timestamp) -> np.ndarray:
        """Mark the interactions of a moment or later: (nnz,) of bool, False where nobody knows the time."""
        return np.asarray(self.days >= microseconds(pd.Series([moment]))[0] / _MICROSECONDS_A_DAY)

    def recency(self, half_life_days: float | None, *, own: bool = True) -> np.ndarray:
        r"""Weigh each interaction by its age.

        .. math:: w_{ui} = 2^{-(T - t_{ui}) / h}

        Parameters
        ----------
        half_life_days : float or None
            :math:`h`, in days; with None all weigh 1.
        own : bool
            Whether :math:`T` is the time of the person's own last interaction, or of the last one of all.

        Returns
        -------
        ndarray (nnz,) of float64
            Weights in [0, 1], in the order of ``values.data``.

        Raises
        ------
        ValueError
            If the half-life is not positive, or a time is wanted that nobody knows.
        """
        if half_life_days is not None and not half_life_days > 0.0:
            raise ValueError(f"half_life_days must be positive, not {half_life_days}")
        if half_life_days is None or len(self.days) == 0:
            return np.ones(len(self.days))
        counts = np.diff(self.values.indptr)
        unknown = np.repeat(np.arange(len(counts)), counts)[np.isnan(self.days)]
        if len(unknown):
            raise ValueError(
                f"half_life_days needs the time of every interaction, but {len(unknown)} have none, such as one of "
                f"person {self.user_ids[unknown[0]]!r}; with half_life_days=None all weigh alike"
            )
        last = np.full(len(self.days), self.days.max())
        if own:
            some = counts > 0
            last = np.repeat(np.maximum.reduceat(self.days, self.values.indptr[:-1][some]), counts[some])
        return np.exp2((self.days - last) / half_life_days)

    @classmethod
    def from_interactions(cls, interactions: pd.DataFrame, item_ids: pd.Index) -> Self:
        """Turn a table into sparse rows.

        Parameters
        ----------
        interactions : DataFrame
            The ``interactions`` schema, one row a pair of person and item; ``time`` may be left out.
        item_ids : Index (n_items,)
            The items that columns stand for; rows of other items are left out.

        Returns
        -------
        Histories
            The people of the table, sorted.

        Raises
        ------
        ValueError
            If the table breaks its schema, holds a pair twice, or a value is not finite.
        """
        check(interactions, "interactions")
        repeated = interactions.duplicated(["user_id", "item_id"])
        if repeated.any():
            pair = interactions.loc[repeated, ["user_id", "item_id"]].iloc[0].tolist()
            raise ValueError(
                f"the pair {pair} ({repeated.sum()} in all) occurs twice; put each pair into one row first"
            )
        value = interactions["value"].to_numpy(dtype=np.float32)
        if not np.isfinite(value).all():
            raise ValueError(f"row {interactions.index[~np.isfinite(value)][0]!r} of interactions has no finite value")
        users = sorted_ids(interactions["user_id"])
        row = users.get_indexer(pd.Index(interactions["user_id"]))
        column = item_ids.get_indexer(pd.Index(interactions["item_id"]))
        known = column >= 0
        order = np.flatnonzero(known)[np.lexsort((column[known], row[known]))]
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row[order], minlength=len(users)))])
        days = np.full(len(interactions), np.nan)
        if "time" in interactions:
            days = microseconds(interactions["time"]) / _MICROSECONDS_A_DAY
        values = sparse.csr_matrix((value[order], column[order], indptr), shape=(len(users), len(item_ids)))
        return cls(users, values, days[order])

    def append(self, others: "Histories") -> "Histories":
        """Return these people followed by others."""
        return Histories(
            self.user_ids.append(others.user_ids),
            sparse.vstack([self.values, others.values], format="csr"),
            np.concatenate([self.days, others.days]),
        )
