"""Who liked which of the clips that a fusion learns from."""

import numpy as np
import pandas as pd
from scipy import sparse

from avrec_lib.tables import require_columns

__all__ = ["like_matrix"]


def like_matrix(
    likes: pd.DataFrame | None, people: pd.Index | None, ids: pd.Index
) -> tuple[sparse.csr_matrix, pd.Index]:
    """Turn likes into sparse rows.

    Parameters
    ----------
    likes : DataFrame
        ``user_id, item_id``.
    people : Index (n_people,), optional
        Whose rows to make; default all of the table, in order of appearance.
    ids : Index (n,)
        The clips that columns stand for; rows of other clips are left out.

    Returns
    -------
    matrix : csr_matrix (n_people, n) of float32
        1 where a person liked a clip.
    people : Index (n_people,)
        The people of the rows.

    Raises
    ------
    ValueError
        If no likes are given, or none is of these people and clips.
    """
    if likes is None:
        raise ValueError("this fusion learns from people: fit(tables, likes=a table of user_id and item_id)")
    require_columns(likes, ["user_id", "item_id"], "interactions")
    people = pd.Index(pd.unique(likes["user_id"])) if people is None else people
    row, column = people.get_indexer(pd.Index(likes["user_id"])), ids.get_indexer(pd.Index(likes["item_id"]))
    known = (row >= 0) & (column >= 0)
    if not known.any():
        raise ValueError("no row of the likes is of a clip of the tables, by a person who is known")
    entries = (np.ones(known.sum(), dtype=np.float32), (row[known], column[known]))
    matrix = sparse.csr_matrix(entries, shape=(len(people), len(ids)))
    matrix.data[:] = 1.0
    return matrix, people
