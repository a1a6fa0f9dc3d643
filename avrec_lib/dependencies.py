"""What a piece of Python depends on: the modules that it imports, directly or not, and the libraries behind them."""

import ast
import hashlib
import importlib.metadata
import json
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

__all__ = ["fingerprint", "imported_modules", "library_versions", "module_closure", "source_closure"]

PACKAGE = "avrec_lib"
# Libraries that are installed under another name than they are imported by.
_INSTALLED_AS = {"cv2": "opencv-python-headless", "skimage": "scikit-image", "sklearn": "scikit-learn", "PIL": "pillow"}


def _module_file(root: Path, module: str) -> Path | None:
    base = root.joinpath(*module.split("."))
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.exists():
            return candidate
    return None


def imported_modules(source: str, *, module: str = "", is_package: bool = False) -> set[str]:
    """Return the names of the library's modules that a piece of Python source imports.

    Imports inside functions count too. ``from a import b`` gives ``a`` and ``a.b``:
    which of the two it is, is settled by which file exists.

    Parameters
    ----------
    source : str
        Python source.
    module : str
        The dotted name of the module that the source is, to resolve relative imports; without it they are left out.
    is_package : bool
        Whether that module is a package's ``__init__``.

    Returns
    -------
    set of str
        Dotted names below ``avrec_lib``.

    Raises
    ------
    SyntaxError
        If the source does not parse.
    """
    return _of_package(_imported(ast.parse(source), module, is_package))


def _of_package(names: Iterable[str]) -> set[str]:
    return {name for name in names if name == PACKAGE or name.startswith(f"{PACKAGE}.")}


def _imported(tree: ast.Module, module: str, is_package: bool) -> set[str]:
    """Return the full name of all that a module imports, and of all names that it takes from there."""
    found: set[str] = set()
    for node in _import_statements(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
            continue
        base = node.module or ""
        if node.level:
            if not module:
                continue
            parts = module.split(".")
            parents = parts if is_package else parts[:-1]
            parents = parents[: len(parents) - (node.level - 1)]
            base = ".".join([*parents, *([base] if base else [])])
        if base:
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def _import_statements(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield imports wherever they stand; expressions hold none, so that only blocks are looked into."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, block, None)
            if isinstance(inner, list):
                todo.extend(inner)


def _imports_of(path: Path, module: str) -> frozenset[str]:
    status = path.stat()
    return _imports_at(path, module, (status.st_mtime_ns, status.st_size))


@cache
def _imports_at(path: Path, module: str, _stamp: tuple[int, int]) -> frozenset[str]:
    return frozenset(_imported(ast.parse(path.read_bytes()), module, path.name == "__init__.py"))


def source_closure(root: Path, modules: set[str]) -> dict[str, Path]:
    """Return every source file that importing some modules executes or reads.

    Parameters
    ----------
    root : Path
        The folder that holds the package.
    modules : set of str
        Dotted names.

    Returns
    -------
    dict
        From path relative to ``root`` to file, sorted. A package's data files
        (whatever is not Python) belong to the package.
    """
    todo, seen, files = set(modules), set(), {}
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        parents = name.split(".")[:-1]
        todo |= {".".join(parents[: i + 1]) for i in range(len(parents))} - seen
        path = _module_file(root, name)
        if path is None:
            continue
        todo |= _of_package(_imports_of(path, name)) - seen
        files[path.relative_to(root).as_posix()] = path
        if path.name == "__init__.py":
            for data in path.parent.iterdir():
                if data.is_file() and data.suffix not in (".py", ".pyc"):
                    files[data.relative_to(root).as_posix()] = data
    return dict(sorted(files.items()))


def module_closure(root: Path, module: str) -> dict[str, Path]:
    """Return the sources that decide what a module does, as far as they are not installed libraries.

    These are the library's modules that it imports, directly or not, as in :func:`source_closure`; and, where the
    module is none of the library's, its own file and all modules that it imports from folders of its author: those
    which are found where Python looks for modules, but belong neither to Python nor to an installed distribution.
    Nothing is executed. What is imported by a name that the program puts together is not seen.

    Parameters
    ----------
    root : Path
        The folder that holds the library's package.
    module : str
        Dotted name.

    Returns
    -------
    dict
        From name to file: paths relative to ``root`` for the library's files, dotted names for others.
    """
    todo, seen, files = {module}, set[str](), dict[str, Path]()
    while todo:
        name = todo.pop()
        seen.add(name)
        if _of_package([name]):
            continue
        parents = name.split(".")[:-1]
        todo |= {".".join(parents[: i + 1]) for i in range(len(parents))} - seen
        path = _origin(name)
        if path is None or (_is_installed(path) and name != module):
            continue
        files[name] = path
        if path.suffix == ".py":
            # What does not parse cannot be imported, so that nothing behind it counts.
            with suppress(SyntaxError, ValueError):
                todo |= _imports_of(path, name) - seen
    return source_closure(root, _of_package(seen)) | dict(sorted(files.items()))


def _origin(module: str) -> Path | None:
    """Return the file that an import of a module would execute, and execute nothing; None if there is none."""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    words, places = module.split("."), None
    for count in range(1, 0 if spec else len(words) + 1):
        spec = _spec(".".join(words[:count]), places)
        if spec is None:
            return None
        if count == 1 and spec.has_location and _is_installed(Path(spec.origin or "")):
            break  # so is the rest of it
        places = spec.submodule_search_locations
        if count < len(words) and places is None:
            return None  # a name in a module, and no module in a package
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


def _spec(name: str, places: Sequence[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        if find is not None and (spec := find(name, places)) is not None:
            return spec
    return None


def _is_installed(path: Path) -> bool:
    """Tell whether a module's file is Python's or an installed distribution's."""
    if not {"site-packages", "dist-packages"}.isdisjoint(path.parts):
        return True
    pythons = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    return any(path.is_relative_to(place) for one in pythons for place in (one, os.path.realpath(one)))


def fingerprint(files: dict[str, Path], **more: object) -> str:
    """Hash the contents of files and some plain values.

    Parameters
    ----------
    files : dict
        From name to file: both the names and the contents count, dates do not.
    **more : object
        Values that JSON can write.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(json.dumps(more, sort_keys=True).encode())
    for name, path in sorted(files.items()):
        digest.update(f"\0{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return digest.hexdigest()


def library_versions(files: Iterable[Path], *, also: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of the libraries that some sources import, and of those that these need.

    Parameters
    ----------
    files : iterable of Path
        Python sources; other files are passed over. Imports inside functions count too.
    also : iterable of str
        Further packages, by the names under which they are imported.

    Returns
    -------
    dict of str to str
        From a distribution's name to its version, sorted. What is imported but not installed is left out.
    """
    imported = set(also)
    for path in files:
        if path.suffix == ".py":
            with suppress(SyntaxError, ValueError):
                imported |= {name.partition(".")[0] for name in _imports_of(path, "")}
    imported -= {PACKAGE, *sys.stdlib_module_names}
    todo, versions = {name for library in imported for name in _installed_as(library)}, dict[str, str]()
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in versions or (found := _distribution(name)) is None:
            continue
        versions[name] = found[0]
        todo |= found[1]
    return dict(sorted(versions.items()))


@cache
def _installed_as(library: str) -> tuple[str, ...]:
    name = _INSTALLED_AS.get(library, library)
    if _distribution(name) is not None:
        return (name,)
    path = _origin(library)
    if path is None or not _is_installed(path):
        return ()  # a module of the reader's own: no need to look through all that is installed
    return tuple(importlib.metadata.packages_distributions().get(library, ()))


@cache
def _distribution(name: str) -> tuple[str, frozenset[str]] | None:
    """Return the version of an installed distribution and the names of those that it needs."""
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    needs = [re.match(r"[\w.-]+", line) for line in found.requires or [] if "extra ==" not in line]
    return found.version, frozenset(match[0] for match in needs if match)
