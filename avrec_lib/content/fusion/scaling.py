"""Columns of one modality brought to mean 0 and a common scale, and kept for clips that come later."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import RobustScaler, StandardScaler

from avrec_lib.content.features import FeatureTable, Ids
from avrec_lib.prepare.scaling import SCALERS

__all__ = ["FeatureScaler", "standardise"]


class _CommonScaler(StandardScaler):
    """Divides all columns by one number, the root of their mean variance."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> "_CommonScaler":
        super().fit(X, y, sample_weight)
        self.scale_ = np.full_like(self.var_, np.sqrt(self.var_.mean()) or 1.0)
        return self


class _MiddleScaler(RobustScaler):
    """Divides a column by its deviation where its middle half is one value."""

    def fit(self, X: Any, y: Any = None) -> "_MiddleScaler":
        super().fit(X, y)
        low, high = np.percentile(X, [25.0, 75.0], axis=0)
        deviation = np.std(X, axis=0)
        self.scale_: np.ndarray = np.where(high > low, high - low, np.where(deviation > 0.0, deviation, 1.0))
        return self


_WAYS: dict[str, Callable[[], Any]] = {
    "zscore": SCALERS["zscore"],
    "robust": _MiddleScaler,
    "common": _CommonScaler,
}


class FeatureScaler(BaseEstimator):
    r"""Bring the columns of a table to mean 0, and to a common scale, as training clips say.

    Measurements in different units (decibels, shares, events a second) need each column scaled by itself:
    :math:`z_{ij} = (x_{ij} - \mu_j) / \sigma_j` with ``zscore``, or median and interquartile range in place of mean and
    deviation with ``robust``, which keeps to the deviation where the middle half of a column is one value. The
    directions of an embedding are in one unit already, and small ones are small for a reason: with ``common`` all are
    divided by the same number, :math:`\sqrt{\tfrac1d \sum_j \sigma_j^2}`.

    Parameters
    ----------
    way : {"zscore", "robust", "common"}
        How columns are scaled.
    limit : float or None
        Scaled values beyond it are cut there: one clip unlike all others would drown everything else in a cosine. None
        cuts nothing, for embeddings with a few directions that are larger than the others.

    Attributes
    ----------
    scaler_ : estimator
        The fitted scaler of scikit-learn, with its centre and scale.
    varies_ : ndarray (d,) of bool
        Whether the column varies among the training clips, by more than a millionth of its largest value, in
        whatever unit. One that does not becomes 0 for all.
    columns_ : tuple of str
        Names of the columns that it was fitted on.

    Examples
    --------
    >>> ids = np.array(["a", "b", "c"])
    >>> sound = FeatureTable(ids, [[0.0], [4.0], [8.0]], np.ones(3, dtype=bool), "sound")
    >>> scaler = FeatureScaler().fit(sound, on=["a", "b"])
    >>> scaler.transform(sound).matrix.ravel().tolist()
    [-1.0, 1.0, 3.0]
    """

    def __init__(self, way: str = "zscore", limit: float | None = 5.0) -> None:
        self.way = way
        self.limit = limit

    def fit(self, features: FeatureTable, *, on: Ids | None = None) -> Self:
        """Learn centre and scale.

        Parameters
        ----------
        features : FeatureTable
            Any.
        on : sequence, optional
            Clips whose present rows decide: those of the training catalogue. Default: all of the table.

        Returns
        -------
        FeatureScaler
            Itself.

        Raises
        ------
        KeyError
            If a clip of ``on`` is not in the table.
        ValueError
            If fewer than two clips of ``on`` are present, there is no such way, or the limit is not positive.
        """
        if self.way not in _WAYS or (self.limit is not None and not self.limit > 0.0):
            raise ValueError(f"way is one of {', '.join(_WAYS)} and limit above 0, not {self.way!r} and {self.limit}")
        rows = np.arange(len(features)) if on is None else features.positions(on)
        known = features.matrix[rows[features.present[rows]]].astype(np.float64)
        if len(known) < 2:
            raise ValueError(f"{features.name}: only {len(known)} of {len(rows)} clips to learn from are present")
        self.scaler_ = _WAYS[self.way]().fit(known)
        self.varies_ = known.std(axis=0) > 1e-6 * np.abs(known).max(axis=0)
        self.columns_ = features.columns
        return self

    def transform(self, features: FeatureTable) -> FeatureTable:
        """Scale clips, those of training and new ones, by what `fit` learned.

        Parameters
        ----------
        features : FeatureTable
            Made in the same way as the table of `fit`.

        Returns
        -------
        FeatureTable
            The same clips, name and columns; ``origin`` says how they were scaled.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If nothing was fitted.
        ValueError
            If the table's columns are not those of `fit`.
        """
        if not hasattr(self, "scaler_"):
            raise NotFittedError("fit the scaler on training clips before transforming with it")
        if features.width != len(self.varies_) or features.columns != self.columns_:
            raise ValueError(
                f"{features.name}: {features.width} columns {features.columns[:3]}... are not the "
                f"{len(self.varies_)} columns {self.columns_[:3]}... that the scaler was fitted on"
            )
        scaled = np.zeros(features.matrix.shape)
        if features.present.any():
            there = features.matrix[features.present].astype(np.float64)
            values = self.scaler_.transform(there)
            if self.limit is not None:
                values = np.clip(values, -self.limit, self.limit)
            scaled[features.present] = values * self.varies_
        origin = {"scaled": self.way, "limit": self.limit, "of": features.origin}
        return FeatureTable(features.ids, scaled, features.present, features.name, features.columns, origin)


def standardise(features: FeatureTable, *, on: Ids, equal_columns: bool = True) -> FeatureTable:
    """Scale a table by some of its clips, in one step: :class:`FeatureScaler` without anything kept.

    Parameters
    ----------
    features : FeatureTable
        Any.
    on : sequence
        Clips whose present rows decide means and deviations: those of the training catalogue.
    equal_columns : bool
        Whether each column is scaled by itself (``zscore``), or all by one number (``common``).

    Returns
    -------
    FeatureTable
        The same clips, values beyond 5 deviations cut there.

    Raises
    ------
    KeyError
        If a clip of ``on`` is not in the table.
    ValueError
        If fewer than two clips of ``on`` are present.
    """
    return FeatureScaler("zscore" if equal_columns else "common").fit(features, on=on).transform(features)
