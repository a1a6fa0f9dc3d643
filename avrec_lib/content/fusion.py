"""Several modalities become one space."""

from collections.abc import Mapping, Sequence

import numpy as np

from avrec_lib.content.features import FeatureTable, Ids

__all__ = ["fuse", "standardise"]


def standardise(features: FeatureTable, *, on: Ids) -> FeatureTable:
    r"""Bring every column to mean 0 and standard deviation 1 over some clips.

    Parameters
    ----------
    features : FeatureTable
        Any.
    on : sequence
        Clips whose present rows decide mean and deviation: those of the training catalogue. A column that does not
        vary among them becomes 0 for all.

    Returns
    -------
    FeatureTable
        The same clips.

    Raises
    ------
    KeyError
        If a clip of ``on`` is not in the table.
    ValueError
        If fewer than two clips of ``on`` are present.
    """
    rows = features.positions(on)
    known = features.matrix[rows[features.present[rows]]].astype(np.float64)
    if len(known) < 2:
        raise ValueError(f"{features.name}: only {len(known)} of {len(rows)} clips to learn from are present")
    mean, spread = known.mean(axis=0), known.std(axis=0)
    varies = spread > 1e-6 * np.maximum(1.0, np.abs(mean))
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=varies)
    # A clip unlike all others may be far out; beyond 5 deviations it would drown everything else in a cosine.
    scaled = np.clip((features.matrix - mean) * scale, -5.0, 5.0)
    return FeatureTable(features.ids, scaled, features.present, features.name)


def fuse(
    tables: Sequence[FeatureTable],
    *,
    on: Ids,
    weights: Mapping[str, float] | None = None,
    name: str = "fused",
) -> FeatureTable:
    r"""Standardise each modality, scale its rows to unit length, weigh, and put them side by side.

    With :math:`z_{im}` the unit vector of clip i in modality m, the fused vector is made of the blocks
    :math:`\sqrt{w_m} \, z_{im}`, so that between clips that have all modalities

    .. math:: \cos(f_i, f_j) = \frac{\sum_m w_m \cos(z_{im}, z_{jm})}{\sum_m w_m}

    A modality that a clip lacks adds nothing: its block is zero, which after standardising is the mean of all
    clips, and the row is scaled to unit length over what is there. A clip that lacks all is absent.

    Parameters
    ----------
    tables : sequence of FeatureTable
        The same clips in each, in any order; distinct names.
    on : sequence
        Clips that decide means and deviations.
    weights : mapping of str to float, optional
        :math:`w_m \ge 0` by name; default 1 each. Choose them on validation data.
    name : str
        Name of the result.

    Returns
    -------
    FeatureTable
        Unit rows; the clips in the order of the first table.

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
    blocks, seen = [], np.zeros(len(ids), dtype=bool)
    for table in tables:
        if weights[table.name] == 0.0:
            continue
        part = standardise(table, on=on).select(ids)
        block = np.where(part.present[:, None], part.matrix, np.float32(0.0))
        blocks.append(np.float32(np.sqrt(weights[table.name])) * _unit(block))
        seen |= part.present
    return FeatureTable(ids, _unit(np.concatenate(blocks, axis=1)), seen, name)


def _unit(rows: np.ndarray) -> np.ndarray:
    """Scale rows to length 1; a row of zeros stays."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0.0)
