"""Whether a chance means what it says: what is said to happen in three cases of ten should happen in three."""

from typing import Literal

import numpy as np
import pandas as pd

__all__ = ["calibration_error", "reliability"]

Bins = Literal["width", "mass"]


def reliability(
    happened: pd.Series | np.ndarray, chance: pd.Series | np.ndarray, *, bins: int = 10, equal: Bins = "width"
) -> pd.DataFrame:
    """Hold chances, bin by bin, against how often the thing happened.

    Parameters
    ----------
    happened : Series or ndarray (n,)
        0 or 1 (or bool).
    chance : Series or ndarray (n,)
        Predicted, in [0, 1].
    bins : int
        Number of bins, at least 1.
    equal : {"width", "mass"}
        Whether bins cover equal parts of [0, 1], each without its lower end (0 belongs to the first), or hold equal
        numbers of predictions. Equal chances are never parted, so with ties there may be fewer bins by mass.

    Returns
    -------
    DataFrame
        One row a bin that is not empty, by rising chance: ``chance`` (mean predicted), ``share`` (how often it
        happened), ``count``.

    Raises
    ------
    ValueError
        If shapes or values do not fit.
    """
    truth, said = np.asarray(happened, dtype=np.float64), np.asarray(chance, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != said.shape or len(truth) == 0:
        raise ValueError(f"give one chance for each thing, at least one, not shapes {truth.shape} and {said.shape}")
    if not np.isin(truth, (0.0, 1.0)).all() or not ((said >= 0.0) & (said <= 1.0)).all():
        raise ValueError("happened must hold 0 and 1 only, and chance numbers in [0, 1]")
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    if equal == "width":
        edges = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    elif equal == "mass":
        edges = np.quantile(said, np.linspace(0.0, 1.0, bins + 1)[1:-1], method="inverted_cdf")
    else:
        raise ValueError(f"equal must be 'width' or 'mass', not {equal!r}")
    cell = np.searchsorted(edges, said, side="left")
    count = np.bincount(cell, minlength=bins)
    full = count > 0
    return pd.DataFrame(
        {
            "chance": np.bincount(cell, said, minlength=bins)[full] / count[full],
            "share": np.bincount(cell, truth, minlength=bins)[full] / count[full],
            "count": count[full],
        }
    )


def calibration_error(
    happened: pd.Series | np.ndarray, chance: pd.Series | np.ndarray, *, bins: int = 10, equal: Bins = "width"
) -> float:
    r"""Mean distance between what was said and what happened, over bins (expected calibration error).

    .. math:: \sum_b \frac{n_b}{n} \, |\bar y_b - \bar p_b|

    A model that says the same chance to everybody can score 0 here: calibration is not discrimination. With equal
    widths, rare chances fill one bin and hide in it; equal masses see them. Source: Naeini, Cooper and Hauskrecht,
    "Obtaining well calibrated probabilities using Bayesian binning" (2015).

    Parameters
    ----------
    happened, chance, bins, equal
        As for :func:`reliability`.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        As :func:`reliability`.
    """
    table = reliability(happened, chance, bins=bins, equal=equal)
    gap = (table["share"] - table["chance"]).abs()
    return float((gap * table["count"]).sum() / table["count"].sum())
