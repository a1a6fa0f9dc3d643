"""Categories become numbers by what the target did in the training rows, and in no others."""

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["TargetEncoder"]


class TargetEncoder:
    r"""A category becomes the mean target of its training rows, drawn towards the mean of all.

    .. math:: e_c = \frac{\sum_{i : c_i = c} y_i + m\,\bar y}{n_c + m}

    A row must not see its own target. New rows cannot; training rows are encoded by other training rows, either
    from the other parts of a random partition or, where the rows have a time, from strictly earlier rows.

    Parameters
    ----------
    smoothing : float
        :math:`m`, zero or more: how many rows of average target each category is given on top.
    folds : int
        In how many parts training rows are encoded, 2 or more.
    seed : int
        Seed of the partition.

    Attributes
    ----------
    mean_ : float
        Mean target of the training rows; what an unknown category becomes.
    encoding_ : Series
        :math:`e_c` by category.

    References
    ----------
    D. Micci-Barreca, "A Preprocessing Scheme for High-Cardinality Categorical Attributes in Classification and
    Prediction Problems", *SIGKDD Explorations* 3(1), 2001. Earlier rows only: L. Prokhorenkova et al., "CatBoost:
    unbiased boosting with categorical features", NeurIPS 2018.
    """

    def __init__(self, smoothing: float = 10.0, folds: int = 5, seed: int = 0) -> None:
        self.smoothing, self.folds, self.seed = smoothing, folds, seed

    def fit(self, categories: npt.ArrayLike | pd.Series, target: npt.ArrayLike) -> Self:
        """Learn the encoding from all training rows.

        Parameters
        ----------
        categories : array_like (n,)
            Any values; an absent one is a category of its own.
        target : array_like (n,)
            Numbers, 0 and 1 for an event that happened or not.

        Returns
        -------
        TargetEncoder
            Itself.

        Raises
        ------
        ValueError
            If lengths differ, there is no row, a target is absent, or a parameter is out of range.
        """
        names, y = self._checked(categories, target)
        self.mean_ = float(y.mean())
        groups = pd.Series(y).groupby(names, dropna=False)
        self.encoding_ = (groups.sum() + self.smoothing * self.mean_) / (groups.size() + self.smoothing)
        return self

    def transform(self, categories: npt.ArrayLike | pd.Series) -> np.ndarray:
        """Encode rows that were not in the training part.

        Parameters
        ----------
        categories : array_like (n,)
            Values.

        Returns
        -------
        ndarray of float64 (n,)
            An unknown category becomes the mean.

        Raises
        ------
        RuntimeError
            If the encoder was not fitted.
        """
        if not hasattr(self, "encoding_"):
            raise RuntimeError("fit the encoder on training rows before transforming with it")
        names = pd.Index(pd.Series(categories).reset_index(drop=True))
        place = self.encoding_.index.get_indexer(names)
        return np.where(place >= 0, self.encoding_.to_numpy()[place], self.mean_)

    def fit_transform(
        self, categories: npt.ArrayLike | pd.Series, target: npt.ArrayLike, *, time: pd.Series | None = None
    ) -> np.ndarray:
        """Fit on training rows, and encode them without letting any row see its own target.

        Parameters
        ----------
        categories, target : array_like (n,)
            As for :meth:`fit`.
        time : Series (n,), optional
            Then a row is encoded by the rows strictly before it, and the first ones by the mean of those before
            them, or by 0.5 where there are none; otherwise by the other parts of a partition.

        Returns
        -------
        ndarray of float64 (n,)
            Not what ``fit(...).transform(...)`` gives for the same rows.
        """
        names, y = self._checked(categories, target)
        self.fit(names, y)
        if time is not None:
            return self._from_the_past(names, y, time)
        part = np.random.default_rng([self.seed, 31]).permutation(np.arange(len(y)) % self.folds)
        codes, values = pd.factorize(names, use_na_sentinel=False)
        size, width = (self.folds, len(values)), len(values)
        sums = np.bincount(part * width + codes, weights=y, minlength=self.folds * width).reshape(size)
        counts = np.bincount(part * width + codes, minlength=self.folds * width).reshape(size)
        sums, counts = sums.sum(axis=0) - sums, counts.sum(axis=0) - counts
        mean = sums.sum(axis=1, keepdims=True) / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        encoded = np.where(counts + self.smoothing > 0.0, sums + self.smoothing * mean, mean)
        encoded /= np.where(counts + self.smoothing > 0.0, counts + self.smoothing, 1.0)
        return np.asarray(encoded[part, codes])

    def _from_the_past(self, names: pd.Series, y: np.ndarray, time: pd.Series) -> np.ndarray:
        if len(time) != len(y) or time.isna().any():
            raise ValueError(f"every one of the {len(y)} rows needs a time")
        moment = pd.factorize(time, sort=True)[0]
        before_all = _sums_before(np.zeros(len(y), dtype=np.int64), moment, y)
        before_same = _sums_before(pd.factorize(names, use_na_sentinel=False)[0], moment, y)
        mean = np.divide(before_all[0], before_all[1], out=np.full(len(y), 0.5), where=before_all[1] > 0)
        weight = before_same[1] + self.smoothing
        return np.divide(before_same[0] + self.smoothing * mean, weight, out=mean.copy(), where=weight > 0)

    def _checked(self, categories: npt.ArrayLike | pd.Series, target: npt.ArrayLike) -> tuple[pd.Series, np.ndarray]:
        names, y = pd.Series(categories).reset_index(drop=True), np.asarray(target, dtype=np.float64)
        if len(names) != len(y) or not len(y):
            raise ValueError(f"each row needs a category and a target, got {len(names)} and {len(y)}")
        if not np.isfinite(y).all():
            raise ValueError(f"row {np.flatnonzero(~np.isfinite(y))[0]} has no finite target")
        if self.smoothing < 0.0 or self.folds < 2:
            raise ValueError(f"smoothing is 0 or more and folds 2 or more, got {self.smoothing} and {self.folds}")
        return names, y


def _sums_before(group: np.ndarray, moment: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each row, sum and number of the targets of its group at strictly earlier moments."""
    order = np.lexsort((moment, group))
    g, t = group[order], moment[order]
    total = np.concatenate([[0.0], np.cumsum(y[order])])
    new_group = np.concatenate([[True], g[1:] != g[:-1]])
    new_moment = new_group | np.concatenate([[True], t[1:] != t[:-1]])
    at = np.arange(len(y))
    group_start = np.maximum.accumulate(np.where(new_group, at, 0))
    moment_start = np.maximum.accumulate(np.where(new_moment, at, 0))
    sums, counts = np.empty(len(y)), np.empty(len(y))
    sums[order] = total[moment_start] - total[group_start]
    counts[order] = moment_start - group_start
    return sums, counts
