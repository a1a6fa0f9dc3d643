"""The table in which one modality's measurements of many clips travel."""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np

from avrec_lib.content.checked_files import DamagedFileError, read_checked, write_checked

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FeatureTable", "Ids", "NoFeaturesError"]

Ids: TypeAlias = Union[Sequence[Any], np.ndarray, "pd.Index"]
"""Identifiers of clips, items or people: text or whole numbers."""

_FORMAT = "avrec feature table 1"


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
        Identifiers of the clips, unique; kept as a copy, read-only.
    matrix : ndarray (n, d)
        One row a clip; kept as float32, read-only. Rows of absent clips become NaN.
    present : ndarray (n,) of bool
        Whether the clip was measured.
    name : str
        Name of the modality or extractor.
    columns : tuple of str, optional
        What each entry of a row is, d names without repeats; empty where they have none.
    origin : mapping, optional
        How the rows were made, in words and numbers that JSON can write; kept as a copy.

    Raises
    ------
    ValueError
        If shapes do not fit, an id or a column's name repeats, or a present row is not finite.
    """

    ids: np.ndarray
    matrix: np.ndarray
    present: np.ndarray
    name: str
    columns: tuple[str, ...] = ()
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ids = np.array(self.ids)
        matrix = np.array(self.matrix, dtype=np.float32)
        present = np.array(self.present)
        if ids.ndim != 1 or matrix.ndim != 2 or len(matrix) != len(ids) or present.shape != ids.shape:
            raise ValueError(
                f"{self.name}: ids (n,), matrix (n, d) and present (n,) must agree in n, "
                f"but their shapes are {ids.shape}, {matrix.shape} and {present.shape}"
            )
        if present.dtype != np.bool_:
            raise ValueError(f"{self.name}: present must be of type bool, not {present.dtype}")
        columns = tuple(self.columns)
        if columns and (len(columns) != matrix.shape[1] or len(set(columns)) < len(columns)):
            raise ValueError(
                f"{self.name}: {len(columns)} names of columns, {len(set(columns))} of them different, "
                f"do not fit a matrix of {matrix.shape[1]} columns"
            )
        import pandas as pd  # late: a worker makes vectors and no tables, and starts sooner without

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
        for array in (ids, matrix, present):
            array.flags.writeable = False
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "present", present)
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "origin", copy.deepcopy(dict(self.origin)))

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
        import pandas as pd

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
        return FeatureTable(self.ids[rows], self.matrix[rows], self.present[rows], self.name, self.columns, self.origin)

    def aligned(self, ids: Ids) -> "FeatureTable":
        """Return one row for each of some clips, absent where the table has none.

        Parameters
        ----------
        ids : sequence (m,)
            Identifiers, none twice, in the table or not.

        Returns
        -------
        FeatureTable
            With m rows; row i belongs to ``ids[i]``. Clips that are not asked for are left out.

        Raises
        ------
        ValueError
            If an id comes twice.

        Examples
        --------
        >>> table = FeatureTable(np.array(["a", "b"]), np.eye(2), np.ones(2, dtype=bool), "toy")
        >>> table.aligned(["b", "new"]).present
        array([ True, False])
        """
        import pandas as pd

        wanted = pd.Index(ids)
        rows = pd.Index(self.ids).get_indexer(wanted)
        known = rows >= 0
        matrix = np.full((len(wanted), self.width), np.nan, dtype=np.float32)
        matrix[known] = self.matrix[rows[known]]
        present = np.zeros(len(wanted), dtype=bool)
        present[known] = self.present[rows[known]]
        return FeatureTable(wanted.to_numpy(), matrix, present, self.name, self.columns, self.origin)

    @classmethod
    def concat(cls, tables: "Sequence[FeatureTable]") -> "FeatureTable":
        """Put the rows of several tables below each other, such as those of a catalogue and of new clips.

        Parameters
        ----------
        tables : sequence of FeatureTable
            Of different clips, and made in the same way: equal width, name, columns and origin.

        Returns
        -------
        FeatureTable
            All clips, in the order of the tables.

        Raises
        ------
        ValueError
            If there is no table, two were not made in the same way, or a clip is in two of them.
        """
        if not tables:
            raise ValueError("concat needs at least one table")
        first = tables[0]
        for table in tables[1:]:
            for what in ("name", "width", "columns", "origin"):
                one, other = getattr(first, what), getattr(table, what)
                if one != other:
                    raise ValueError(
                        f"tables below each other must be made in the same way, but their {what} differs: "
                        f"{one!r} and {other!r}"
                    )
        return cls(
            np.concatenate([table.ids for table in tables]),
            np.concatenate([table.matrix for table in tables]),
            np.concatenate([table.present for table in tables]),
            first.name,
            first.columns,
            first.origin,
        )

    def save(self, path: str | Path) -> None:
        """Write the table as one safetensors file, whole or not at all.

        The file's metadata hold a manifest: ids, names of columns, name and origin, and the SHA-256 of it all. Any
        reader of safetensors can open it; none of it is a pickle.

        Parameters
        ----------
        path : str or Path
            Where to write; a file that is there is replaced.

        Raises
        ------
        ValueError
            If an id is neither text nor a whole number, or the origin is not what JSON can write.
        OSError
            If it cannot be written, such as on a full disk; then nothing is left of it.
        """
        if np.issubdtype(self.ids.dtype, np.integer):
            ids: list[Any] = self.ids.tolist()
        else:
            ids = [str(one) if isinstance(one, str) else one for one in self.ids.tolist()]
            strange = [one for one in ids if not isinstance(one, (str, int)) or isinstance(one, bool)]
            if strange:
                raise ValueError(f"{self.name}: ids are saved as text or whole numbers, not {strange[0]!r}")
        manifest = {
            "format": _FORMAT,
            "name": self.name,
            "columns": list(self.columns),
            "origin": dict(self.origin),
            "ids": ids,
        }
        try:
            json.dumps(manifest, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.name}: origin must be what JSON can write: {error}") from error
        write_checked(path, {"matrix": self.matrix, "present": self.present}, manifest)

    @classmethod
    def load(cls, path: str | Path) -> "FeatureTable":
        """Read a table that :meth:`save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        FeatureTable
            As it was: ids of text or whole numbers, absent rows, names of columns and origin.

        Raises
        ------
        DamagedFileError
            If the file was changed, cut off, contradicts itself, or is no feature table; the message names it.
        FileNotFoundError
            If there is none.
        """
        arrays, manifest = read_checked(path)
        if manifest.get("format") != _FORMAT:
            raise DamagedFileError(path, "is no feature table of this version of the library")
        try:
            ids, columns, name, origin = (manifest[key] for key in ("ids", "columns", "name", "origin"))
            matrix, present = arrays["matrix"], arrays["present"]
        except LookupError as error:
            raise DamagedFileError(path, f"is no feature table: {error} is missing") from error
        typed = (
            isinstance(ids, list)
            and all(type(one) in (str, int) for one in ids)
            and isinstance(columns, list)
            and all(isinstance(one, str) for one in columns)
            and isinstance(name, str)
            and isinstance(origin, dict)
            and matrix.dtype == np.float32
        )
        if not typed:
            raise DamagedFileError(path, "is no feature table: a part of it is of another type than save writes")
        numbers = bool(ids) and all(isinstance(one, int) for one in ids)
        try:
            keys = np.array(ids, dtype=np.int64 if numbers else object)
            return cls(keys, matrix, present, name, tuple(columns), origin)
        except (ValueError, OverflowError) as error:
            raise DamagedFileError(path, f"contradicts itself: {error}") from error
