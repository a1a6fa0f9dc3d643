"""Run the chapters that need it, several at a time, and keep what papermill wrote."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from tqdm import tqdm

from avrec_lib.cache import cache_root
from avrec_lib.collect.datasets import has_dataset
from avrec_lib.dependencies import fingerprint, imported_modules, source_closure
from avrec_lib.publish.ledger import CLAIMS_FILE, Claim
from avrec_lib.publish.pairs import cell_lines, notebook_of, write_notebook
from avrec_lib.publish.project import BuildError, Project
from avrec_lib.publish.record import read_claims
from avrec_lib.publish.recorded import data_sets_named

__all__ = ["Run", "chapter_files", "chapter_key", "check_executed", "is_kept", "run_chapters"]

_running: set[subprocess.Popen[str]] = set()
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_DISK_FULL = "the disk is full: a chapter could not write what it made; free some space and run the same command again"
# The name of a socket has 103 bytes at most on macOS and 107 on Linux, and multiprocessing adds 32 to this.
_LONGEST_TEMPORARY = 103 - 32
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Run:
    """One executed chapter.

    Attributes
    ----------
    chapter : str
        Name of the chapter, such as ``01_name``.
    key : str
        Fingerprint of all that it was made from.
    notebook : Path
        What papermill wrote.
    claims : dict
        From name to claim.
    seconds : float
        Wall time of the run.
    peak_bytes : int
        Peak memory of the largest process.
    fresh : bool
        Whether it ran now.
    """

    chapter: str
    key: str
    notebook: Path
    claims: dict[str, Claim]
    seconds: float
    peak_bytes: int
    fresh: bool


def chapter_files(project: Project, chapter: Path) -> dict[str, Path]:
    """Return all files that a chapter's run depends on: its text, the lock, and the modules that it imports.

    Parameters
    ----------
    project : Project
        The checkout.
    chapter : Path
        The chapter's text.

    Returns
    -------
    dict
        From name to file.

    Raises
    ------
    BuildError
        If a code cell is not Python.
    """
    notebook = notebook_of(chapter.read_text(encoding="utf-8"))
    modules: set[str] = set()
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for number, (source, line) in enumerate(
        zip(code, cell_lines(chapter.read_text(encoding="utf-8")), strict=True), start=1
    ):
        plain = "\n".join(re.sub(r"^(\s*)[%!].*$", r"\1pass", text) for text in source.splitlines())
        try:
            modules |= imported_modules(plain)
        except SyntaxError as error:
            raise BuildError(
                f"chapters/{chapter.name}, line {line + (error.lineno or 1) - 1} (code cell {number}): {error.msg}"
            ) from error
    files = source_closure(project.root, modules)
    return {**files, f"chapters/{chapter.name}": chapter, project.lock.name: project.lock}


def chapter_key(project: Project, chapter: Path, parameters: dict[str, object]) -> str:
    """Return the fingerprint that decides whether a chapter must run again.

    Parameters
    ----------
    project : Project
        The checkout.
    chapter : Path
        The chapter's text.
    parameters : dict
        The run's parameters.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    files = chapter_files(project, chapter)
    wanted = data_sets_named(chapter.read_text(encoding="utf-8"))
    here = [name for name in wanted if has_dataset(name)]
    record = project.record(str(parameters["profile"]))
    if len(here) < len(wanted) and record.exists():  # what is not here is told from the record
        files[f"claims/{record.name}"] = record
    return fingerprint(files, parameters=parameters, python=python, data=here)


def _read(path: Path) -> dict[str, Any]:
    """Read what a build noted, or nothing where that is missing or damaged: all of it can be made again."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _kept(key: str, chapter: str) -> Run | None:
    """Return the run kept under a key, if it is there and whole."""
    folder = cache_root() / "executed" / key
    facts = _read(folder / "run.json")
    if not folder.exists():
        return None
    files = {name: folder / name for name in ("notebook.ipynb", "claims.jsonl")}
    if not all(path.exists() for path in files.values()) or facts.get("sha256") != fingerprint(files):
        tqdm.write(f"chapter {chapter}: what was kept of it is damaged; it runs again", file=sys.stderr)
        return None
    claims = read_claims(files["claims.jsonl"], chapter)
    return Run(chapter, key, files["notebook.ipynb"], claims, facts["seconds"], facts["peak_bytes"], False)


def is_kept(project: Project, chapter: Path, parameters: dict[str, object]) -> bool:
    """Say whether the cache holds a chapter's run, so that it need not run again.

    Parameters
    ----------
    project : Project
        The checkout.
    chapter : Path
        The chapter's text.
    parameters : dict
        The run's parameters.

    Returns
    -------
    bool
        True if :func:`run_chapters` would take it as it is.
    """
    return _kept(chapter_key(project, chapter, parameters), chapter.stem) is not None


def _echo(output: Any, stated: set[str | None]) -> str | None:
    """Return the first line of an output that begins with a claim's name and its text, or None."""
    shown = output.get("data", {}).get("text/plain", "") or output.get("text", "")
    line = next(iter(shown.splitlines()), "")
    name, colon, _ = line.lstrip("([").partition(": ")
    return line if colon and name in stated else None


def check_executed(path: Path, chapter: str) -> None:
    """Refuse a notebook that was not really run from end to end.

    Raises
    ------
    BuildError
        If a cell did not run, wrote a warning or ends in an echo of a claim, or papermill reports no run time.
    """
    notebook = nbformat.read(path, as_version=4)
    duration = notebook.metadata.get("papermill", {}).get("duration") or 0.0
    if duration <= 0.0:
        raise BuildError(f"chapter {chapter}: the notebook reports zero run time, so it was not executed")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    stated = {out.get("metadata", {}).get("scrapbook", {}).get("name") for cell in code for out in cell.outputs}
    for number, cell in enumerate(code, start=1):
        if cell.source.strip() and cell.execution_count is None:
            raise BuildError(f"chapter {chapter}: code cell {number} was not executed")
        if any(output.output_type == "error" for output in cell.outputs):
            raise BuildError(f"chapter {chapter}: code cell {number} holds an error")
        said = "".join(output.text for output in cell.outputs if output.get("name") == "stderr")
        if said:
            raise BuildError(f"chapter {chapter}: code cell {number} warns, and a page shows no warnings: {said[:500]}")
        for output in cell.outputs:
            if echo := _echo(output, stated):
                raise BuildError(
                    f"chapter {chapter}: code cell {number} shows a claim as a stray line ({echo!r}); the sentence "
                    "pastes it, so end the cell's last line with a semicolon"
                )


def _failure(chapter: Path, executed: Path, failed: dict[str, Any]) -> BuildError:
    """Turn papermill's report into the chapter, the cell's number, its line in the text, and the traceback."""
    cells = nbformat.read(executed, as_version=4).cells
    code = [c for c in cells if c.cell_type == "code" and "injected-parameters" not in c.metadata.get("tags", [])]
    wrong = (i for i, cell in enumerate(code, start=1) if any(o.output_type == "error" for o in cell.outputs))
    number = next(wrong, len(code))
    line = cell_lines(chapter.read_text(encoding="utf-8"))[number - 1]
    traceback = _ANSI.sub("", failed["traceback"])
    inside = re.findall(r"Cell In\[\d+\], line (\d+)", traceback)
    line += int(inside[-1]) - 1 if inside else 0
    if "No space left on device" in f"{failed['value']} {traceback}":
        return BuildError(_DISK_FULL)
    return BuildError(
        f"chapter {chapter.stem} failed in code cell {number}, chapters/{chapter.name} line {line}: "
        f"{failed['name']}: {failed['value']}\n{traceback}"
    )


def _run_one(
    project: Project, chapter: Path, key: str, parameters: dict[str, object], bar: Any, stopped: threading.Event
) -> Run:
    """Run a chapter in a scratch folder and keep the result under its key; once stopped, end it as it starts."""
    store = cache_root() / "executed"
    store.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{chapter.stem}-", dir=store))
    temporary = scratch / "tmp"
    try:
        if len(os.fsencode(temporary)) > _LONGEST_TEMPORARY:
            temporary = Path(tempfile.mkdtemp(prefix="avrec-"))
        temporary.mkdir(exist_ok=True)
        source, target, claims = scratch / "source.ipynb", scratch / "notebook.ipynb", scratch / "claims.jsonl"
        claims.touch()
        work = scratch / "work"
        work.mkdir()
        write_notebook(notebook_of(chapter.read_text(encoding="utf-8")), source)
        environment = dict(os.environ) | dict.fromkeys(_ONE_THREAD, "1")
        environment |= {
            CLAIMS_FILE: str(claims),
            "AVREC_CACHE": str(cache_root()),
            "TMPDIR": str(temporary),
            "TQDM_DISABLE": "1",
            "PYTHONHASHSEED": "0",
            "PYTHONNOUSERSITE": "1",  # what is installed or set up for this user has no say in the book
            "IPYTHONDIR": str(scratch / "ipython"),
            "JUPYTER_CONFIG_DIR": str(scratch / "jupyter"),
            "JUPYTER_PATH": "",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(project.root), os.environ.get("PYTHONPATH", "")])),
        }
        failed, done, output = None, None, []
        with (scratch / "stderr.txt").open("w+", encoding="utf-8") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "avrec_lib.publish.execute", source, target, json.dumps(parameters)],
                cwd=work,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            _running.add(process)
            if stopped.is_set():  # after the process is known: whoever stops all either sees it or is seen here
                process.kill()
            assert process.stdout is not None
            for line in process.stdout:
                if not line.startswith("{"):
                    output.append(line)
                    continue
                message = json.loads(line)
                failed, done = message.get("failed", failed), message.get("done", done)
                if "cell" in message:
                    bar.total = max(bar.total or 0, message["of"])
                    bar.update(message["cell"] - bar.n)
            process.wait()
            _running.discard(process)
            errors.seek(0)
            said = errors.read()
        if failed is not None:
            raise _failure(chapter, target, failed)
        if done is None or process.returncode:
            # On a full disk what the process said is not written either, so the disk is asked too.
            if "No space left on device" in said or shutil.disk_usage(store).free < 1 << 20:
                raise BuildError(_DISK_FULL)
            raise BuildError(
                f"chapter {chapter.stem}: its process ended with status {process.returncode} before the notebook "
                f"did\n{''.join(output)}{said}"
            )
        check_executed(target, chapter.stem)
        found = read_claims(claims, chapter.stem)
        facts = {**done, "chapter": chapter.stem, "sha256": fingerprint({p.name: p for p in (target, claims)})}
        (scratch / "run.json").write_text(json.dumps(facts), encoding="utf-8")
        for extra in (source, scratch / "stderr.txt"):
            extra.unlink()
        for folder in (work, temporary, scratch / "ipython", scratch / "jupyter"):
            shutil.rmtree(folder, ignore_errors=True)
        final = store / key
        if final.exists():
            shutil.rmtree(final)
        scratch.replace(final)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(temporary, ignore_errors=True)
    return Run(chapter.stem, key, final / "notebook.ipynb", found, done["seconds"], done["peak_bytes"], True)


def _forget_old(keep: set[str], chapters: set[str], most: int = 4) -> None:
    """Remove all but the latest few kept runs of each chapter, and what killed runs left behind."""
    store = cache_root() / "executed"
    by_chapter: dict[str, list[Path]] = {}
    for folder in sorted(store.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True):
        if folder.name.startswith("."):
            if time.time() - folder.stat().st_mtime > 6 * 3600:
                shutil.rmtree(folder, ignore_errors=True)
            continue
        by_chapter.setdefault(_read(folder / "run.json").get("chapter", ""), []).append(folder)
    for chapter in chapters:
        for folder in by_chapter.get(chapter, [])[most:]:
            if folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)


def run_chapters(
    project: Project, chapters: list[Path], parameters: dict[str, object], *, jobs: int | None = None
) -> list[Run]:
    """Run the chapters that changed, longest first, and return all of them.

    Parameters
    ----------
    project : Project
        The checkout.
    chapters : list of Path
        The chapters' texts.
    parameters : dict
        ``profile`` and ``seed``.
    jobs : int, optional
        How many run at once; by default one a core.

    Returns
    -------
    list of Run
        In the order of ``chapters``.

    Raises
    ------
    BuildError
        If a cell fails: the message names the chapter, the cell and its line, and holds the traceback.
    """
    (cache_root() / "executed").mkdir(parents=True, exist_ok=True)
    keys = {chapter: chapter_key(project, chapter, parameters) for chapter in chapters}
    runs: dict[Path, Run] = {}
    for chapter, key in keys.items():
        if kept := _kept(key, chapter.stem):
            runs[chapter] = kept
    times = project.build / "times.json"
    before: dict[str, float] = _read(times)
    todo = sorted(
        (chapter for chapter in chapters if chapter not in runs),
        key=lambda chapter: (-before.get(f"{chapter.stem}-{parameters['profile']}", 1e9), chapter.stem),
    )
    print(f"chapters: {len(todo)} to run, {len(runs)} unchanged", file=sys.stderr)

    def run(chapter: Path) -> Run:
        pause = 0.5 if sys.stderr.isatty() else 15.0  # a log file wants signs of life, not a film
        with tqdm(desc=f"  {chapter.stem}", unit="cell", total=1, mininterval=pause, maxinterval=pause) as bar:
            return _run_one(project, chapter, keys[chapter], parameters, bar, stopped)

    problems, stopped = [], threading.Event()
    with ThreadPoolExecutor(max_workers=jobs or os.cpu_count() or 1) as pool:
        try:
            futures = {chapter: pool.submit(run, chapter) for chapter in todo}
            for chapter, future in futures.items():
                try:
                    runs[chapter] = future.result()
                except BuildError as error:
                    problems.append(str(error))
        except BaseException:  # Ctrl-C: the queue is dropped, and what runs is ended
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(_running):
                assert process.stdin is not None
                process.stdin.close()  # it ends by itself, and takes with it what its kernel started
            raise
    if problems:
        raise BuildError("\n".join(dict.fromkeys(problems)))
    executed = project.executed(str(parameters["profile"]))
    executed.mkdir(parents=True, exist_ok=True)
    for run_ in runs.values():
        new = executed / f"{run_.chapter}.new"
        shutil.copyfile(run_.notebook, new)
        new.replace(executed / f"{run_.chapter}.ipynb")
        before[f"{run_.chapter}-{parameters['profile']}"] = run_.seconds
    new = times.with_suffix(".new")
    new.write_text(json.dumps(before, indent=1, sort_keys=True), encoding="utf-8")
    new.replace(times)
    _forget_old(set(keys.values()), {chapter.stem for chapter in chapters})
    return [runs[chapter] for chapter in chapters]
