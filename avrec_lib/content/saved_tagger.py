"""What a saved tagger may hold: all of it is checked before a network is made from it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["check_attributes", "check_scaling"]


def check_attributes(attributes: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Return what training told of each attribute, or say what no tagger knows.

    Parameters
    ----------
    attributes : sequence of pairs
        Names, and what is known of them: see :class:`~avrec_lib.content.tagger.Tagger`.

    Returns
    -------
    dict of str to dict
        The same, in their order.

    Raises
    ------
    ValueError
        If there is none, a name repeats, or a number is out of its range.
    """
    known = dict(attributes)
    if not known or len(known) < len(attributes):
        raise ValueError("it knows no attribute, or one twice")
    for name, one in known.items():
        if not isinstance(name, str) or not isinstance(one, dict):
            raise ValueError(f"the attribute {name!r:.40} is not described")
        if not (_are_classes(one) if "classes" in one else _is_number(one)):
            raise ValueError(f"what it knows of {name!r:.40} cannot be")
    return known


def _are_classes(known: Mapping[str, Any]) -> bool:
    classes, prior = known["classes"], known["prior"]
    if not isinstance(classes, list) or not isinstance(prior, list) or len(prior) != len(classes):
        return False
    if not all(isinstance(one, str) for one in classes) or not len(set(classes)) == len(classes) > 0:
        return False
    # Finite numbers first: what follows compares them.
    return (
        all(_within(one, 0.0, 1.0) for one in prior)
        and math.isclose(sum(prior), 1.0, rel_tol=1e-6)
        and (_within(known["temperature"], 0.0, math.inf))
    )


def _is_number(known: Mapping[str, Any]) -> bool:
    return (
        _within(known["mean"], -math.inf, math.inf)
        and _within(known["deviation"], 0.0, math.inf)
        and (known["slope"] == 0.0 or _within(known["slope"], 0.0, 1.0))
        and _within(known["unexplained"], 0.0, 1.0)
    )


def _within(value: object, above: float, most: float) -> bool:
    """Tell whether a value is a finite number above one bound and not beyond another."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (math.isfinite(value) and above < value <= most)
    )


def check_scaling(centre: np.ndarray, spread: np.ndarray, columns: Sequence[Any]) -> None:
    """Refuse a scaling that fits no columns.

    Parameters
    ----------
    centre, spread : ndarray (d,) of float32
        What is taken off each column, and what it is divided by: infinity where it does not vary.
    columns : sequence of str
        Names of the columns, d or none.

    Raises
    ------
    ValueError
        If types or shapes differ, or a number is out of its range.
    """
    if not all(isinstance(one, str) for one in columns) or len(columns) not in (0, centre.size):
        raise ValueError(f"{len(columns)} names of columns do not fit {centre.size} columns")
    for array in (centre, spread):
        if array.dtype != np.float32 or array.ndim != 1 or array.shape != centre.shape:
            raise ValueError(f"columns are scaled by {array.dtype} of {array.shape}")
    if not np.isfinite(centre).all() or not (spread > 0.0).all():
        raise ValueError("columns are scaled by what is not finite, or not above 0")
