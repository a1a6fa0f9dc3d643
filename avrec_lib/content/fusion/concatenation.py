"""Modalities side by side, each with a fixed weight."""

from collections.abc import Mapping, Sequence

import numpy as np

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.unit_rows import unit_rows

__all__ = ["fuse", "unit_rows"]


def fuse(
    tables: Sequence[FeatureTable], *, weights: Mapping[str, float] | None = None, name: str = "fused"
) -> FeatureTable:
    r"""Scale each modality's rows to unit length, weigh them, and put them side by side.

    With :math:`z_{im}` the unit vector of clip i in modality m, the fused vector is made of the blocks
    :math:`\sqrt{w_m} \, z_{im}`, so that between clips that have all modalities

    .. math:: \cos(f_i, f_j) = \frac{\sum_m w_m \cos(z_{im}, z_{jm})}{\sum_m w_m}

    A modality that a clip lacks adds nothing: its block is zero, which after :class:`.FeatureScaler` is the mean of all
    clips, and the row is scaled to unit length over what is there. A clip that lacks all is absent.

    Parameters
    ----------
    tables : sequence of FeatureTable
        Centred tables (see :class:`.FeatureScaler`) of the same clips, in any order; distinct names.
    weights : mapping of str to float, optional
        :math:`w_m \ge 0` by name; default 1 each. Choose them on validation data.
    name : str
        Name of the result.

    Returns
    -------
    FeatureTable
        Unit rows; the clips in the order of the first table. Columns are named ``modality: column`` where a
        modality names its own, and by number where it does not; ``origin`` holds the weights and the modalities' own.

    Raises
    ------
    ValueError
        If names repeat, clips differ, or weights do not fit.
    """
    names = [table.name for table in tables]
    if not tables or len(set(names)) < len(names):
        raise ValueError(f"fuse needs at least one table, and distinct names, not {names}")
    weights = dict.fromkeys(names, 1.0) if weights is None else weights
    if set(weights) != set(names) or min(weights.values()) < 0.0 or max(weights.values()) <= 0.0:
        raise ValueError(f"weights must be at least 0, not all 0, one for each of {names}; they are {dict(weights)}")
    ids = tables[0].ids
    for table in tables[1:]:
        if set(table.ids.tolist()) != set(ids.tolist()):
            odd = sorted(set(table.ids.tolist()) ^ set(ids.tolist()), key=str)[:5]
            raise ValueError(f"{table.name} and {names[0]} hold different clips, such as {odd}")
    blocks, columns, seen = [], list[str](), np.zeros(len(ids), dtype=bool)
    for table in tables:
        if weights[table.name] == 0.0:
            continue
        part = table.select(ids)
        block = np.where(part.present[:, None], part.matrix, np.float32(0.0))
        blocks.append(np.float32(np.sqrt(weights[table.name])) * unit_rows(block))
        columns += [f"{table.name}: {column}" for column in table.columns or range(table.width)]
        seen |= part.present
    origin = {"fused": {table.name: table.origin for table in tables}, "weights": dict(weights)}
    return FeatureTable(ids, unit_rows(np.concatenate(blocks, axis=1)), seen, name, tuple(columns), origin)
