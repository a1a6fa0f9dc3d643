"""What every way of fusing feature tables has in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Self, TypeVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion.concatenation import unit_rows
from avrec_lib.content.fusion.scaling import FeatureScaler

__all__ = ["Fusion"]

Value = TypeVar("Value")


class Fusion(BaseEstimator, ABC):
    """One interface for all ways of fusing: fitted on training clips, it transforms these and new ones.

    Each modality is scaled by its training clips (:class:`.FeatureScaler`), and each row brought to length 1. A
    subclass keeps its parameters as given, learns in ``_fit`` and overrides ``_transform``.

    Parameters
    ----------
    scale : str or mapping of str to str
        How each modality is scaled: a way of :class:`.FeatureScaler`, or one by name.
    limit : float, None, or mapping of str to those
        Where scaled values are cut, as for :class:`.FeatureScaler`; None for embeddings with a few large directions.

    Attributes
    ----------
    names_ : tuple of str
        The modalities, in the order of ``fit``.
    scalers_ : dict of str to FeatureScaler
        The fitted scaler of each.
    """

    scale: str | Mapping[str, str]
    limit: float | Mapping[str, float | None] | None
    names_: tuple[str, ...]
    scalers_: dict[str, FeatureScaler]

    def fit(
        self,
        tables: Sequence[FeatureTable],
        *,
        likes: pd.DataFrame | None = None,
        validation: pd.DataFrame | None = None,
    ) -> Self:
        """Learn from training clips, and where it is asked for, from who liked them. Refused, it stays as it was.

        Parameters
        ----------
        tables : sequence of FeatureTable
            One a modality, of training clips only; distinct names. A clip may be missing from some.
        likes : DataFrame, optional
            ``user_id, item_id``: which clips of the tables people liked. Rows of other clips are left out.
        validation : DataFrame, optional
            The same people's later likes, for what is chosen on validation.

        Returns
        -------
        Fusion
            Itself.

        Raises
        ------
        ValueError
            If there is no table, names repeat, or what the way learns from is not given.
        """
        before = dict(self.__dict__)
        try:
            self._fit_scalers(tables)
            ids, blocks, present = self._blocks(tables)
            self._fit(ids, blocks, present, likes, validation)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def transform(self, tables: Sequence[FeatureTable]) -> FeatureTable:
        """Bring clips into the common space.

        Parameters
        ----------
        tables : sequence of FeatureTable
            Modalities of ``fit``, of any clips. A table that is left out is a modality that all clips lack.

        Returns
        -------
        FeatureTable
            Every clip that is in a table, in the order in which they come; absent is who lacks all modalities.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If nothing was fitted.
        ValueError
            If a table is none of ``fit``.
        """
        ids, blocks, present = self._blocks(tables)
        matrix = np.asarray(self._transform(blocks, present), dtype=np.float32)
        origin = {
            "fusion": type(self).__name__,
            "parameters": {name: _plain(value) for name, value in self.get_params().items()},
            "of": {table.name: table.origin for table in tables},
        }
        return FeatureTable(ids.to_numpy(), matrix, np.asarray(present.any(axis=1)), "fused", origin=origin)

    @abstractmethod
    def _fit(
        self,
        ids: pd.Index,
        blocks: list[np.ndarray],
        present: np.ndarray,
        likes: pd.DataFrame | None,
        validation: pd.DataFrame | None,
    ) -> None:
        """Learn from blocks, (n, d_m) each with zeros where a clip lacks the modality, and present (n, M)."""

    @abstractmethod
    def _transform(self, blocks: list[np.ndarray], present: np.ndarray) -> np.ndarray:
        """Return one vector a clip, (n, d)."""

    def _fit_scalers(self, tables: Sequence[FeatureTable]) -> None:
        """Learn the names of the modalities, and how each is scaled."""
        names = tuple(table.name for table in tables)
        if not names or len(set(names)) < len(names):
            raise ValueError(f"{type(self).__name__} needs at least one table, and distinct names, not {list(names)}")
        ways = _by_name("scale", self.scale, names)
        limits = _by_name("limit", self.limit, names)
        self.names_ = names
        self.scalers_ = {table.name: FeatureScaler(ways[table.name], limits[table.name]).fit(table) for table in tables}

    def _blocks(self, tables: Sequence[FeatureTable]) -> tuple[pd.Index, list[np.ndarray], np.ndarray]:
        """Scale tables: ids (n,), one block (n, d_m) a modality of unit rows or zeros, and which are there (n, M)."""
        if not hasattr(self, "scalers_"):
            raise NotFittedError(f"fit {type(self).__name__} on training clips before transforming with it")
        given = {table.name: table for table in tables}
        if not given or len(given) < len(tables) or not set(given) <= set(self.names_):
            raise ValueError(f"tables must be some of {list(self.names_)}, each once, not {[*given]}")
        first, *others = (pd.Index(table.ids) for table in given.values())
        ids = first.append(others).unique()
        blocks = []
        present = np.zeros((len(ids), len(self.names_)), dtype=bool)
        for column, name in enumerate(self.names_):
            block = np.zeros((len(ids), len(self.scalers_[name].varies_)), dtype=np.float32)
            if name in given:
                rows = self.scalers_[name].transform(given[name]).aligned(ids)
                present[:, column] = rows.present
                block[rows.present] = unit_rows(rows.matrix[rows.present])
            blocks.append(block)
        return ids, blocks, present


def _by_name(parameter: str, given: Value | Mapping[str, Value], names: Sequence[str]) -> dict[str, Value]:
    """Return a value for each modality: the one that is given for all, or each its own."""
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, given)
    if set(given) != set(names):
        raise ValueError(f"{parameter} must name a value for each of {list(names)}; it has {list(given)}")
    return dict(given)


def _plain(value: object) -> object:
    """Return a parameter as JSON can write it."""
    return dict(value) if isinstance(value, Mapping) else value
