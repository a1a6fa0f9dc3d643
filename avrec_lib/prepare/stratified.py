"""A random share of each item's rows, or of each person's, held back."""

import numpy as np
import pandas as pd

__all__ = ["stratified_split"]


def stratified_split(
    table: pd.DataFrame, *, column: str = "item_id", train: float = 0.75, seed: int = 42
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut a table in two, in the same proportion within each item or each person.

    It asks whether a model can fill in what was held back, and knows the future while it does: no substitute for a cut
    in time. Many published figures rest on it. The draw is that of ``python_stratified_split`` of Microsoft
    Recommenders: one uniform number a row, in the order of the table, and of each group's n rows the
    ``round(train * n)`` lowest are train. So the order of rows matters, and the parts are the published ones.

    Parameters
    ----------
    table : DataFrame
        One row a pair.
    column : str
        Which rows belong together: ``"item_id"`` or ``"user_id"``.
    train : float
        Share of each group, in (0, 1). Halves are rounded to the even number.
    seed : int
        Of NumPy's legacy generator.

    Returns
    -------
    train, test : DataFrame
        In the order of the table, labels kept. A group of one row is in train alone (from a share of a half on).

    Raises
    ------
    ValueError
        If the column is absent or lacks a value, the share is out of range, or a part would be empty.
    """
    if not 0.0 < train < 1.0:
        raise ValueError(f"train is a share between 0 and 1, not {train}")
    if column not in table:
        raise ValueError(f"there is no column {column!r}, only {', '.join(map(str, table))}")
    codes, names = pd.factorize(table[column])
    if (codes < 0).any():
        raise ValueError(f"row {table.index[codes < 0][0]!r} has no {column}; leave such rows out first")
    drawn = np.random.RandomState(seed).random_sample(len(table))
    order = np.lexsort((drawn, codes))
    count = np.bincount(codes, minlength=len(names))
    rank = np.empty(len(table), dtype=np.int64)
    rank[order] = np.arange(len(table)) - (np.cumsum(count) - count)[codes[order]]
    kept = rank < np.round(train * count)[codes]
    if kept.all() or not kept.any():
        raise ValueError(f"a share of {train} of each of the {len(names)} values of {column} leaves a part empty")
    return table[kept], table[~kept]
