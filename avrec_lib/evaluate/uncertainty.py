"""How far a mean could have come out otherwise, had other people been asked."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Interval", "bootstrap_mean", "bootstrap_table", "paired_bootstrap", "resampled_means"]

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

    @property
    def verdict(self) -> str:
        """What the interval of a difference shows: ``better``, ``worse`` or ``no difference shown``."""
        if not (self.low > 0.0 or self.high < 0.0):
            return "no difference shown"
        return "better" if self.low > 0.0 else "worse"


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
    table = bootstrap_table(pd.DataFrame({"mean": data}), seed=seed, level=level, n_resamples=n_resamples)
    value, low, high = table[["value", "low", "high"]].to_numpy()[0].tolist()
    return Interval(value, low, high, level)


def bootstrap_table(values: pd.DataFrame, *, seed: int, level: float = 0.95, n_resamples: int = 2000) -> pd.DataFrame:
    """Return the mean of each column and its percentile bootstrap interval, all from the same draws of units.

    Parameters
    ----------
    values : DataFrame (n, m)
        One row a unit (a person), n at least 2. NaN where a column is not defined for a unit: such a unit is left out
        of that column's mean, in the data and in each draw.
    seed, level, n_resamples
        As for :func:`bootstrap_mean`.

    Returns
    -------
    DataFrame
        One row a column of ``values``: ``value``, ``low``, ``high`` and ``units`` (how many values there are). With
        fewer than two values, the ends are NaN.

    Raises
    ------
    ValueError
        If there are fewer than two units, a value is infinite, or an argument is out of range.
    """
    if not 0.0 < level < 1.0 or n_resamples < 100:
        raise ValueError(f"level must be in (0, 1) and n_resamples at least 100, not {level} and {n_resamples}")
    data = values.to_numpy(dtype=np.float64)
    units = np.isfinite(data).sum(axis=0)
    means = resampled_means(data, seed=seed, n_resamples=n_resamples)
    means[:, units < 2] = np.nan
    # A draw that misses all values of a column has no mean there.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        low, high = np.nanquantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
    return pd.DataFrame(
        {"value": values.mean().to_numpy(), "low": low, "high": high, "units": units}, index=values.columns
    )


def resampled_means(data: np.ndarray, *, seed: int, n_resamples: int) -> np.ndarray:
    """Draw the units anew with replacement and return the means of each draw.

    Parameters
    ----------
    data : ndarray (n, m)
        One row a unit, n at least 2; NaN where a column is not defined for a unit.
    seed : int
        Seed of the draws.
    n_resamples : int
        Number of draws.

    Returns
    -------
    ndarray (n_resamples, m)
        Means; NaN where a draw holds no value of a column.

    Raises
    ------
    ValueError
        If there are fewer than two units or a value is infinite.
    """
    n, m = data.shape
    if n < 2 or np.isinf(data).any():
        raise ValueError(f"data needs at least 2 units and no infinite value; it has shape {data.shape}")
    known = ~np.isnan(data)
    filled, complete = np.where(known, data, 0.0), known.all()
    rng = np.random.default_rng([seed, _STREAM])
    means = np.empty((n_resamples, m))
    step = max(1, _BLOCK // n)
    for start in range(0, n_resamples, step):
        size = min(step, n_resamples - start)
        drawn = rng.integers(n, size=(size, n), dtype=np.int32)
        cells = drawn + np.arange(size, dtype=np.int64)[:, None] * n
        times = np.bincount(cells.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)
        count = float(n) if complete else times @ known
        with np.errstate(invalid="ignore"):
            means[start : start + size] = times @ filled / count
    return means


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
