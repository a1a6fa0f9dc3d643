"""The lint of prose: no result is typed by hand, and no comparison stands without a claim."""

import ast
import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path

import jupytext

from avrec_lib.publish.project import Project

__all__ = ["Finding", "claim_names", "lint_prose", "lint_text", "read_allowed"]

ALLOWED = "book/claims/allowed_in_prose.txt"

_REMOVED = (
    re.compile(r"^---\n.*?\n---\n", re.S),  # front matter
    re.compile(r"^(~{3,}).*?^\1~*\s*$", re.S | re.M),  # fenced code; the other fences are taken out before
    re.compile(r"<!--.*?-->", re.S),
    re.compile(r"\$\$.*?\$\$", re.S),
    re.compile(r"\$[^$\n]+\$"),
    re.compile(r"\]\([^)]*\)"),
    re.compile(r"https?://\S+"),
    re.compile(r"^:[\w-]+:.*$", re.M),  # options of directives
)
_SPAN = re.compile(r"(\{[^}\s]+\})?`([^`]+)`")  # a role, or inline code
_GLUE = re.compile("\x02([^\x03]+)\x03")  # a pasted claim, marked so by _prose
_NUMBER = re.compile(
    r"(?<![\w.])\d+(?:[.,]\d+)?\s?(?:%|per ?cent\b)"  # shares
    r"|(?<![\w.])\d*[.,]\d+(?![\w,]|\.\d)(?<!\d,\d{3})"  # decimals, with a point or a comma
    r"|(?<![\w.])\d+(?:\.\d+)?e-?\d+"  # powers of ten
    r"|(?<![\w.])\d+(?:\.\d+)?\s?[x\N{MULTIPLICATION SIGN}](?!\w)"  # factors
    r"|(?<!\w)\d+ (?:of|out of) \d+"  # counts
)
_COMPARATIVE = re.compile(
    r"\b(better|worse|higher|lower|faster|slower|larger|smaller|stronger|weaker|outperforms?|beats?|wins?|"
    r"improve[sd]?|(?:more|less|most|least) accurate|exceed(?:s|ed)?|surpass(?:es|ed)?|best|worst|doubles?|halves|"
    r"outperformed|beat|won|gain(?:s|ed)|twice as|ahead of)\b",
    re.I,
)
_DIRECTIVE = re.compile(r"^(`{3,}|:{3,})\{(?!code)[^}]*\}.*$", re.M)
_OPEN_CODE = re.compile(r"^(`{3,})\{code.*?^\1\s*$", re.S | re.M)


@dataclass(frozen=True)
class Finding:
    """A sentence that states a result which nothing computes.

    Attributes
    ----------
    place : str
        File and line.
    why : str
        What is wrong and what would be right.
    """

    place: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.why}"


def claim_names(text: str) -> tuple[set[str], set[str]]:
    """Return the names that a chapter's cells claim: all of them, and those of comparisons.

    Parameters
    ----------
    text : str
        A MyST notebook.

    Returns
    -------
    tuple of set
        Names; an f-string counts as a pattern with ``*`` for each inserted value.
    """
    every: set[str] = set()
    comparisons: set[str] = set()
    for cell in jupytext.reads(text, fmt="md:myst").cells:
        if cell.cell_type != "code":
            continue
        source = "\n".join(re.sub(r"^(\s*)[%!].*$", r"\1pass", line) for line in cell.source.splitlines())
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
                continue
            if node.func.id not in ("claim", "claim_better"):
                continue
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                name = first.value
            elif isinstance(first, ast.JoinedStr):
                name = "".join(str(v.value) if isinstance(v, ast.Constant) else "*" for v in first.values)
            else:
                continue
            every.add(name)
            if node.func.id == "claim_better":
                comparisons.add(name)
    return every, comparisons


def _blank(match: re.Match[str]) -> str:
    """Remove a match and keep its line breaks, so that lines keep their numbers."""
    return "\n" * match.group(0).count("\n") or " "


def _span(match: re.Match[str]) -> str:
    """Keep of a role what is pasted, of other spans nothing."""
    return f"\x02{match.group(2)}\x03" if (match.group(1) or "").startswith("{glue") else _blank(match)


def _prose(text: str) -> str:
    text = _OPEN_CODE.sub(_blank, text)
    text = re.sub(r"^(`{3,})(?!\{)\w*\n.*?^\1\s*$", _blank, text, flags=re.S | re.M)
    text = _DIRECTIVE.sub(lambda match: re.sub(r"^[`:]{3,}\{[^}]*\}", "", match.group(0)), text)
    text = re.sub(r"^(`{3,}|:{3,})\s*$", "", text, flags=re.M)
    for pattern in _REMOVED:
        text = pattern.sub(_blank, text)
    return _SPAN.sub(_span, text)


def _sentences(prose: str) -> list[tuple[int, str]]:
    """Return the sentences with the line (from 1) on which each starts."""
    found, position = [], 0
    for piece in re.split(r"(?<=[.!?])\s+(?=[A-Z\"'(*{])|\n\s*\n|\n(?=[-*|#>] ?)", prose):
        start = prose.index(piece, position)
        position = start + len(piece)
        if piece.strip():
            leading = len(piece) - len(piece.lstrip())
            found.append((prose.count("\n", 0, start + leading) + 1, " ".join(piece.split())))
    return found


def lint_text(text: str, place: str, *, allowed: set[str] | None = None, chapter: bool = True) -> list[Finding]:
    """Find results that are typed into prose, and comparisons that no claim backs.

    Parameters
    ----------
    text : str
        A MyST notebook or page.
    place : str
        Name of the file, for the findings.
    allowed : set of str, optional
        Literal pieces of prose that may stand.
    chapter : bool
        Whether the text is a chapter; pages without cells are held to the numbers only.

    Returns
    -------
    list of Finding
        In order.
    """
    findings: list[Finding] = []
    every, comparisons = claim_names(text) if chapter else (set(), set())
    prose = _prose(text)
    for piece in allowed or set():
        prose = prose.replace(piece, " " * len(piece))
    for line, sentence in _sentences(prose):
        where = f"{place}:{line}"
        pasted = [name.split(":")[0] for name in _GLUE.findall(sentence)]
        bare = _GLUE.sub(" ", sentence)
        for match in _NUMBER.finditer(bare):
            findings.append(Finding(where, f"{match.group(0)!r} is typed; compute it in a cell and paste the claim"))
        if not chapter:
            continue
        findings += [
            Finding(where, f"pastes {name!r}, which no cell of this chapter claims")
            for name in pasted
            if not any(fnmatch.fnmatch(name, pattern) for pattern in every)
        ]
        if (word := _COMPARATIVE.search(bare)) and (pasted or re.search(r"(?<!\w)\d", bare)):
            if not any(fnmatch.fnmatch(name, pattern) for name in pasted for pattern in comparisons):
                findings.append(
                    Finding(where, f"{word.group(0)!r} stands beside a result, and the sentence pastes no claim_better")
                )
    return findings


def read_allowed(project: Project) -> dict[str, set[str]]:
    """Read the short list of numbers that may stand in prose.

    Parameters
    ----------
    project : Project
        The checkout.

    Returns
    -------
    dict
        From file to literal pieces; each line of the list is ``file: piece``.
    """
    path = project.root / ALLOWED
    found: dict[str, set[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        if line.strip() and not line.startswith("#"):
            file, piece = line.split(": ", 1)
            found.setdefault(file, set()).add(piece)
    return found


def lint_prose(project: Project) -> list[Finding]:
    """Lint every chapter and every page of a checkout.

    Parameters
    ----------
    project : Project
        The checkout.

    Returns
    -------
    list of Finding
        In order; an allowed piece that its file does not hold is a finding too.
    """
    allowed = read_allowed(project)
    findings: list[Finding] = []
    pages: list[Path] = [
        *project.chapters(),
        *sorted((project.root / "book").rglob("*.md")),
        project.root / "README.md",
    ]
    for path in pages:
        name = path.relative_to(project.root).as_posix()
        text = path.read_text(encoding="utf-8")
        pieces = allowed.pop(name, set())
        findings += [Finding(ALLOWED, f"{name} holds no {p!r}") for p in sorted(pieces) if p not in text]
        findings += lint_text(text, name, allowed=pieces, chapter=path.parent.name == "chapters")
    findings += [Finding(ALLOWED, f"there is no page {name}") for name in allowed]
    return findings
