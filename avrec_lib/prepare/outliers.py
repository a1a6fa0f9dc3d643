"""The quartile rule for outliers, and why it suits heights better than plays."""

import numpy as np
import numpy.typing as npt

__all__ = ["iqr_mask"]


def iqr_mask(x: npt.ArrayLike, k: float = 1.5, *, log: bool = False) -> np.ndarray:
    r"""Mark what lies within the fences of Tukey's box plot.

    .. math:: Q_1 - k\,(Q_3 - Q_1) \;\le\; x \;\le\; Q_3 + k\,(Q_3 - Q_1)

    Where half the values are equal the fences close on them and everything else looks like an outlier; such a column
    is refused. Counts of plays have a long tail by nature: judge them by their logarithm, or leave them alone.

    Parameters
    ----------
    x : array_like (n,)
        Numbers. An absent one is not within.
    k : float
        Width of the fences in interquartile ranges, zero or more.
    log : bool
        Judge :math:`\log(1 + x)` instead; `x` may then not be negative.

    Returns
    -------
    ndarray of bool (n,)
        True for what is within: ``rows[mask]`` keeps whole rows.

    Raises
    ------
    TypeError
        If `x` is not numeric.
    ValueError
        If `x` has another shape than (n,), `k` is negative, `log` meets a negative number, or both quartiles are equal
        although the numbers are not.

    References
    ----------
    J. W. Tukey, *Exploratory Data Analysis*, Addison-Wesley, 1977.

    Examples
    --------
    >>> iqr_mask([1, 2, 3, 4, 100])
    array([ True,  True,  True,  True, False])
    """
    values = np.asarray(x)
    if values.dtype.kind not in "buif":
        raise TypeError(f"quartiles need numbers, got {values.dtype}; choose the numeric columns first")
    if values.ndim != 1:
        raise ValueError(f"give one column of shape (n,), got shape {values.shape}")
    if not k >= 0.0:
        raise ValueError(f"k is the width of the fences, zero or more, got {k}")
    values = values.astype(np.float64)
    if log:
        if np.nanmin(values, initial=0.0) < 0.0:
            raise ValueError(f"the logarithm needs numbers from 0 on, but the smallest is {np.nanmin(values)}")
        values = np.log1p(values)
    known = values[~np.isnan(values)]
    if not len(known):
        return np.zeros(len(values), dtype=bool)
    low, high = np.quantile(known, [0.25, 0.75])
    if low == high and (known != low).any():
        raise ValueError(
            f"half of the {len(known)} numbers are {low:g}, so that all others would be outliers; "
            "this column is rare or binary, and quartiles say nothing about it"
        )
    within: np.ndarray = (values >= low - k * (high - low)) & (values <= high + k * (high - low))
    return within
