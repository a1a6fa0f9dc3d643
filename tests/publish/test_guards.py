"""Each guard of the build, shown to go red on something broken on purpose."""

import nbformat
import pytest

from avrec_lib.publish.project import BuildError
from avrec_lib.publish.runner import check_executed

SMOKE = ("book", "--profile", "smoke")


def test_a_failing_cell_names_chapter_cell_line_and_traceback(small_book):
    small_book.edit("chapters/01_first.md", "    return 2 * number", "    return number / 0")
    text = (small_book.root / "chapters" / "01_first.md").read_text().splitlines()
    line = text.index("made = double(number=21)") + 1
    said = small_book.run(*SMOKE, status=1)
    assert f"chapter 01_first failed in code cell 2, chapters/01_first.md line {line - 3}" in said, said
    assert "ZeroDivisionError" in said and "return number / 0" in said


def test_a_cell_that_is_not_python_is_named_before_anything_runs(small_book):
    small_book.edit("chapters/02_second.md", 'claim("kinds', 'claim(("kinds')
    said = small_book.run(*SMOKE, status=1)
    assert "chapters/02_second.md, line" in said and "code cell 2" in said


def test_a_kernel_that_dies_fails_the_build(small_book):
    small_book.edit("chapters/02_second.md", 'claim("kinds', 'import os\nos._exit(9)\nclaim("kinds')
    assert "chapter 02_second" in small_book.run(*SMOKE, status=1)


@pytest.mark.parametrize("damage", ["no duration", "cell not run", "error kept", "warning kept"])
def test_a_notebook_that_did_not_run_is_refused(recorded_book, tmp_path, damage):
    path = recorded_book.root / "_build" / "executed" / "smoke" / "01_first.ipynb"
    check_executed(path, "01_first")
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    if damage == "no duration":
        notebook.metadata.papermill.duration = 0.0
    elif damage == "cell not run":
        cell.execution_count = None
    elif damage == "warning kept":
        cell.outputs.append(nbformat.v4.new_output("stream", name="stderr", text="a warning"))
    else:
        cell.outputs.append(nbformat.v4.new_output("error", ename="E", evalue="", traceback=[]))
    nbformat.write(notebook, tmp_path / "broken.ipynb")
    with pytest.raises(BuildError, match=r"zero run time|not executed|holds an error|warns"):
        check_executed(tmp_path / "broken.ipynb", "01_first")


def test_a_claim_that_shows_itself_at_the_end_of_a_cell_fails_the_build(small_book):
    small_book.edit("chapters/02_second.md", "len(EVENT_KINDS));", "len(EVENT_KINDS))")
    said = small_book.run("claims", "--profile", "smoke", "--record", status=1)
    assert "chapter 02_second: code cell 3 shows a claim as a stray line ('kinds-of-event: 8')" in said, said


@pytest.mark.parametrize(
    ("shown", "refused"),
    [
        ("some-claim: better by 0.1 [0.0, 0.2]", True),
        ("(some-claim: 8, 3)", True),
        ("[some-claim: 8]", True),
        ("some-claim: 8\nand more", True),
        ("another-name: 8", False),
        ("'some-claim: 8'", False),
        ("{'some-claim': 8}", False),
        ("first\nsome-claim: 8", False),
        ("some-claim", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("kind", ["execute_result", "stream"])
def test_only_an_output_that_begins_with_a_claim_is_a_stray_line(tmp_path, shown, refused, kind):
    glued = nbformat.v4.new_output("display_data", metadata={"scrapbook": {"name": "some-claim"}})
    out = {"text": shown} if kind == "stream" else {"data": {"text/plain": shown}}
    cells = [
        nbformat.v4.new_code_cell("claim()", outputs=[glued], execution_count=1),
        nbformat.v4.new_code_cell("shown", outputs=[nbformat.v4.new_output(kind, **out)], execution_count=2),
    ]
    path = tmp_path / "made.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"papermill": {"duration": 1.0}}), path)
    if refused:
        with pytest.raises(BuildError, match="code cell 2 shows a claim as a stray line"):
            check_executed(path, "01_made")
    else:
        check_executed(path, "01_made")


def test_a_page_missing_from_the_contents_fails_the_build(small_book):
    (small_book.root / "book" / "lost.md").write_text("# Lost\n")
    assert "not in the table of contents: book/lost" in small_book.run(*SMOKE, status=1)


@pytest.mark.parametrize("name", ["appendix.md", "02_other.ipynb"])
def test_a_stray_file_among_the_chapters_fails_the_build(small_book, name):
    (small_book.root / "chapters" / name).write_text("# Stray\n")
    assert f"not chapters: {name}" in small_book.run(*SMOKE, status=1)


def test_a_page_named_by_the_contents_and_missing_fails_the_build(small_book):
    small_book.edit("_toc.yml", "  - file: book/ledger", "  - file: book/ledger\n  - file: book/nowhere")
    assert "pages that do not exist: book/nowhere" in small_book.run(*SMOKE, status=1)


@pytest.mark.parametrize(
    "piece",
    [
        "See {ref}`no-such-label`.",
        "See {doc}`no_such_page`.",
        "See [this](no_such_page.md).",
        "See [this](#no-such-anchor).",
        "See {term}`no such term`.",
        "The number is {glue:text}`no-such-claim`.",
        "See {cite:t}`nobody1900`.",
    ],
)
def test_what_does_not_resolve_fails_the_build(recorded_book, piece):
    recorded_book.edit("book/index.md", "Two chapters.", piece)
    said = recorded_book.run(*SMOKE, status=1)
    assert "the pages could not be built" in said or "the built pages have faults" in said, said
    assert not (recorded_book.root / "_build" / "html-smoke").exists()


@pytest.mark.parametrize(
    "piece",
    [
        '<video class="avrec-media" controls src="../_static/media/gone.mp4"></video>',
        '<audio class="avrec-media" controls></audio>',
        '<a href="nowhere.html">a raw link</a>',
    ],
)
def test_a_dead_player_or_raw_link_fails_the_build(recorded_book, piece):
    recorded_book.edit("book/index.md", "Two chapters.", piece)
    assert "the built pages have faults" in recorded_book.run(*SMOKE, status=1)


def test_a_result_that_moved_fails_the_build_until_it_is_accepted(recorded_book):
    recorded_book.edit("chapters/01_first.md", "number=21", "number=22")
    said = recorded_book.run(*SMOKE, status=1)
    assert "twice-the-number: was 42, is now 44" in said
    assert "twice-the-number" in recorded_book.run("claims", "--profile", "smoke", "--record")
    assert "built in" in recorded_book.run(*SMOKE)


def test_a_claim_that_vanished_fails_the_build(recorded_book):
    recorded_book.edit("chapters/01_first.md", 'claim("twice-the-number", made)\n', "")
    recorded_book.edit("chapters/01_first.md", "Twice the number is {glue:text}`twice-the-number`.", "Nothing.")
    assert "no longer claimed by 01_first" in recorded_book.run(*SMOKE, status=1)


def test_one_name_claimed_by_two_chapters_fails_the_build(recorded_book):
    recorded_book.edit("chapters/02_second.md", 'claim("kinds-of-event"', 'claim("twice-the-number"')
    recorded_book.edit("chapters/02_second.md", "{glue:text}`kinds-of-event`", "{glue:text}`twice-the-number`")
    assert "claimed by 01_first and by 02_second" in recorded_book.run(*SMOKE, status=1)


def test_a_notebook_whose_body_differs_fails_the_build(small_book):
    path = small_book.root / "chapters" / "01_first.ipynb"
    path.write_text(path.read_text().replace("number=21", "number=20"))
    said = small_book.run(*SMOKE, status=1)
    assert "pairs out of step" in said and "cell 3 of 01_first.ipynb" in said
