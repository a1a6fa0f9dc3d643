"""What people did, as sparse rows over items."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse

from avrec_lib.tables import check

__all__ = ["Histories"]


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
        Time of each stored value, in days since 1970, in the order of ``values.data``.
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

    @classmethod
    def from_interactions(cls, interactions: pd.DataFrame, item_ids: pd.Index) -> Self:
        """Turn a table into sparse rows.

        Parameters
        ----------
        interactions : DataFrame
            The ``interactions`` schema, one row a pair of person and item.
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
        users = pd.Index(interactions["user_id"].unique()).sort_values()
        row = users.get_indexer(pd.Index(interactions["user_id"]))
        column = item_ids.get_indexer(pd.Index(interactions["item_id"]))
        known = column >= 0
        order = np.flatnonzero(known)[np.lexsort((column[known], row[known]))]
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row[order], minlength=len(users)))])
        epoch = pd.Timestamp(0, tz="UTC")
        days = ((interactions["time"] - epoch) / pd.Timedelta(days=1)).to_numpy(dtype=np.float64)
        values = sparse.csr_matrix((value[order], column[order], indptr), shape=(len(users), len(item_ids)))
        return cls(users, values, days[order])

    def append(self, others: "Histories") -> "Histories":
        """Return these people followed by others."""
        return Histories(
            self.user_ids.append(others.user_ids),
            sparse.vstack([self.values, others.values], format="csr"),
            np.concatenate([self.days, others.days]),
        )
