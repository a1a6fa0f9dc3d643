"""The recorded ledger: reading a run's claims, holding them against the record, the ledger's page."""

import json
import re
from dataclasses import asdict
from pathlib import Path

from avrec_lib.publish.ledger import Claim
from avrec_lib.publish.project import BuildError

__all__ = ["differences", "ledger_page", "read_claims", "read_record", "write_record"]

RECORD_FORMAT = 1
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")  # all that Markdown could take for markup


def read_claims(path: Path, chapter: str) -> dict[str, Claim]:
    """Read the claims that one run of a chapter appended to a file.

    Raises
    ------
    BuildError
        If a name was claimed twice.
    """
    found: dict[str, Claim] = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in lines:
        stated = Claim(**json.loads(line))
        if stated.name in found:
            raise BuildError(f"chapter {chapter} claims {stated.name!r} twice; give each claim a name of its own")
        found[stated.name] = stated
    return found


def _significant(number: float | int | str | None) -> float | int | str | None:
    """Round to nine significant digits, so that a record changes when a result does."""
    return float(f"{number:.9g}") if isinstance(number, float) else number


def write_record(path: Path, claims: dict[str, dict[str, Claim]], *, profile: str, seed: int) -> None:
    """Write the claims of all chapters as the record to hold later builds against.

    Parameters
    ----------
    path : Path
        ``book/claims/<profile>.json``.
    claims : dict
        From chapter to its claims by name.
    profile : str
        Profile of the run.
    seed : int
        Seed of the run.
    """
    rows: dict[str, dict[str, object]] = {}
    for chapter, stated in claims.items():
        for name, one in stated.items():
            row = {key: _significant(value) for key, value in asdict(one).items() if key != "name"}
            if one.timing:
                row["value"] = None
            if one.kind == "comparison":
                row["verdict"] = one.verdict
            rows[name] = {"chapter": chapter, **row}
    content = {"format": RECORD_FORMAT, "profile": profile, "seed": seed, "claims": dict(sorted(rows.items()))}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    new.replace(path)


def read_record(path: Path) -> dict[str, dict[str, object]]:
    """Return the recorded claims by name; none if nothing was recorded.

    Raises
    ------
    BuildError
        If the file is not such a record.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != RECORD_FORMAT:
            raise BuildError(f"{path} has format {content['format']}, not {RECORD_FORMAT}; record it again")
        rows: dict[str, dict[str, object]] = content["claims"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise BuildError(f"{path} is not a record of claims ({error}); restore it or record it again") from error
    return rows


def _near(recorded: object, found: object, slack: float) -> bool:
    if not isinstance(recorded, (int, float)) or not isinstance(found, (int, float)):
        return recorded == found
    return abs(recorded - found) <= slack


def _difference(row: dict[str, object], one: Claim) -> str | None:
    """Return what differs between a recorded row and a claim, or None."""
    if one.timing or row.get("timing"):
        return None if one.timing and row.get("timing") else "became, or stopped being, a timing"
    for part in ("kind", "unit", "digits", "tolerance", "units", "paired_by"):
        if row.get(part) != getattr(one, part):
            return f"its {part} was {row.get(part)!r}, is now {getattr(one, part)!r}"
    if one.kind == "comparison" and row.get("verdict") != one.verdict:
        return f"verdict was {row.get('verdict')!r}, is now {one.verdict!r}"
    # A difference near zero is judged on the scale of its interval, a plain value on its own.
    numbers = [x for x in (one.value, one.low, one.high) if isinstance(x, (int, float))]
    own = abs(one.value) if isinstance(one.value, (int, float)) else 0.0
    scale = max(map(abs, numbers), default=0.0)
    if not _near(row["value"], one.value, one.tolerance * (scale if one.kind == "comparison" else own)):
        return f"was {row['value']}, is now {_significant(one.value)} (tolerance {one.tolerance:.2%})"
    for end in ("low", "high"):
        if not _near(row.get(end), getattr(one, end), one.tolerance * scale):
            return f"{end} end of its interval was {row.get(end)}, is now {_significant(getattr(one, end))}"
    return None


def differences(record: dict[str, dict[str, object]], claims: dict[str, dict[str, Claim]], *, whole: bool) -> list[str]:
    """List what changed against the record, one line each.

    Parameters
    ----------
    record : dict
        As :func:`read_record` returns it.
    claims : dict
        From chapter to its claims by name.
    whole : bool
        Whether ``claims`` are those of the whole book: then a recorded claim that
        no chapter makes is a difference too.

    Returns
    -------
    list of str
        Empty when every claim is as recorded.
    """
    lines: list[str] = []
    owner: dict[str, str] = {}
    for chapter, stated in claims.items():
        for name, one in stated.items():
            if name in owner:
                lines.append(f"{name}: claimed by {owner[name]} and by {chapter}")
            owner[name] = chapter
            row = record.get(name)
            if row is None:
                lines.append(f"{name}: new ({one.text}), by {chapter}")
            elif why := _difference(row, one):
                lines.append(f"{name}: {why}, by {chapter}")
    for name, row in record.items():
        if name not in owner and (whole or row["chapter"] in claims):
            lines.append(f"{name}: recorded, and no longer claimed by {row['chapter']}")
    return lines


def ledger_page(claims: dict[str, dict[str, Claim]], *, profile: str, seed: int) -> str:
    """Write the ledger as a page of the book.

    Parameters
    ----------
    claims : dict
        From chapter to its claims by name.
    profile, seed : str, int
        Of the run that made them.

    Returns
    -------
    str
        MyST Markdown.
    """
    total = sum(len(stated) for stated in claims.values())
    lines = [
        "# The ledger of claims",
        "",
        f"Every result that a sentence of this book states is listed here: {total} claims, computed by",
        f"the chapters in the `{profile}` profile with seed {seed}, and held against the recorded ledger",
        "before these pages were made. Brackets hold 95 % intervals. A comparison is the mean of paired",
        "differences; when its interval holds zero it reads *no difference shown*. Two shares differ by percentage",
        "points: from one percent to three are two of them. A timing depends on the machine, so it is shown and",
        "never compared.",
        "",
    ]
    for chapter, stated in claims.items():
        lines += [f"## Chapter {int(chapter[:2])}", "", "| claim | result | checked |", "|---|---|---|"]
        for name, one in stated.items():
            checked = "timing, not compared" if one.timing else f"within {one.tolerance:.0%}"
            if isinstance(one.value, str):
                checked = "same text"
            if one.kind == "comparison":
                checked = f"same verdict, {one.units} pairs by {one.paired_by}"
            text = _PUNCTUATION.sub(r"\\\1", one.text) if isinstance(one.value, str) else one.text
            lines.append(f"| `{name}` | {text} | {checked} |")
        lines.append("")
    return "\n".join(lines)
