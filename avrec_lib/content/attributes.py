"""Attributes of clips, classes or numbers, as annotated clips tell of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from avrec_lib.content.features import FeatureTable

__all__ = ["Attribute", "annotated_clips", "attribute_columns", "attribute_width", "encode_truth", "learn_attribute"]

Attribute = Mapping[str, Any]
"""What training told of one: ``classes``, ``prior`` and ``temperature``; or ``mean``, ``deviation``, ``slope`` and
``unexplained``. They are explained at :class:`~avrec_lib.content.tagger.Tagger`."""


def annotated_clips(features: FeatureTable, annotations: pd.DataFrame) -> tuple[FeatureTable, pd.DataFrame]:
    """Leave out what is not annotated or absent.

    Parameters
    ----------
    features : FeatureTable
        One modality.
    annotations : DataFrame
        Indexed by clip id, each in the table, one column an attribute: text for classes, or numbers; none missing.

    Returns
    -------
    features : FeatureTable
        The annotated clips that are present.
    annotations : DataFrame
        Theirs, in the same order.

    Raises
    ------
    KeyError
        If an annotated clip is not in the table.
    ValueError
        If there are fewer than two present clips, an annotation is missing or not finite, there is no attribute, or
        one twice.
    """
    if not len(annotations.columns) or not annotations.columns.is_unique:
        raise ValueError(f"{features.name}: there must be an attribute, and none twice: {list(annotations.columns)}")
    lacking = (annotations.isna() | annotations.isin([np.inf, -np.inf])).any(axis=1)
    if lacking.any():
        raise ValueError(f"{features.name}: clip {annotations.index[lacking][0]!r} lacks an annotation")
    table = features.select(annotations.index)
    if table.present.sum() < 2:
        raise ValueError(f"{features.name}: only {table.present.sum()} of {len(table)} annotated clips are present")
    return table.select(table.ids[table.present]), annotations[table.present]


def learn_attribute(column: pd.Series) -> dict[str, Any]:
    """Learn of an attribute what training clips tell.

    Parameters
    ----------
    column : Series (n,)
        Its annotations: numbers, or anything else for classes.

    Returns
    -------
    dict
        An :data:`Attribute`, not calibrated: of temperature 1, or of slope 1 and with all unexplained.
    """
    if pd.api.types.is_numeric_dtype(column):
        deviation = float(column.std(ddof=0)) or 1.0
        return {"mean": float(column.mean()), "deviation": deviation, "slope": 1.0, "unexplained": 1.0}
    shares = column.astype(str).value_counts(normalize=True).sort_index()
    return {"classes": shares.index.tolist(), "prior": shares.tolist(), "temperature": 1.0}


def attribute_width(known: Attribute) -> int:
    """Return how many columns tell of an attribute.

    Parameters
    ----------
    known : Attribute
        What training told of it.

    Returns
    -------
    int
        The number of its classes, or 1.
    """
    return len(known["classes"]) if "classes" in known else 1


def attribute_columns(name: str, known: Attribute) -> list[str]:
    """Name the columns that tell of an attribute.

    Parameters
    ----------
    name : str
        The attribute's.
    known : Attribute
        What training told of it.

    Returns
    -------
    list of str
        ``attribute: class`` for each class, or ``attribute``.
    """
    return [f"{name}: {one}" for one in known["classes"]] if "classes" in known else [name]


def encode_truth(column: pd.Series, known: Attribute) -> np.ndarray:
    """Turn annotations into what a network learns.

    Parameters
    ----------
    column : Series (n,)
        Annotations of an attribute.
    known : Attribute
        What training told of it.

    Returns
    -------
    ndarray (n,)
        Numbers of classes as int64, or deviations from the mean as float32.

    Raises
    ------
    ValueError
        If a class is unknown, or a number no number.
    """
    if "classes" not in known:
        return ((column.to_numpy(dtype=np.float64) - known["mean"]) / known["deviation"]).astype(np.float32)
    codes = pd.Index(known["classes"]).get_indexer(pd.Index(column.astype(str)))
    if (codes < 0).any():
        raise ValueError(f"{column.name}: {column[codes < 0].iloc[0]!r} is none of the classes {known['classes']}")
    return codes.astype(np.int64)
