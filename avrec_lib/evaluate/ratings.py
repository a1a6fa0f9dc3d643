"""How far predicted ratings are from given ones: error of a number, not quality of a list."""

import numpy as np
import pandas as pd

__all__ = ["mae", "rmse"]


def _errors(rated: pd.Series | np.ndarray, predicted: pd.Series | np.ndarray) -> np.ndarray:
    given, guess = np.asarray(rated, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if given.ndim != 1 or given.shape != guess.shape or len(given) == 0:
        raise ValueError(f"give one prediction a rating, at least one, not shapes {given.shape} and {guess.shape}")
    broken = ~(np.isfinite(given) & np.isfinite(guess))
    if broken.any():
        raise ValueError(f"{broken.sum()} pairs of rating and prediction are not finite, first at {broken.argmax()}")
    return given - guess


def _means(values: np.ndarray, people: pd.Series | np.ndarray | None) -> pd.Series:
    """Return the mean of all, or of each person."""
    row, users = pd.factorize(np.zeros(len(values)) if people is None else np.asarray(people), sort=True)
    if len(row) != len(values):
        raise ValueError(f"people has {len(row)} entries for {len(values)} ratings")
    return pd.Series(np.bincount(row, values) / np.bincount(row), index=pd.Index(users, name="user_id"))


def rmse(
    rated: pd.Series | np.ndarray, predicted: pd.Series | np.ndarray, *, people: pd.Series | np.ndarray | None = None
) -> float:
    r"""Root of the mean squared error: :math:`\sqrt{\frac{1}{|\Omega|} \sum (\hat r_{ui} - r_{ui})^2}`.

    Parameters
    ----------
    rated, predicted : Series or ndarray (n,)
        Ratings and predictions, row by row.
    people : Series or ndarray (n,), optional
        Whose each rating is. When given, the error of each person is taken first, and then the mean over
        people, so that those who rate much do not count more.

    Returns
    -------
    float
        In units of the rating, 0 at best.

    Raises
    ------
    ValueError
        If the lengths differ, there is nothing, or a value is not finite.
    """
    return float(np.sqrt(_means(_errors(rated, predicted) ** 2, people)).mean())


def mae(
    rated: pd.Series | np.ndarray, predicted: pd.Series | np.ndarray, *, people: pd.Series | np.ndarray | None = None
) -> float:
    r"""Mean absolute error: :math:`\frac{1}{|\Omega|} \sum |\hat r_{ui} - r_{ui}|`.

    Parameters
    ----------
    rated, predicted, people
        As for :func:`rmse`.

    Returns
    -------
    float
        In units of the rating, 0 at best.

    Raises
    ------
    ValueError
        As :func:`rmse`.
    """
    return float(_means(np.abs(_errors(rated, predicted)), people).mean())
