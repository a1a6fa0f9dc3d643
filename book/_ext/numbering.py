"""Chapters numbered by their files.

Sphinx counts the pages of the contents. A chapter that is still to come would shift the numbers of those after it,
and the text names chapters by number: ``chapters/11_matching`` is chapter 11, whatever stands before it.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

CHAPTER = re.compile(r"chapters/(\d+)_")


def number_chapters(_: Sphinx, environment: BuildEnvironment) -> list[str]:
    """Put the number in a chapter's file name in the place of the counted one, in headings, contents and figures."""
    for document, sections in environment.toc_secnumbers.items():
        found = CHAPTER.match(document)
        if not found:
            continue
        chapter = int(found.group(1))
        figures = environment.toc_fignumbers.get(document, {})
        for numbers in (sections, *figures.values()):
            numbers.update({place: (chapter, *number[1:]) for place, number in numbers.items() if number})
        for entry in (environment.titles[document], *environment.tocs[document].findall(nodes.reference)):
            if entry.get("secnumber"):
                entry["secnumber"] = [chapter, *entry["secnumber"][1:]]
    return []


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx what is here."""
    app.connect("env-get-updated", number_chapters, priority=900)  # after Sphinx itself has counted
    return {"parallel_read_safe": True, "parallel_write_safe": True}
