"""What a piece of Python depends on: the modules that it imports, directly or not, and the libraries behind them."""

import ast
import hashlib
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

__all__ = ["fingerprint", "imported_modules", "library_versions", "source_closure"]

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
        The dotted name of the module that the source is, to resolve relative imports.
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
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parents = parts if is_package else parts[:-1]
                parents = parents[: len(parents) - (node.level - 1)]
                base = ".".join([*parents, *([base] if base else [])])
            found.add(base)
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return {name for name in found if name == PACKAGE or name.startswith(f"{PACKAGE}.")}


@cache
def _imports_of(path: Path, module: str, _stamp: tuple[int, int]) -> frozenset[str]:
    source = path.read_text(encoding="utf-8")
    return frozenset(imported_modules(source, module=module, is_package=path.name == "__init__.py"))


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
        status = path.stat()
        todo |= _imports_of(path, name, (status.st_mtime_ns, status.st_size)) - seen
        files[path.relative_to(root).as_posix()] = path
        if path.name == "__init__.py":
            for data in path.parent.iterdir():
                if data.is_file() and data.suffix not in (".py", ".pyc"):
                    files[data.relative_to(root).as_posix()] = data
    return dict(sorted(files.items()))


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


def library_versions(files: Iterable[Path]) -> dict[str, str]:
    """Return the versions of the libraries that some sources import, and of those that these need.

    Parameters
    ----------
    files : iterable of Path
        Python sources; other files are passed over. Imports inside functions count too.

    Returns
    -------
    dict of str to str
        From a distribution's name to its version, sorted. What is imported but not installed is left out.
    """
    imported: set[str] = set()
    for path in files:
        if path.suffix == ".py":
            status = path.stat()
            imported |= _libraries_of(path, (status.st_mtime_ns, status.st_size))
    todo, versions = {name for library in imported for name in _installed_as(library)}, dict[str, str]()
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in versions or (found := _distribution(name)) is None:
            continue
        versions[name] = found[0]
        todo |= found[1]
    return dict(sorted(versions.items()))


@cache
def _libraries_of(path: Path, _stamp: tuple[int, int]) -> frozenset[str]:
    """Return the names of the packages outside the library and Python's own that a source imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return frozenset(found - {PACKAGE} - sys.stdlib_module_names)


@cache
def _installed_as(library: str) -> tuple[str, ...]:
    name = _INSTALLED_AS.get(library, library)
    if _distribution(name) is not None:
        return (name,)
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
