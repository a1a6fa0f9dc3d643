"""From executed notebooks and front matter to checked pages in ``_build/html``."""

import json
import math
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import yaml
from tqdm import tqdm

from avrec_lib.dependencies import fingerprint
from avrec_lib.publish.glance import fill_measured, pipeline_map
from avrec_lib.publish.pages import check_pages
from avrec_lib.publish.players import externalise_media
from avrec_lib.publish.project import BuildError, Project
from avrec_lib.publish.record import ledger_page
from avrec_lib.publish.runner import Run
from avrec_lib.publish.terms import lead_to_chapters, terms_used

__all__ = ["build_pages", "fill_stage", "run_sphinx"]

STAMP = ".avrec-stamp.json"
WORDS_A_MINUTE = 200
_WARNING = re.compile(r"^.*\b(?:WARNING|ERROR|CRITICAL)\b:.*$", re.M)


def _files(folder: Path) -> dict[str, Path]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path for path in sorted(found)}


def _stage_key(project: Project, runs: list[Run], profile: str, seed: int, only: bool) -> str:
    """Fingerprint all that the pages are made from."""
    files = {f"book/{name}": path for name, path in _files(project.root / "book").items()}
    files |= {name: project.root / name for name in ("_config.yml", "_toc.yml", "requirements.lock")}
    files |= {f"publish/{name}": path for name, path in _files(Path(__file__).parent).items()}
    files |= {f"executed/{run.chapter}": run.notebook for run in runs}
    return fingerprint(files, profile=profile, seed=seed, only=only, runs=[run.key for run in runs])


def _words(notebook: nbformat.NotebookNode) -> int:
    """Count what a reader reads: prose, and the code that is not folded away."""
    folded = {"hide-input", "remove-input", "remove-cell"}
    read = (cell for cell in notebook.cells if not folded & set(cell.metadata.get("tags", [])))
    return sum(len(cell.source.split()) for cell in read)


def _stage_chapter(run: Run, stage: Path) -> str:
    """Copy an executed chapter: media in files of their own, measured times in its card; return its HTML."""
    notebook = nbformat.read(run.notebook, as_version=4)
    minutes = max(1, math.ceil(_words(notebook) / WORDS_A_MINUTE))
    kept, shown = [], []
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            continue
        for timing in ("papermill", "execution"):  # when and how long: not the same twice
            cell.metadata.pop(timing, None)
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html")
            if html is not None:
                text = "".join(html) if isinstance(html, list) else html
                text = externalise_media(text, stage / "book" / "_static" / "media", "../_static/media")
                shown.append(fill_measured(text, run_seconds=run.seconds, read_minutes=minutes))
                output["data"]["text/html"] = shown[-1]
        kept.append(cell)
    notebook.cells = kept
    notebook.metadata.pop("papermill", None)
    target = stage / "chapters" / f"{run.chapter}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(nbformat.writes(notebook), encoding="utf-8")
    return "".join(shown)


def fill_stage(project: Project, stage: Path, runs: list[Run], *, profile: str, seed: int) -> None:
    """Lay out the sources that Jupyter Book reads.

    These are the front matter, the executed chapters, the ledger's page, ``book/pipeline.html``, the picture whose
    boxes lead to the chapters, and a glossary whose entries do.

    Parameters
    ----------
    project : Project
        The checkout.
    stage : Path
        Folder to fill; what was there is removed.
    runs : list of Run
        The executed chapters.
    profile, seed : str, int
        Of the runs.
    """
    shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(project.root / "book", stage / "book", ignore=shutil.ignore_patterns("claims", "__pycache__"))
    shutil.copyfile(project.root / "_config.yml", stage / "_config.yml")
    toc = yaml.safe_load((project.root / "_toc.yml").read_text(encoding="utf-8"))
    names = {f"chapters/{run.chapter}" for run in runs}

    def present(entries: list[dict[str, str]]) -> list[dict[str, str]]:
        return [e for e in entries if not e["file"].startswith("chapters/") or e["file"].split(".")[0] in names]

    if "chapters" in toc:
        toc["chapters"] = present(toc["chapters"])
    if "parts" in toc:
        toc["parts"] = [{**part, "chapters": present(part["chapters"])} for part in toc["parts"]]
        toc["parts"] = [part for part in toc["parts"] if part["chapters"]]
    (stage / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    pages = {f"../chapters/{run.chapter}.html": _stage_chapter(run, stage) for run in runs}
    (stage / "book" / "pipeline.html").write_text(pipeline_map(pages), encoding="utf-8")
    glossary = stage / "book" / "glossary.md"
    if glossary.exists():
        used = {run.chapter: terms_used(nbformat.read(run.notebook, as_version=4)) for run in runs}
        glossary.write_text(lead_to_chapters(glossary.read_text(encoding="utf-8"), used), encoding="utf-8")
    page = ledger_page({run.chapter: run.claims for run in runs}, profile=profile, seed=seed)
    (stage / "book" / "ledger.md").write_text(page, encoding="utf-8")


def run_sphinx(stage: Path, output: Path, log: Path, *, strict: bool) -> Path:
    """Build a stage with Jupyter Book, execution off.

    Parameters
    ----------
    stage : Path
        As :func:`fill_stage` left it.
    output : Path
        Folder to build in; what was there is removed.
    log : Path
        File for all that the tools say.
    strict : bool
        Whether a warning is an error.

    Returns
    -------
    Path
        The folder of pages.

    Raises
    ------
    BuildError
        If the build warns (where strict) or fails: the message holds the warnings.
    """
    shutil.rmtree(output, ignore_errors=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    program = "from avrec_lib.publish.child import end_with_parent; end_with_parent()\n"
    program += "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", program, "build", str(stage), "--path-output", str(output)]
    command += ["-n", "--keep-going", "--all"] + (["-W"] if strict else [])
    with log.open("w", encoding="utf-8") as file, tqdm(desc="  pages", bar_format="{desc}: {elapsed}") as clock:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.PIPE)
        while process.poll() is None:
            time.sleep(0.5)
            if sys.stderr.isatty():
                clock.refresh()
    said = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(encoding="utf-8"))
    warnings = [line.replace(str(stage) + "/", "") for line in _WARNING.findall(said)]
    if "No space left on device" in said:
        raise BuildError("the disk filled while the pages were built; free some space and run it again")
    html = output / "_build" / "html"
    if process.returncode or (strict and warnings) or not (html / "index.html").exists():
        what = "\n".join(f"  {line}" for line in warnings) or said[-2000:]
        raise BuildError(f"the pages could not be built (all that was said: {log}):\n{what}")
    for line in warnings:
        print(f"  {line}", file=sys.stderr)
    return html


def _standing(html: Path, key: str) -> bool:
    """Say whether the pages of this key are there and whole."""
    try:
        stamp = json.loads((html / STAMP).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return False
    if stamp.get("key") != key:
        return False
    sizes = {name: path.stat().st_size for name, path in _files(html).items() if name != STAMP}
    return bool(stamp.get("sizes") == sizes)


def build_pages(project: Project, runs: list[Run], *, profile: str, seed: int, html: Path, only: bool = False) -> bool:
    """Build the pages and put them in place, whole or not at all.

    Parameters
    ----------
    project : Project
        The checkout.
    runs : list of Run
        The executed chapters.
    profile, seed : str, int
        Of the runs.
    html : Path
        Folder for the pages.
    only : bool
        Whether these are some of the chapters: then links to the others may dangle.

    Returns
    -------
    bool
        False if the pages that stand there are these already.

    Raises
    ------
    BuildError
        If the build warns, a page is missing, or a check of the built pages fails.
    """
    listed = project.pages()
    key = _stage_key(project, runs, profile, seed, only)
    if _standing(html, key):
        return False
    work = project.build / "work" / html.name
    stage = work / "stage"
    fill_stage(project, stage, runs, profile=profile, seed=seed)
    built = run_sphinx(stage, work / "sphinx", project.build / "logs" / f"{html.name}.txt", strict=not only)
    chapters = {f"chapters/{run.chapter}" for run in runs}
    problems = [
        f"{name}.html was not built"
        for name in listed
        if (name in chapters or not name.startswith("chapters/")) and not (built / f"{name}.html").exists()
    ]
    problems += [] if only else check_pages(built)
    if problems:
        raise BuildError("the built pages have faults:\n" + "\n".join(f"  {line}" for line in problems))
    sizes = {name: path.stat().st_size for name, path in _files(built).items()}
    (built / STAMP).write_text(json.dumps({"key": key, "sizes": sizes}), encoding="utf-8")
    html.parent.mkdir(parents=True, exist_ok=True)
    old = html.with_name(html.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if html.exists():
        html.replace(old)
    built.replace(html)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
    return True
