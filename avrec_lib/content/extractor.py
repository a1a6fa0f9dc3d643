"""What an extractor is: a function from a clip to numbers, and everything that decides these numbers."""

import hashlib
import importlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import avrec_lib
from avrec_lib.dependencies import fingerprint, library_versions, module_closure

__all__ = ["Extractor"]

_ROOT = Path(avrec_lib.__file__).parents[1]
_imported: dict[str, tuple[object, str]] = {}  # of an author's own modules, which import it was and the source then


@dataclass(frozen=True)
class Extractor:
    """A way to describe clips by numbers, whose results can be kept.

    Parameters
    ----------
    name : str
        Name of the modality or of the method; names the table and the folder in the cache.
    describe : callable
        For media, ``describe(path, **parameters)`` gives a vector (d,) and raises
        :class:`~avrec_lib.media.MediaError` or :class:`~avrec_lib.content.features.NoFeaturesError` where there is
        nothing to measure. For text, ``describe(texts, **parameters)`` gives a matrix (n, d) for a list of n texts,
        with a row of NaN where a text has nothing to measure. It stands at the top of a module, so that other
        processes can import it and the module's source can be hashed.
    columns : tuple of str
        What each of the d entries is.
    reads : "media" or "text"
        What it is given.
    parameters : mapping, optional
        Further arguments, which JSON can write. They are copied and cannot be changed afterwards; the function is given
        a copy of its own, in which, as JSON has it, sequences are lists.

    Raises
    ------
    ValueError
        If the name is no plain word, columns are missing or repeat, or :meth:`check_current` finds a fault.
    """

    name: str
    describe: Callable[..., Any]
    columns: tuple[str, ...]
    reads: Literal["media", "text"] = "media"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name.replace("-", "").replace("_", "").isalnum() or not self.name.isascii():
            raise ValueError(f"an extractor's name is made of letters, digits, - and _, not {self.name!r}")
        columns = tuple(self.columns)
        if not columns or len(set(columns)) < len(columns):
            raise ValueError(f"{self.name}: each column needs a name of its own, but the names are {columns[:5]}...")
        if self.reads not in ("media", "text"):
            raise ValueError(f"{self.name}: reads is 'media' or 'text', not {self.reads!r}")
        self.check_current()
        try:
            parameters = json.loads(json.dumps(_thawed(self.parameters), allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{self.name}: parameters must be what JSON can write: {error}") from error
        if not isinstance(parameters, dict):
            raise ValueError(f"{self.name}: parameters is a mapping of names to values, not {self.parameters!r}")
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "parameters", _frozen(parameters))

    def __getstate__(self) -> dict[str, Any]:
        # What cannot be changed cannot be pickled either.
        return {one.name: getattr(self, one.name) for one in fields(self)} | {"parameters": self.arguments}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # What was checked once is not checked again by each worker at each task.
        for name, value in (state | {"parameters": _frozen(state["parameters"])}).items():
            object.__setattr__(self, name, value)

    def check_current(self) -> None:
        """Make sure that the function is the one that stands in its file, as far as this process has seen the file.

        What it gives is kept under a hash of the file, so that the two must not differ.

        Raises
        ------
        ValueError
            If the function is not found under its name, or a module of its author's own, by which it is made, was
            edited after an extractor had been made of it and was not loaded anew.
        """
        _check_importable(self.name, self.describe)
        if not self.is_of_the_library:
            _check_unedited(self.name, self.describe.__module__)

    @property
    def arguments(self) -> dict[str, Any]:
        """Return a copy of the parameters, for one call of the function."""
        return _thawed(self.parameters)

    @property
    def is_of_the_library(self) -> bool:
        """Whether the function is the library's, and not its user's own."""
        return self.describe.__module__.startswith(f"{avrec_lib.__name__}.")

    @property
    def function(self) -> str:
        """Return the function's full name."""
        return f"{self.describe.__module__}.{self.describe.__qualname__}"

    @cached_property
    def version(self) -> str:
        """Return a hash of all that decides a description besides the clip.

        It covers the function's name, the parameters and the columns; the sources of the function's module and of
        every module of the library, or of its author's own folders, that it imports, directly or not; and the
        versions of the installed libraries that these import. It does not cover files which the function reads:
        give what identifies them as a parameter.

        Returns
        -------
        str
            Sixteen hexadecimal digits.
        """
        module = self.describe.__module__
        files = module_closure(_ROOT, module)
        facts = {
            "function": self.function,
            "parameters": self.arguments,
            "columns": list(self.columns),
            "libraries": library_versions(files.values(), also=[module.partition(".")[0]]),
        }
        return fingerprint(files, **facts)[:16]

    @property
    def origin(self) -> dict[str, Any]:
        """Return what a table says of how it was made."""
        return {
            "extractor": self.name,
            "function": self.function,
            "parameters": self.arguments,
            "version": self.version,
        }


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return MappingProxyType({key: _frozen(part) for key, part in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def _thawed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _thawed(part) for key, part in value.items()}
    return list(map(_thawed, value)) if isinstance(value, (list, tuple)) else value


def _check_importable(name: str, function: Callable[..., Any]) -> None:
    """Make sure that a worker process finds the same function under the same name."""
    module, word = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    if module and module != "__main__" and word.isidentifier():
        if getattr(importlib.import_module(module), word, None) is function:
            return
    raise ValueError(
        f"{name}: {function!r} must be a function at the top of a module in a file, so that its source can be hashed "
        "and other processes can import it; give what varies as parameters"
    )


def _check_unedited(name: str, module: str) -> None:
    """Make sure that this process would import the same sources again."""
    for one, path in module_closure(_ROOT, module).items():
        spec = getattr(sys.modules.get(one), "__spec__", None)  # each import and reload makes another
        if spec is None:
            continue
        source = hashlib.sha256(path.read_bytes()).hexdigest()
        before, known = _imported.setdefault(one, (spec, source))
        if before is not spec:
            _imported[one] = spec, source
        elif known != source:
            raise ValueError(
                f"{name}: {path} was edited after {one} had been imported; load it anew by importlib.reload, and then "
                "what imports it, and make the extractor again"
            )
