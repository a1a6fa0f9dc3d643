"""A text and its notebook: in step by body, and nothing lost between them."""

import os

import nbformat
import pytest

from avrec_lib.publish.pairs import cell_lines, notebook_of, out_of_step, sync
from avrec_lib.publish.project import BuildError


@pytest.fixture
def text(small_book):
    return small_book.root / "chapters" / "01_first.md"


def test_the_same_text_gives_the_same_bytes(text):
    first = text.with_suffix(".ipynb").read_bytes()
    text.with_suffix(".ipynb").unlink()
    sync(text)
    assert text.with_suffix(".ipynb").read_bytes() == first


def test_equal_cells_get_identifiers_of_their_own():
    notebook = notebook_of("```{code-cell}\n1\n```\n\n```{code-cell}\n1\n```\n")
    assert len({cell.id for cell in notebook.cells}) == 2


@pytest.mark.parametrize("damage", ["body", "cell", "metadata", "outputs", "missing", "no notebook"])
def test_any_difference_is_told(text, damage):
    path = text.with_suffix(".ipynb")
    assert out_of_step(text) is None
    notebook = nbformat.read(path, as_version=4)
    if damage == "body":
        notebook.cells[2].source += "\n# more"
    elif damage == "cell":
        notebook.cells.pop()
    elif damage == "metadata":
        notebook.cells[1].metadata["tags"] = []
    elif damage == "outputs":
        notebook.cells[2].outputs = [nbformat.v4.new_output("stream", name="stdout", text="x")]
    nbformat.write(notebook, path)
    if damage == "missing":
        path.unlink()
    elif damage == "no notebook":
        path.write_text("{")
    assert path.name in out_of_step(text)


def test_edits_of_the_notebook_are_not_overwritten_without_a_word(text):
    path = text.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].source = "Edited in Jupyter: {glue:text}`twice-the-number`."
    nbformat.write(notebook, path)
    later = text.stat().st_mtime + 5
    os.utime(path, (later, later))
    with pytest.raises(BuildError, match=r"FROM=ipynb"):
        sync(text)
    sync(text, source="ipynb")
    assert "Edited in Jupyter" in text.read_text() and out_of_step(text) is None


def test_a_later_text_wins(text):
    text.write_text(text.read_text().replace("Twice the number", "Double the number"))
    later = text.with_suffix(".ipynb").stat().st_mtime + 5
    os.utime(text, (later, later))
    assert "written from the text" in sync(text)
    assert "Double the number" in text.with_suffix(".ipynb").read_text()


def test_lines_of_cells_are_those_of_the_text(text):
    lines = text.read_text().splitlines()
    starts = [lines[number - 1] for number in cell_lines(text.read_text())]
    assert starts == ['profile = "full"', "import numpy as np"]
