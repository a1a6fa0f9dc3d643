"""The state of the house: style, types, layers, pairs, prose, and files that must agree."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from pybtex.database import parse_file

from avrec_lib.publish.pairs import notebook_of, out_of_step
from avrec_lib.publish.project import here
from avrec_lib.publish.prose import lint_prose
from avrec_lib.publish.terms import terms_used

ROOT = Path(__file__).resolve().parents[2]
LOCK = {
    name.lower().replace("_", "-"): version
    for name, _, version in (line.partition("==") for line in (ROOT / "requirements.lock").read_text().splitlines())
}


def tool(*words):
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing():
    tool("ruff", "check", ".")


def test_code_is_formatted():
    tool("ruff", "format", "--check", ".")


def test_code_in_chapters_is_formatted_and_fits_the_page():
    notebooks = sorted(str(path) for path in (ROOT / "chapters").glob("*.ipynb"))
    options = ["--config", "extend-exclude=['_build']", *notebooks]
    tool("ruff", "format", "--check", "--line-length", "80", *options)
    tool("ruff", "check", "--select", "E,F,I,B,UP", "--line-length", "90", *options)


def test_types_hold():
    tool("mypy")


def test_stages_import_only_what_is_before_them():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_glossary_holds_in_order_the_terms_that_chapters_use_and_no_others():
    texts = (chapter.read_text(encoding="utf-8") for chapter in here().chapters())
    used = set().union(*(terms_used(notebook_of(text)) for text in texts))
    glossary = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8").partition("```{glossary}")[2]
    terms = [entry.strip("`\n").partition("\n")[0].lower() for entry in glossary.split("\n\n")]
    assert terms == sorted(used)


def test_the_bibliography_can_be_read_and_holds_every_source_that_chapters_cite():
    listed = parse_file(ROOT / "book" / "references.bib").entries
    texts = [path.read_text(encoding="utf-8") for path in (*here().chapters(), *(ROOT / "book").glob("*.md"))]
    cited = {key.strip() for keys in re.findall(r"\{cite:[pt]\}`([^`]+)`", "\n".join(texts)) for key in keys.split(",")}
    assert not cited - set(listed)


@pytest.mark.parametrize("chapter", here().chapters(), ids=lambda path: path.stem)
def test_the_pair_is_in_step(chapter):
    assert out_of_step(chapter) is None


def test_no_result_is_typed_into_prose():
    assert not [str(finding) for finding in lint_prose(here())]


def test_every_dependency_is_locked_at_an_allowed_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for wanted in [*project["dependencies"], *project["optional-dependencies"]["book"]]:
        name, _, version = wanted.lower().replace("_", "-").partition("==")
        assert name in LOCK, f"{name} is not in requirements.lock; run make lock"
        assert not version or LOCK[name] == version, f"{name} is locked at {LOCK[name]}, not {version}"
    assert not [name for name in LOCK if name.startswith(("nvidia", "cuda", "triton"))]


def test_conda_users_get_the_same_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip == ["-r requirements.lock", "-e ."], "packages come from the lock and from nowhere else"
    assert {re.split("[=<>]", entry)[0] for entry in conda} == {"python", "pip", "make"}
    minimum = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f"python{minimum.replace('>', '')}" in conda


def test_continuous_integration_runs_the_test_command():
    readme = (ROOT / "README.md").read_text()
    assert "make test" in readme and "make book" in readme
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("make test")
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text())["jobs"]
    commands = {name: [step.get("run", "") for step in job["steps"]] for name, job in jobs.items()}
    assert "make test" in commands["test"] and "make book" in commands["publish"]
    assert jobs["publish"]["needs"] == "test"


def test_every_make_target_is_listed_by_help():
    makefile = (ROOT / "Makefile").read_text()
    said = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("book", "test", "claims", "serve", "chapter", "notebooks", "lock", "bench", "clean", "help"):
        assert re.search(rf"^{target}:", makefile, re.M) and f"make {target} " in said


def test_recorded_claims_are_of_the_published_seed():
    for profile in ("smoke", "full"):
        record = json.loads((ROOT / "book" / "claims" / f"{profile}.json").read_text())
        assert record["profile"] == profile and record["seed"] == 7 and record["claims"]


def test_no_chapter_allows_exceptions_from_the_lint():
    allowed = ROOT / "book" / "claims" / "allowed_in_prose.txt"
    assert "chapters/" not in (allowed.read_text() if allowed.exists() else "")


@pytest.mark.parametrize("words", [("book", "PROFILE"), ("chapter", "C"), ("notebooks", "FROM")])
def test_make_hands_words_on_and_runs_none_of_them(words, tmp_path):
    target, variable = words
    hit = tmp_path / "hit"
    done = subprocess.run(
        ["make", target, f'{variable}=x"; touch {hit}; "', "RUN=true"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0 and not hit.exists()


def _styled_unescaped(source):
    """List the lines that show a table through pandas' Styler, which does not escape a stranger's text by itself."""
    tree = ast.parse(source)
    escaped = {
        node.func.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("format", "format_index")
        and any(
            word.arg == "escape" and isinstance(word.value, ast.Constant) and word.value.value == "html"
            for word in node.keywords
        )
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "style" and node not in escaped
    ]


def test_no_chapter_lets_a_strangers_markup_act_in_a_styled_table():
    assert _styled_unescaped("failures.style.hide(axis='index')") == [1]
    assert _styled_unescaped("failures.style.format('{:.1%}')") == [1]
    assert not _styled_unescaped("failures.style.format(escape='html').hide()")
    found = []
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "code":
                found += [(path.name, "".join(cell["source"])[:60])] * bool(_styled_unescaped("".join(cell["source"])))
    assert not found
