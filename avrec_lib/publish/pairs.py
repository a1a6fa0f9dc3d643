"""The pairs: each chapter is a text that people edit and a notebook that launch buttons open."""

import hashlib
import re
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from avrec_lib.publish.project import BuildError

__all__ = ["cell_lines", "notebook_of", "out_of_step", "sync", "write_notebook"]

_FENCE = re.compile(r"^```\{code-cell\}.*$")


def notebook_of(text: str) -> NotebookNode:
    """Make the notebook of a chapter's text: no outputs, and identifiers that depend on the text alone.

    Parameters
    ----------
    text : str
        A MyST notebook.

    Returns
    -------
    NotebookNode
        The notebook.
    """
    notebook = jupytext.reads(text, fmt="md:myst")
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata.pop("jupytext", None)
    notebook.metadata["jupytext"] = {"formats": "md:myst,ipynb"}
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.validate(notebook)
    return notebook


def cell_lines(text: str) -> list[int]:
    """Return, for each code cell of a MyST notebook, the line (from 1) of its first line of code.

    Parameters
    ----------
    text : str
        A MyST notebook.

    Returns
    -------
    list of int
        One line a code cell, in order.
    """
    found: list[int] = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        if _FENCE.match(lines[number]):
            number += 1
            if number < len(lines) and lines[number].strip() == "---":
                number += 1
                while lines[number].strip() != "---":
                    number += 1
                number += 1
            while number < len(lines) and re.match(r":[\w-]+:", lines[number]):
                number += 1
            while number < len(lines) and not lines[number].strip():
                number += 1
            found.append(number + 1)
        number += 1
    return found


def _content(notebook: NotebookNode) -> list[tuple[str, str, str]]:
    """Return what of a notebook must agree: kinds, sources and metadata of the cells."""
    return [(cell.cell_type, cell.source, repr(sorted(cell.metadata.items()))) for cell in notebook.cells]


def out_of_step(text_path: Path) -> str | None:
    """Say how a chapter's notebook differs from its text.

    Parameters
    ----------
    text_path : Path
        ``chapters/NN_name.md``.

    Returns
    -------
    str or None
        One line that names the first cell that differs, or None when they agree.
    """
    path = text_path.with_suffix(".ipynb")
    if not path.exists():
        return f"{path.name} is missing"
    try:
        there = nbformat.read(path, as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        return f"{path.name} is not a notebook: {error}"
    wanted, found = _content(notebook_of(text_path.read_text(encoding="utf-8"))), _content(there)
    for number, (one, other) in enumerate(zip(wanted, found, strict=False), start=1):
        if one != other:
            return f"cell {number} of {path.name} differs from {text_path.name}: {other[1][:60]!r}"
    if len(wanted) != len(found):
        return f"{path.name} has {len(found)} cells, {text_path.name} has {len(wanted)}"
    if any(cell.get("outputs") for cell in there.cells):
        return f"{path.name} carries outputs; source notebooks are kept without"
    return None


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    new.replace(path)


def sync(text_path: Path, *, source: str = "") -> str:
    """Bring a pair in step.

    Parameters
    ----------
    text_path : Path
        ``chapters/NN_name.md``.
    source : str
        ``"md"`` to write the notebook from the text, ``"ipynb"`` to write the text
        from the notebook, or empty to let the text win unless the notebook was edited later.

    Returns
    -------
    str
        What was done, in words.

    Raises
    ------
    BuildError
        If the notebook was edited after the text and ``source`` does not say which one holds.
    """
    path = text_path.with_suffix(".ipynb")
    why = out_of_step(text_path)
    if why is None:
        return f"{text_path.stem}: in step"
    if source == "ipynb":
        notebook = nbformat.read(path, as_version=4)
        new = text_path.with_name(text_path.name + ".new")
        new.write_text(jupytext.writes(notebook, fmt="md:myst"), encoding="utf-8")
        new.replace(text_path)
    elif not source and path.exists() and path.stat().st_mtime > text_path.stat().st_mtime:
        raise BuildError(
            f"{path.name} was edited after {text_path.name} ({why}); take its edits with `make notebooks FROM=ipynb`, "
            "or drop them with `make notebooks FROM=md`"
        )
    write_notebook(notebook_of(text_path.read_text(encoding="utf-8")), path)
    return f"{text_path.stem}: written from the {'notebook' if source == 'ipynb' else 'text'}"
