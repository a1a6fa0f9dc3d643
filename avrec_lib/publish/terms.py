"""The glossary leads back to the chapters: each entry to the one that uses its term first."""

import re
from collections.abc import Mapping

import nbformat

__all__ = ["lead_to_chapters", "terms_used"]

_ENTRIES = re.compile(r"(```\{glossary\}\n)(.*?)(\n```)", re.S)
_TERM = re.compile(r"\{term\}`([^`]+)`")


def terms_used(notebook: nbformat.NotebookNode) -> set[str]:
    """Return the terms that a chapter's text takes from the glossary.

    Parameters
    ----------
    notebook : NotebookNode
        The chapter.

    Returns
    -------
    set of str
        In small letters.
    """
    shown = (words for cell in notebook.cells if cell.cell_type == "markdown" for words in _TERM.findall(cell.source))
    return {re.sub(r".*<(.+)>", r"\1", " ".join(words.split())).lower() for words in shown}


def lead_to_chapters(glossary: str, used: Mapping[str, set[str]]) -> str:
    """Add to each entry of the glossary a link to the chapter that uses its term first.

    Parameters
    ----------
    glossary : str
        The page's text. Entries stand in one block, parted by blank lines.
    used : mapping of str to set of str
        The terms that each chapter uses, by the chapter's name, such as ``01_name``.

    Returns
    -------
    str
        The text with links. A term that no chapter uses has none.
    """

    def led(entry: str) -> str:
        term = entry.partition("\n")[0].lower()
        first = next((chapter for chapter in sorted(used) if term in used[chapter]), None)
        return entry if first is None else f"{entry}\n  [Chapter {int(first[:2])}](../chapters/{first})."

    return _ENTRIES.sub(lambda block: block[1] + "\n\n".join(map(led, block[2].split("\n\n"))) + block[3], glossary)
