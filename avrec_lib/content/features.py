"""The table in which one modality's measurements of many clips travel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

__all__ = ["FeatureTable", "Ids", "NoFeaturesError"]

Ids: TypeAlias = Sequence[Any] | np.ndarray | pd.Index
"""Identifiers of clips, items or people: text or whole numbers."""


class NoFeaturesError(ValueError):
    """Raised by an extractor for which a clip holds nothing to measure, such as a silent sound track."""


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Vectors of clips, in one modality.

    A clip that has nothing to measure has ``present`` False and a row of NaN: a
    row of zeros would look like a measurement.

    Parameters
    ----------
    ids : ndarray (n,)
        Identifiers of the clips, unique.
    matrix : ndarray (n, d)
        One row a clip; kept as float32, read-only. Rows of absent clips become NaN.
    present : ndarray (n,) of bool
        Whether the clip was measured.
    name : str
        Name of the modality or extractor.

    Raises
    ------
    ValueError
        If shapes do not fit, an id repeats, or a present row is not finite.
    """

    ids: np.ndarray
    matrix: np.ndarray
    present: np.ndarray
    name: str

    def __post_init__(self) -> None:
        ids = np.asarray(self.ids)
        matrix = np.array(self.matrix, dtype=np.float32)
        present = np.array(self.present)
        if ids.ndim != 1 or matrix.ndim != 2 or len(matrix) != len(ids) or present.shape != ids.shape:
            raise ValueError(
                f"{self.name}: ids (n,), matrix (n, d) and present (n,) must agree in n, "
                f"but their shapes are {ids.shape}, {matrix.shape} and {present.shape}"
            )
        if present.dtype != np.bool_:
            raise ValueError(f"{self.name}: present must be of type bool, not {present.dtype}")
        index = pd.Index(ids)
        if not index.is_unique:
            raise ValueError(f"{self.name}: id {index[index.duplicated()][0]!r} occurs more than once")
        matrix[~present] = np.nan
        broken = present & ~np.isfinite(matrix).all(axis=1)
        if broken.any():
            raise ValueError(
                f"{self.name}: the row of {ids[broken].tolist()[0]!r} ({broken.sum()} rows in all) is not finite; "
                "a clip that could not be measured has present = False"
            )
        for array in (matrix, present):
            array.flags.writeable = False
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "present", present)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def width(self) -> int:
        """Number of columns, d."""
        return self.matrix.shape[1]

    def positions(self, ids: Ids) -> np.ndarray:
        """Return the rows at which clips stand.

        Parameters
        ----------
        ids : sequence (m,)
            Identifiers.

        Returns
        -------
        ndarray (m,) of intp
            Row numbers, in the order of ``ids``.

        Raises
        ------
        KeyError
            If an id is not in the table; the message names the first few.
        """
        rows = pd.Index(self.ids).get_indexer(pd.Index(ids))
        if (rows < 0).any():
            unknown = pd.Index(ids)[rows < 0][:5].tolist()
            raise KeyError(f"{self.name}: {(rows < 0).sum()} ids are not in the table, such as {unknown}")
        return rows

    def select(self, ids: Ids) -> "FeatureTable":
        """Return the rows of some clips, in the order asked for.

        Parameters
        ----------
        ids : sequence (m,)
            Identifiers, each in the table, none twice.

        Returns
        -------
        FeatureTable
            With m rows; row i belongs to ``ids[i]``.

        Raises
        ------
        KeyError
            If an id is not in the table.
        """
        rows = self.positions(ids)
        return FeatureTable(self.ids[rows], self.matrix[rows], self.present[rows], self.name)
