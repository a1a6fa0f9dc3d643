"""Whether chance alone could have made a difference, and how many people it takes to show one."""

import numpy as np
import pandas as pd
from scipy import optimize, stats

__all__ = ["detectable", "holm", "paired_t_test", "people_needed", "power", "sign_flip_test"]

_STREAM = 72
_BLOCK = 4_000_000  # signs in memory at a time
_FAR = 35.0  # a true mean of so many standard errors is shown always, but for fewer than six people


def _checked(differences: pd.DataFrame) -> np.ndarray:
    data = differences.to_numpy(dtype=np.float64)
    if np.isinf(data).any() or (np.isfinite(data).sum(axis=0) < 2).any():
        raise ValueError("each column of differences needs at least 2 values, none infinite")
    return data


def sign_flip_test(differences: pd.DataFrame, *, seed: int, n_flips: int = 9999) -> pd.Series:
    r"""Test whether paired differences have mean zero, by turning the signs of pairs at random.

    .. math:: p = \frac{1 + \#\{b : |\bar d^{(b)}| \ge |\bar d|\}}{1 + B}, \qquad
              \bar d^{(b)} = \frac1n \sum_u \epsilon_u^{(b)} d_u

    If neither of the two is better, a person's difference is as likely with either sign; no shape of distribution is
    assumed. Of *separate* comparisons by chance, with ties and few people too, at most a share :math:`\alpha` has
    :math:`p \le \alpha`. Comparisons that share recommenders, as all pairs of some, or many against one baseline, are
    fooled together: of the 66 pairs among 12 that only guess, the share with :math:`p \le 0.05` is 5 % in the mean
    over many such twelves, but one twelve may well show none, or 15 %. That is no fault of p, and :func:`holm` holds
    all the same. Where all :math:`2^n` patterns of signs are no more than B, each is tried once and p is exact. Source:
    Fisher, "The Design of Experiments" (1935); for retrieval, Smucker, Allan and Carterette (2007).

    Parameters
    ----------
    differences : DataFrame (n, m)
        One row a unit (a person), one column a comparison; NaN where a unit has no difference.
    seed : int
        Seed of the flips; all columns share them.
    n_flips : int
        B, at least 99: no p is smaller than 1 / (B + 1).

    Returns
    -------
    Series (m,)
        Two-sided p of each column.

    Raises
    ------
    ValueError
        If a column has fewer than two values or an infinite one, or ``n_flips`` is too small.
    """
    data = _checked(differences)
    if n_flips < 99:
        raise ValueError(f"n_flips must be at least 99, not {n_flips}")
    n = len(data)
    filled = np.where(np.isnan(data), 0.0, data)
    observed = np.abs(filled.sum(axis=0))
    # Sums that are equal on paper differ in their last digits; they count as reached.
    reached = observed - 1e-9 * np.abs(filled).sum(axis=0)
    exact = n < 63 and 2**n <= n_flips
    total = 2**n if exact else n_flips
    rng = np.random.default_rng([seed, _STREAM])
    as_far = np.zeros(filled.shape[1], dtype=np.int64)
    step = max(1, _BLOCK // n)
    for start in range(0, total, step):
        size = min(step, total - start)
        if exact:
            signs = 2.0 * (np.arange(start, start + size)[:, None] >> np.arange(n) & 1) - 1.0
        else:
            packed = np.frombuffer(rng.bytes(size * ((n + 7) // 8)), dtype=np.uint8).reshape(size, -1)
            signs = 2.0 * np.unpackbits(packed, axis=1, count=n) - 1.0
        as_far += (np.abs(signs @ filled) >= reached).sum(axis=0)
    p = as_far / total if exact else (1.0 + as_far) / (1.0 + total)
    return pd.Series(p, index=differences.columns, name="p")


def paired_t_test(differences: pd.DataFrame) -> pd.Series:
    """Test whether paired differences have mean zero, by Student's t (1908).

    Parameters
    ----------
    differences : DataFrame (n, m)
        As for :func:`sign_flip_test`.

    Returns
    -------
    Series (m,)
        Two-sided p of each column; 1 where all differences are zero.

    Raises
    ------
    ValueError
        As :func:`sign_flip_test`.
    """
    data = _checked(differences)
    count = np.isfinite(data).sum(axis=0)
    error = np.nanstd(data, axis=0, ddof=1) / np.sqrt(count)
    mean = np.nanmean(data, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2.0 * stats.t.sf(np.abs(mean / error), count - 1)
    return pd.Series(np.where(mean == 0.0, 1.0, p), index=differences.columns, name="p")


def holm(p: pd.Series) -> pd.Series:
    r"""Adjust the p of several comparisons, so that the chance of being fooled by any of them stays below the level.

    .. math:: \tilde p_{(i)} = \max_{j \le i} \min\bigl(1, (m - j + 1) \, p_{(j)}\bigr)

    with :math:`p_{(1)} \le \dots \le p_{(m)}` (Holm, 1979). It holds whatever the comparisons have in common.

    Parameters
    ----------
    p : Series (m,)
        One p a comparison; NaN where there is none, which is not counted.

    Returns
    -------
    Series (m,)
        Adjusted p, in the order given.

    Raises
    ------
    ValueError
        If a p is not in [0, 1].
    """
    known = p.dropna()
    if not known.between(0.0, 1.0).all():
        raise ValueError("each p must be in [0, 1]")
    order = np.argsort(known.to_numpy(), kind="stable")
    scaled = np.minimum(1.0, known.to_numpy()[order] * np.arange(len(known), 0, -1))
    adjusted = np.full(len(p), np.nan)
    adjusted[np.flatnonzero(p.notna())[order]] = np.maximum.accumulate(scaled)
    return pd.Series(adjusted, index=p.index, name=p.name)


def power(effect: float, spread: float, n: int, *, level: float = 0.95) -> float:
    r"""Return how often a true difference would be shown by a paired t test.

    .. math:: \Pr\bigl(|T| > t_{1 - \alpha/2,\, n-1}\bigr), \qquad T \sim t_{n-1}(\delta \sqrt n / \sigma)

    with T of the noncentral t distribution (Cohen, 1988).

    Parameters
    ----------
    effect : float
        The true mean difference, :math:`\delta`.
    spread : float
        Standard deviation of the differences of people, :math:`\sigma > 0`.
    n : int
        People, at least 2.
    level : float
        :math:`1 - \alpha`, in (0, 1).

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    if not (spread > 0.0 and n >= 2 and 0.0 < level < 1.0):
        raise ValueError(f"spread must be positive, n at least 2 and level in (0, 1), not {spread}, {n} and {level}")
    limit = stats.t.ppf((1.0 + level) / 2.0, n - 1)
    shift = abs(effect) * np.sqrt(n) / spread
    if shift > _FAR:
        return 1.0
    # Beyond a shift of 5 the other tail is below 1e-8, and SciPy returns NaN for some of it.
    other = stats.nct.cdf(-limit, n - 1, shift) if shift < 5.0 else 0.0
    return float(stats.nct.sf(limit, n - 1, shift) + other)


def detectable(spread: float, n: int, *, level: float = 0.95, wanted: float = 0.8) -> float:
    """Return the smallest true difference that n people would show often enough.

    Parameters
    ----------
    spread, n, level
        As for :func:`power`.
    wanted : float
        How often it should be shown, above ``1 - level`` and below 1.

    Returns
    -------
    float
        In the unit of ``spread``.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    if not 1.0 - level < wanted < 1.0:
        raise ValueError(f"wanted must be above 1 - level = {1.0 - level:.3g} and below 1, not {wanted}")
    power(0.0, spread, n, level=level)  # refuses what is out of range
    upper = spread * _FAR / np.sqrt(n)
    if power(upper * (1.0 - 1e-9), spread, n, level=level) < wanted:
        raise ValueError(f"{n} people are too few to be sure of anything at level {level}")
    return float(optimize.brentq(lambda effect: power(effect, spread, n, level=level) - wanted, 0.0, upper, xtol=1e-12))


def people_needed(effect: float, spread: float, *, level: float = 0.95, wanted: float = 0.8) -> int:
    """Return how many people it takes to show a true difference often enough.

    Parameters
    ----------
    effect, spread, level
        As for :func:`power`; the effect is not zero.
    wanted : float
        How often it should be shown, above ``1 - level`` and below 1.

    Returns
    -------
    int
        The smallest n whose :func:`power` is at least ``wanted``.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    if effect == 0.0 or not 1.0 - level < wanted < 1.0:
        raise ValueError(
            f"effect must not be 0 and wanted must be in ({1.0 - level:.3g}, 1), not {effect} and {wanted}"
        )
    low, high = 1, 2
    while power(effect, spread, high, level=level) < wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(effect, spread, middle, level=level) >= wanted else (middle, high)
    return high
