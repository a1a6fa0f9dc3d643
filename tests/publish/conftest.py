"""A small book of two chapters, with a copy of the library, to build and to break."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from avrec_lib.publish.pairs import sync

REPOSITORY = Path(__file__).resolve().parents[2]

FIRST = """\
---
jupytext:
  formats: md:myst,ipynb
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# First

```{code-cell} ipython3
:tags: [parameters]

profile = "full"
seed = 7
```

```{code-cell} ipython3
import numpy as np

from avrec_lib.match.top_k import top_k
from avrec_lib.publish.ledger import claim


def double(number):
    return 2 * number


made = double(number=21)
claim("twice-the-number", made)
top_k(np.eye(2), 1)
```

Twice the number is {glue:text}`twice-the-number`.
"""

SECOND = (
    FIRST.split("```{code-cell} ipython3\nimport", 1)[0].replace("# First", "# Second")
    + """\
```{code-cell} ipython3
from avrec_lib.publish.ledger import claim
from avrec_lib.tables import EVENT_KINDS

claim("kinds-of-event", len(EVENT_KINDS));
```

There are {glue:text}`kinds-of-event` kinds. Go back to {doc}`01_first`.
"""
)

CONFIG = """\
title: A small book
author: Its tests
execute:
  execute_notebooks: "off"
html:
  use_issues_button: false
only_build_toc_files: true
"""

TOC = """\
format: jb-book
root: book/index
chapters:
  - file: chapters/01_first
  - file: chapters/02_second
  - file: book/ledger
"""


@dataclass
class SmallBook:
    """A book in a folder of its own."""

    root: Path

    def edit(self, name: str, old: str, new: str, *, pair: bool = True) -> None:
        """Replace a piece of a file, which must be there."""
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} holds no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        if pair and name.startswith("chapters/"):
            sync(path, source="md")

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment in which its commands run."""
        return {
            **os.environ,
            "PYTHONPATH": str(self.root),
            "AVREC_CACHE": str(self.root / "_build" / "cache"),
            **more,
        }

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        """Start a command of the book."""
        return subprocess.Popen(
            [sys.executable, "-m", "avrec_lib.publish", *words],
            cwd=self.root,
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, status: int = 0, **more: str) -> str:
        """Run a command to its end and return what it said."""
        process = self.start(*words, **more)
        said, _ = process.communicate(timeout=300)
        assert process.returncode == status, said
        return said

    def page(self, name: str) -> str:
        """Return a built page."""
        return (self.root / "_build" / "html-smoke" / name).read_text(encoding="utf-8")


@pytest.fixture
def small_book(tmp_path: Path) -> SmallBook:
    """Lay out the small book, its claims not yet recorded."""
    root = tmp_path / "small book"
    shutil.copytree(
        REPOSITORY / "avrec_lib", root / "avrec_lib", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    for name, text in {
        "chapters/01_first.md": FIRST,
        "chapters/02_second.md": SECOND,
        "book/index.md": "# A small book\n\nTwo chapters.\n",
        "README.md": "A small book.\n",
        "_config.yml": CONFIG,
        "_toc.yml": TOC,
        "requirements.lock": "numpy==2.4.6\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for chapter in sorted((root / "chapters").glob("*.md")):
        sync(chapter, source="md")
    return SmallBook(root)


@pytest.fixture
def recorded_book(small_book: SmallBook) -> SmallBook:
    """Lay out the small book with its claims recorded (so its chapters have run)."""
    small_book.run("claims", "--profile", "smoke", "--record")
    return small_book
