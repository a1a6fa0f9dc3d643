"""Modalities taken away by chance, to see who can do without."""

from collections.abc import Sequence

import numpy as np

from avrec_lib.content.features import FeatureTable

__all__ = ["hide_modalities"]


def hide_modalities(
    tables: Sequence[FeatureTable], share: float, *, seed: int, only: str | None = None
) -> list[FeatureTable]:
    """Take one modality from a share of the clips.

    Parameters
    ----------
    tables : sequence of FeatureTable
        One a modality, of the same clips in the same order.
    share : float
        Chance that a clip is hit, from 0 to 1. One that lacks what is taken from it loses nothing.
    seed : int
        Seed of whom it hits, and of which modality.
    only : str, optional
        Name of the table that loses clips; default one drawn by chance for each clip.

    Returns
    -------
    list of FeatureTable
        The same tables, with fewer clips present.

    Raises
    ------
    ValueError
        If there is no table, they hold other clips, no table has the name, or the share is no share.
    """
    names = [table.name for table in tables]
    if not tables or any(not np.array_equal(table.ids, tables[0].ids) for table in tables):
        raise ValueError(f"{names}: modalities must hold the same clips in the same order, and there must be one")
    if (only is not None and only not in names) or not 0.0 <= share <= 1.0:
        raise ValueError(f"only is one of {names} and share from 0 to 1, not {only!r} and {share}")
    rng, n = np.random.default_rng(seed), len(tables[0])
    hit, which = rng.random(n) < share, rng.integers(len(tables), size=n)
    if only is not None:
        which[:] = names.index(only)
    return [
        FeatureTable(
            table.ids, table.matrix, table.present & ~(hit & (which == number)), table.name, table.columns, table.origin
        )
        for number, table in enumerate(tables)
    ]
