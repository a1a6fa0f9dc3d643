"""How far a mean could have come out otherwise, had other people been asked."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Interval", "bootstrap_mean", "paired_bootstrap"]

_STREAM = 71
_BLOCK = 2_000_000  # values drawn at a time, so that memory does not grow with the number of resamples


@dataclass(frozen=True)
class Interval:
    """A value with its interval.

    Attributes
    ----------
    value : float
        The estimate.
    low, high : float
        Ends of the interval.
    level : float
        How often such an interval holds the truth.
    """

    value: float
    low: float
    high: float
    level: float = 0.95

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def bootstrap_mean(
    values: pd.Series | np.ndarray, *, seed: int, level: float = 0.95, n_resamples: int = 2000
) -> Interval:
    """Return a mean and its percentile bootstrap interval.

    The units (people) are drawn anew with replacement, and the mean is taken each time (Efron, 1979). Give one value
    a person: rows of one person are not independent, and an interval over rows is too narrow.

    Parameters
    ----------
    values : Series or ndarray (n,)
        One finite number a unit, n at least 2.
    seed : int
        Seed of the draws.
    level : float
        In (0, 1).
    n_resamples : int
        Number of draws, at least 100.

    Returns
    -------
    Interval
        The mean and the ends of the interval.

    Raises
    ------
    ValueError
        If there are fewer than two values, one is not finite, or an argument is out of range.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or len(data) < 2:
        raise ValueError(f"values must be one-dimensional with at least 2 units, not of shape {data.shape}")
    if not np.isfinite(data).all():
        where = np.flatnonzero(~np.isfinite(data))
        names = values.index[where[:5]].tolist() if isinstance(values, pd.Series) else where[:5].tolist()
        raise ValueError(f"{len(where)} values are not finite, those of units {names}; leave such units out knowingly")
    if not 0.0 < level < 1.0 or n_resamples < 100:
        raise ValueError(f"level must be in (0, 1) and n_resamples at least 100, not {level} and {n_resamples}")
    means = np.concatenate(list(_resampled_means(data, seed, n_resamples)))
    low, high = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(float(data.mean()), float(low), float(high), level)


def _resampled_means(data: np.ndarray, seed: int, n_resamples: int) -> Iterator[np.ndarray]:
    """Draw the units anew and yield means, some resamples at a time."""
    rng = np.random.default_rng([seed, _STREAM])
    step = max(1, _BLOCK // len(data))
    for start in range(0, n_resamples, step):
        drawn = rng.integers(len(data), size=(min(step, n_resamples - start), len(data)), dtype=np.int32)
        yield data[drawn].mean(axis=1)


def paired_bootstrap(
    a: pd.Series, b: pd.Series, *, seed: int, level: float = 0.95, n_resamples: int = 2000
) -> Interval:
    """Return the mean of a - b over the same units, and its percentile bootstrap interval.

    Units are matched by index, in any order. The pairs are drawn anew together, so that what makes a unit easy or
    hard for both cancels out.

    Parameters
    ----------
    a, b : Series (n,)
        One finite number a unit; the two indexes hold the same units.
    seed : int
        Seed of the draws.
    level : float
        In (0, 1).
    n_resamples : int
        Number of draws, at least 100.

    Returns
    -------
    Interval
        The mean difference and the ends of the interval.

    Raises
    ------
    ValueError
        If a unit occurs twice or is in one series only; the message names the first few.
    """
    for name, series in (("a", a), ("b", b)):
        if not series.index.is_unique:
            twice = series.index[series.index.duplicated()].unique()[:5].tolist()
            raise ValueError(f"{name} holds units more than once, such as {twice}; give one value a unit")
    only_a, only_b = a.index.difference(b.index), b.index.difference(a.index)
    if len(only_a) or len(only_b):
        raise ValueError(
            f"a and b must hold the same units: {len(only_a)} are only in a, such as {only_a[:5].tolist()}, "
            f"and {len(only_b)} only in b, such as {only_b[:5].tolist()}"
        )
    difference = a.sort_index() - b.reindex(a.sort_index().index)
    return bootstrap_mean(difference, seed=seed, level=level, n_resamples=n_resamples)
