"""The network of a tagger: how columns are scaled for it, its layers, and what of its outputs each attribute has."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from avrec_lib.content.attributes import Attribute, attribute_width
from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion.scaling import FeatureScaler

__all__ = ["attribute_loss", "column_scaling", "make_network", "part_by_attribute", "scaled_columns"]


def column_scaling(way: str, table: FeatureTable) -> tuple[np.ndarray, np.ndarray]:
    """Learn how to scale columns.

    Parameters
    ----------
    way : {"zscore", "common"}
        Of :class:`.FeatureScaler`.
    table : FeatureTable
        Training clips.

    Returns
    -------
    centre : ndarray (d,) of float32
        What is taken off each column.
    spread : ndarray (d,) of float32
        What it is divided by: infinity where it does not vary.

    Raises
    ------
    ValueError
        If there is no such way.
    """
    if way not in ("zscore", "common"):
        raise ValueError(f"scale is zscore or common, not {way!r}")
    scaler = FeatureScaler(way, None).fit(table)
    spread = np.where(scaler.varies_, scaler.scaler_.scale_, np.inf)
    return scaler.scaler_.mean_.astype(np.float32), spread.astype(np.float32)


def scaled_columns(matrix: np.ndarray, centre: np.ndarray, spread: np.ndarray, limit: float | None) -> Tensor:
    """Scale columns for the network.

    Parameters
    ----------
    matrix : ndarray (n, d) of float32
        Vectors of clips.
    centre, spread : ndarray (d,) of float32
        Of :func:`column_scaling`.
    limit : float or None
        Where scaled values are cut.

    Returns
    -------
    Tensor (n, d)
        What the network reads.
    """
    values = (matrix - centre) / spread
    return torch.from_numpy(values if limit is None else np.clip(values, -limit, limit))


def make_network(width: int, hidden: int, attributes: Mapping[str, Attribute], dropout: float) -> nn.Module:
    """Make a network with the weights that chance gives it.

    Parameters
    ----------
    width : int
        Columns that it reads.
    hidden : int
        Width of the first hidden layer, half of it in the second; 0 for a linear model.
    attributes : mapping of str to Attribute
        What it is to tell.
    dropout : float
        Chance that a hidden unit is left out in training.

    Returns
    -------
    torch.nn.Module
        From (n, width) to what :func:`part_by_attribute` parts.
    """
    outputs = sum(map(attribute_width, attributes.values()))
    if not hidden:
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(width, outputs))
    return nn.Sequential(
        nn.Dropout(dropout / 2),
        nn.Linear(width, hidden),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, hidden // 2),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden // 2, outputs),
    )


def part_by_attribute(said: Tensor, attributes: Mapping[str, Attribute]) -> dict[str, Tensor]:
    """Part what the network says.

    Parameters
    ----------
    said : Tensor (n, outputs)
        Its outputs, attribute after attribute.
    attributes : mapping of str to Attribute
        Those that it was made for.

    Returns
    -------
    dict of str to Tensor
        Logits of classes (n, n_classes), or a number in deviations from the mean (n,).
    """
    parts = torch.split(said, [attribute_width(known) for known in attributes.values()], dim=1)
    return {
        name: part if "classes" in known else part[:, 0]
        for (name, known), part in zip(attributes.items(), parts, strict=True)
    }


def attribute_loss(said: Tensor, truth: Tensor) -> Tensor:
    """Return how far from the truth the network is about one attribute.

    Parameters
    ----------
    said : Tensor (n, n_classes) or (n,)
        A part of :func:`part_by_attribute`.
    truth : Tensor (n,)
        Of :func:`~avrec_lib.content.attributes.encode_truth`.

    Returns
    -------
    Tensor ()
        The mean cross entropy of classes, or the mean square of numbers.
    """
    if said.ndim == 2:
        return nn.functional.cross_entropy(said, truth)
    return nn.functional.mse_loss(said, truth)
