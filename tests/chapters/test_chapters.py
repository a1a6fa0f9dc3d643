"""Every chapter, run by papermill in the smoke profile: whole, its claims as recorded, in bounded memory."""

import json
import os
import re

import nbformat
import pytest

from avrec_lib.publish.project import here
from avrec_lib.publish.runner import chapter_key, check_executed

PROJECT = here()
CHAPTERS = [path.stem for path in PROJECT.chapters()]
executed_here = pytest.mark.skipif("AVREC_HTML" in os.environ, reason="AVREC_HTML names another build")


@executed_here
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_chapter_ran_from_its_first_cell_to_its_last(html, chapter):
    check_executed(PROJECT.executed("smoke") / f"{chapter}.ipynb", chapter)
    assert (html / "chapters" / f"{chapter}.html").stat().st_size > 10_000


@executed_here
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_chapter_states_claims_and_its_page_shows_them(html, chapter):
    record = json.loads(PROJECT.record("smoke").read_text())["claims"]
    own = [name for name, row in record.items() if row["chapter"] == chapter]
    assert len(own) >= 10
    ledger = (html / "book" / "ledger.html").read_text()
    assert not [name for name in own if name not in ledger]


@executed_here
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_chapter_keeps_within_two_gigabytes(html, chapter):
    assert html.exists()
    key = chapter_key(PROJECT, PROJECT.chapter(chapter), {"profile": "smoke", "seed": 7})
    from avrec_lib.cache import cache_root

    facts = json.loads((cache_root() / "executed" / key / "run.json").read_text())
    assert facts["seconds"] > 0 and facts["peak_bytes"] < 2e9


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_code_is_short_and_shows_its_solutions(chapter):
    notebook = nbformat.read(PROJECT.root / "chapters" / f"{chapter}.ipynb", as_version=4)
    folded = {"hide-input", "remove-input", "remove-cell"}
    shown = [
        cell for cell in notebook.cells if cell.cell_type == "code" and not folded & set(cell.metadata.get("tags", []))
    ]
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert text.count("{dropdown} Solution") >= 3
    assert "## Takeaways" in text and "## Further reading" in text
    long = [cell.source.splitlines()[0] for cell in shown if sum(map(bool, cell.source.splitlines())) > 25]
    assert not long, f"cells of more than 25 lines: {long}"


@pytest.mark.parametrize("profile", ["smoke", "full"])
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_what_is_told_without_the_data_is_on_record_and_the_chapters_own(chapter, profile):
    record = json.loads(PROJECT.record(profile).read_text())["claims"]
    text = PROJECT.chapter(chapter).read_text(encoding="utf-8")
    for prefix in re.findall(r'claims_on_record\(\s*"([^"]+)"', text):
        owners = {row["chapter"] for name, row in record.items() if name.startswith(prefix)}
        assert owners == {chapter}, f"{prefix}: {owners}"
