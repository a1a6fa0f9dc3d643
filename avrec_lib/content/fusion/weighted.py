"""Several modalities become one space."""

from collections.abc import Mapping, Sequence

import numpy as np

from avrec_lib.content.features import FeatureTable, Ids

__all__ = ["fuse", "standardise"]


def standardise(features: FeatureTable, *, on: Ids, equal_columns: bool = True) -> FeatureTable:
    r"""Bring columns to mean 0, and to a common scale, over some clips.

    Measurements in different units (decibels, shares, events a second) need ``equal_columns``: each column gets
    standard deviation 1, :math:`z_{ij} = (x_{ij} - \mu_j) / \sigma_j`. The directions of an embedding are
    in one unit already, and small ones are small for a reason: with ``equal_columns=False`` all are divided by
    the same number, :math:`\sqrt{\tfrac1d \sum_j \sigma_j^2}`.

    Parameters
    ----------
    features : FeatureTable
        Any.
    on : sequence
        Clips whose present rows decide means and deviations: those of the training catalogue. A column that does
        not vary among them becomes 0 for all.
    equal_columns : bool
        Whether each column is scaled by itself.

    Returns
    -------
    FeatureTable
        The same clips. Values beyond 5 deviations are cut there: one clip unlike all others would drown everything
        else in a cosine.

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
    common = spread if equal_columns else np.full_like(spread, np.sqrt(np.square(spread).mean()))
    scale = np.divide(1.0, common, out=np.zeros_like(common), where=varies)
    scaled = np.clip((features.matrix - mean) * scale, -5.0, 5.0)
    return FeatureTable(features.ids, scaled, features.present, features.name)


def fuse(
    tables: Sequence[FeatureTable], *, weights: Mapping[str, float] | None = None, name: str = "fused"
) -> FeatureTable:
    r"""Scale each modality's rows to unit length, weigh them, and put them side by side.

    With :math:`z_{im}` the unit vector of clip i in modality m, the fused vector is made of the blocks
    :math:`\sqrt{w_m} \, z_{im}`, so that between clips that have all modalities

    .. math:: \cos(f_i, f_j) = \frac{\sum_m w_m \cos(z_{im}, z_{jm})}{\sum_m w_m}

    A modality that a clip lacks adds nothing: its block is zero, which after :func:`standardise` is the mean of
    all clips, and the row is scaled to unit length over what is there. A clip that lacks all is absent.

    Parameters
    ----------
    tables : sequence of FeatureTable
        Centred tables (see :func:`standardise`) of the same clips, in any order; distinct names.
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
        part = table.select(ids)
        block = np.where(part.present[:, None], part.matrix, np.float32(0.0))
        blocks.append(np.float32(np.sqrt(weights[table.name])) * _unit(block))
        seen |= part.present
    return FeatureTable(ids, _unit(np.concatenate(blocks, axis=1)), seen, name)


def _unit(rows: np.ndarray) -> np.ndarray:
    """Scale rows to length 1; a row of zeros stays."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0.0)
