"""Columns of a table become columns of a matrix, every statistic learned from training rows."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from avrec_lib.prepare.splits import refuse_columns, refuse_later
from avrec_lib.prepare.target_encoding import TargetEncoder
from avrec_lib.prepare.vocabulary import Vocabulary

__all__ = ["SCALERS", "Preprocessor"]


def _log_then_standard() -> Any:
    return make_pipeline(FunctionTransformer(np.log1p, feature_names_out="one-to-one"), StandardScaler())


class _Quantiles(QuantileTransformer):
    """As many quantiles as asked for, or as many as there are rows."""

    def fit(self, X: Any, y: Any = None) -> "_Quantiles":
        self.set_params(n_quantiles=min(self.n_quantiles, len(X)))
        super().fit(X, y)
        return self


SCALERS: dict[str, Callable[[], Any]] = {
    "max": MaxAbsScaler,
    "minmax": MinMaxScaler,
    "robust": RobustScaler,
    "zscore": StandardScaler,
    "quantile": lambda: _Quantiles(n_quantiles=1000, subsample=None),
    "log": _log_then_standard,
}
"""Makers of scalers for numeric columns; all keep absent values absent.

``max`` divides by the largest absolute value, ``minmax`` maps to [0, 1], ``robust`` takes off the median and divides by
the interquartile range, ``zscore`` takes off the mean and divides by the standard deviation, ``quantile`` gives the
share of training rows below, ``log`` is ``zscore`` of log(1 + x). A divisor of zero counts as one.
"""

_ENCODERS = ("target", "category", "words", "tags", "keep")


class Preprocessor:
    """Turn named columns into one matrix of numbers.

    Besides the scalers, a column can become its ``target`` encoding (one column), one column a known ``category``,
    counts of known ``words`` or ``tags`` (separated by ``|``), or be ``keep``-t as it is. Columns that are not named
    are left out.

    Parameters
    ----------
    columns : mapping
        How to treat each column: a name of :data:`SCALERS`, or ``target``, ``category``, ``words``, ``tags``, ``keep``.
    target : str, optional
        The column of the target, needed by ``target``; may not be among `columns`.
    time : str, optional
        The column of the time. Then `fit` asks for a moment and refuses rows at it or later, and the target encoding
        of a training row comes from strictly earlier rows.
    min_count : int
        In how many training rows a word, tag or category must occur to be known.
    smoothing : float
        For :class:`~avrec_lib.prepare.target_encoding.TargetEncoder`.

    Attributes
    ----------
    names_ : list of str
        What each column of the matrix is.
    steps_ : dict
        The fitted scaler, encoder or vocabulary of each column.
    moment_ : Timestamp or None
        Before which all training rows lie.

    Examples
    --------
    >>> train = pd.DataFrame({"plays": [1.0, 2.0, 4.0], "title": ["a cat", "a dog", None]})
    >>> step = Preprocessor({"plays": "max", "title": "words"}).fit(train)
    >>> step.names_
    ['plays', 'title: a', 'title: cat', 'title: dog']
    >>> step.transform(pd.DataFrame({"plays": [8.0], "title": ["a bird"]})).tolist()
    [[2.0, 1.0, 0.0, 0.0]]
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        *,
        target: str | None = None,
        time: str | None = None,
        min_count: int = 1,
        smoothing: float = 10.0,
    ) -> None:
        self.columns, self.target, self.time = dict(columns), target, time
        self.min_count, self.smoothing = min_count, smoothing

    def fit(self, train: pd.DataFrame, *, moment: pd.Timestamp | None = None) -> Self:
        """Learn all statistics.

        Parameters
        ----------
        train : DataFrame
            The training rows, and no others.
        moment : Timestamp, optional
            First instant that the training rows may not hold; needed where `time` was given, and only there.

        Returns
        -------
        Preprocessor
            Itself.

        Raises
        ------
        LeakError
            If a training row is at the moment or later, or the target is among the columns.
        ValueError
            If a way or a column is unknown, or `time` and `moment` do not come together.
        """
        self._check(train, moment)
        steps: dict[str, Any] = {}
        names: list[str] = []
        for name, way in self.columns.items():
            column = train[name]
            if way in SCALERS:
                scaler = SCALERS[way]()
                steps[name] = scaler.fit(_numbers(column, way))
                names.append(name)
            elif way == "target":
                steps[name] = TargetEncoder(self.smoothing).fit(column, train[self.target])
                names.append(f"{name}: mean of {self.target}")
            elif way == "keep":
                _numbers(column)
                names.append(name)
            else:
                steps[name] = self._vocabulary(way).fit(_texts(column, way))
                names += [f"{name}: {word}" for word in steps[name].words_]
        self.steps_, self.names_, self.moment_ = steps, names, moment
        return self

    def transform(self, table: pd.DataFrame) -> np.ndarray:
        """Turn rows that were not trained on into numbers.

        Parameters
        ----------
        table : DataFrame (n rows)
            Has the named columns; the target is not read.

        Returns
        -------
        ndarray of float32 (n, len(names_))
            Absent numbers stay NaN.

        Raises
        ------
        RuntimeError
            If nothing was fitted.
        ValueError
            If a column is not there or is not numeric.
        """
        if not hasattr(self, "steps_"):
            raise RuntimeError("fit the preprocessor on training rows before transforming with it")
        return self._matrix(table, {})

    def fit_transform(self, train: pd.DataFrame, *, moment: pd.Timestamp | None = None) -> np.ndarray:
        """Learn from training rows and turn them into numbers, without showing a row its own target.

        Parameters
        ----------
        train, moment
            As for :meth:`fit`.

        Returns
        -------
        ndarray of float32 (n, len(names_))
            Differs from ``fit(train).transform(train)`` in the target encodings.
        """
        self.fit(train, moment=moment)
        own: dict[str, np.ndarray] = {}
        for name in (name for name, way in self.columns.items() if way == "target"):
            times = None if self.time is None else train[self.time]
            own[name] = TargetEncoder(self.smoothing).fit_transform(train[name], train[self.target], time=times)
        return self._matrix(train, own)

    def _matrix(self, table: pd.DataFrame, own: dict[str, np.ndarray]) -> np.ndarray:
        blocks = []
        for name, way in self.columns.items():
            if name not in table:
                raise ValueError(f"column {name!r} is not in the table, which has {', '.join(map(str, table))}")
            column = table[name]
            if name in own:
                block = own[name][:, None]
            elif way in SCALERS:
                block = self.steps_[name].transform(_numbers(column, way)) if len(column) else np.zeros((0, 1))
            elif way == "target":
                block = self.steps_[name].transform(column)[:, None]
            elif way == "keep":
                block = _numbers(column)
            else:
                block = self.steps_[name].transform(_texts(column, way))
            blocks.append(np.asarray(block, dtype=np.float32))
        return np.hstack(blocks) if blocks else np.zeros((len(table), 0), dtype=np.float32)

    def _vocabulary(self, way: str) -> Vocabulary:
        return Vocabulary(self.min_count, {"words": None, "tags": "|", "category": "\0"}[way])

    def _check(self, train: pd.DataFrame, moment: pd.Timestamp | None) -> None:
        refuse_columns(self.columns, [] if self.target is None else [self.target])
        for name, way in self.columns.items():
            if way not in SCALERS and way not in _ENCODERS:
                raise ValueError(f"column {name!r}: there is no way {way!r}, only {', '.join([*SCALERS, *_ENCODERS])}")
            if way == "target" and self.target is None:
                raise ValueError(f"column {name!r} is to be encoded by a target, but target= names none")
        for needed in (*self.columns, self.target, self.time):
            if needed is not None and needed not in train:
                raise ValueError(
                    f"column {needed!r} is not in the training rows, which have {', '.join(map(str, train))}"
                )
        if (self.time is None) != (moment is None):
            raise ValueError("give time= (a column) and moment= together: one without the other checks nothing")
        if self.time is not None and moment is not None:
            refuse_later(train[[self.time]].set_axis(["time"], axis=1), moment, what="the rows to fit on")


def _numbers(column: pd.Series, way: str = "keep") -> np.ndarray:
    """Return a column as (n, 1) float64, fit for a way of scaling."""
    if not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)):
        raise ValueError(f"column {column.name!r} holds {column.dtype}, not numbers; encode it as category or words")
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if way == "log" and (values < 0.0).any():
        raise ValueError(f"column {column.name!r} holds {np.nanmin(values):g}; a logarithm needs numbers from 0 on")
    return values[:, None]


def _texts(column: pd.Series, way: str) -> list[str | None]:
    """Return a column as texts; a category is one word, whatever it holds."""
    values = column.astype(str) if way == "category" else column
    return [str(text) if there else None for text, there in zip(values, column.notna(), strict=True)]
