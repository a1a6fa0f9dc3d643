"""The commands of the book: ``python -m avrec_lib.publish COMMAND``."""

import argparse
import errno
import functools
import http.server
import shutil
import subprocess
import sys
import time
from pathlib import Path

from avrec_lib.publish.pairs import out_of_step, sync
from avrec_lib.publish.project import PROFILES, BuildError, Project, here, one_build_at_a_time
from avrec_lib.publish.record import differences, read_record, write_record
from avrec_lib.publish.runner import Run, chapter_files, is_kept, run_chapters
from avrec_lib.publish.staging import build_pages

__all__ = ["build_book", "main"]

SEED = 7
"""The seed of the published book; other seeds are built and not held against the record."""


def _make_world(project: Project, chapters: list[Path], parameters: dict[str, object]) -> None:
    """Generate the world, with its progress bar, if a chapter that must run reads it."""
    needs = (
        "avrec_lib/world/__init__.py" in chapter_files(project, chapter)
        for chapter in chapters
        if not is_kept(project, chapter, parameters)
    )
    if not any(needs):
        return
    program = "from avrec_lib.publish.child import end_with_parent; end_with_parent()\n"
    program += "import sys; from avrec_lib.world.__main__ import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "--profile", str(parameters["profile"])]
    with subprocess.Popen([*command, "--seed", str(parameters["seed"])], stdin=subprocess.PIPE) as process:
        process.wait()
    if process.returncode:
        raise BuildError("the world could not be generated; the reason stands above; run the same command again")


def _check_pairs(project: Project) -> None:
    """Refuse to build from a chapter whose notebook says something else."""
    wrong = [why for chapter in project.chapters() if (why := out_of_step(chapter))]
    if wrong:
        raise BuildError("pairs out of step: " + "; ".join(wrong) + "; run: make notebooks")


def _check_claims(project: Project, runs: list[Run], profile: str, *, whole: bool) -> None:
    """Hold a run's claims against the record."""
    changed = differences(read_record(project.record(profile)), {r.chapter: r.claims for r in runs}, whole=whole)
    if changed:
        option = "" if profile == "full" else f" PROFILE={profile}"
        raise BuildError(
            f"{len(changed)} claims differ from {project.record(profile).relative_to(project.root)} "
            f"(if they are right, accept them with: make claims{option} RECORD=1):\n"
            + "\n".join(f"  {line}" for line in changed)
        )


def build_book(project: Project, profile: str, seed: int, *, jobs: int | None = None) -> Path:
    """Build the whole book.

    Parameters
    ----------
    project : Project
        The checkout.
    profile : str
        ``smoke`` or ``full``.
    seed : int
        Seed of the world.
    jobs : int, optional
        Chapters that run at once.

    Returns
    -------
    Path
        The folder of pages.

    Raises
    ------
    BuildError
        If anything is wrong; nothing that stood before is lost.
    """
    start = time.perf_counter()
    project.pages()
    _check_pairs(project)
    parameters: dict[str, object] = {"profile": profile, "seed": seed}
    chapters = project.chapters()
    _make_world(project, chapters, parameters)
    runs = run_chapters(project, chapters, parameters, jobs=jobs)
    for run in runs:
        how = "ran in" if run.fresh else "unchanged; it ran in"
        print(
            f"  {run.chapter}: {how} {run.seconds:.1f} s, {run.peak_bytes / 2**20:,.0f} MiB, {len(run.claims)} claims"
        )
    if seed == SEED:
        _check_claims(project, runs, profile, whole=True)
    html = project.html(profile)
    fresh = build_pages(project, runs, profile=profile, seed=seed, html=html)
    print(f"{'built' if fresh else 'nothing changed'} in {time.perf_counter() - start:.1f} s: {html / 'index.html'}")
    return html


def _book(options: argparse.Namespace) -> None:
    project = here()
    with one_build_at_a_time(project):
        build_book(project, options.profile, options.seed, jobs=options.jobs)
    print(f"read it at http://localhost:8000 with: make serve{'' if options.profile == 'full' else ' PROFILE=smoke'}")


def _chapter(options: argparse.Namespace) -> None:
    project = here()
    chapter = project.chapter(options.chapter)
    parameters: dict[str, object] = {"profile": options.profile, "seed": options.seed}
    html = project.build / "chapter" / chapter.stem / "html"
    if why := out_of_step(chapter):
        raise BuildError(f"pair out of step: {why}; run: make notebooks")
    with one_build_at_a_time(project):
        _make_world(project, [chapter], parameters)
        runs = run_chapters(project, [chapter], parameters)
        build_pages(project, runs, profile=options.profile, seed=options.seed, html=html, only=True)
    if options.seed == SEED:
        changed = differences(
            read_record(project.record(options.profile)), {r.chapter: r.claims for r in runs}, whole=False
        )
        for line in changed:
            print(f"  claim {line}")
    how = "ran in" if runs[0].fresh else "unchanged; it ran in"
    print(f"{chapter.stem}: {how} {runs[0].seconds:.1f} s: {html / 'chapters' / (chapter.stem + '.html')}")


def _claims(options: argparse.Namespace) -> None:
    project = here()
    parameters: dict[str, object] = {"profile": options.profile, "seed": SEED}
    with one_build_at_a_time(project):
        _make_world(project, project.chapters(), parameters)
        runs = run_chapters(project, project.chapters(), parameters)
    claims = {run.chapter: run.claims for run in runs}
    path = project.record(options.profile)
    changed = differences(read_record(path), claims, whole=True)
    print("\n".join(changed) or f"all {sum(map(len, claims.values()))} claims are as recorded")
    if options.record:
        write_record(path, claims, profile=options.profile, seed=SEED)
        print(f"recorded in {path}; look at the change (git diff) and commit it")
    elif changed:
        print("accept them with: make claims RECORD=1" + ("" if options.profile == "full" else " PROFILE=smoke"))


def _notebooks(options: argparse.Namespace) -> None:
    project = here()
    for chapter in project.chapters():
        print(sync(chapter, source=options.source))


def _serve(options: argparse.Namespace) -> None:
    html = here().html(options.profile)
    if not (html / "index.html").exists():
        raise BuildError(f"there is no book in {html} yet; run: make book")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(html))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), handler)
    except OSError as error:
        raise BuildError(
            f"port {options.port} is taken ({error.strerror}); choose another: make serve PORT=8001"
        ) from error
    with server:
        print(f"the book is at http://localhost:{options.port} (stop with Ctrl-C)", flush=True)
        server.serve_forever()


def _clean(options: argparse.Namespace) -> None:
    project = here()
    with one_build_at_a_time(project):
        for path in project.build.iterdir():
            if path.name.endswith(".lock"):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    print(f"emptied {project.build} (the environment .venv stays; remove it by hand to start from nothing)")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m avrec_lib.publish", description="The commands of the book.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str, *, profile: bool = True) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(run=run)
        if profile:
            one.add_argument("--profile", default="full", help="smoke (seconds) or full (the published book)")
        return one

    book = command("book", _book, "Run every chapter, check the claims, build the pages.")
    chapter = command("chapter", _chapter, "Run one chapter and build its page.")
    chapter.add_argument("chapter", help="its number")
    for one in (book, chapter):
        one.add_argument("--seed", type=int, default=SEED, help="seed of the world (default: %(default)s)")
    book.add_argument("--jobs", type=int, default=None, help="chapters that run at once (default: one a core)")
    claims = command("claims", _claims, "Show what changed against the recorded claims.")
    claims.add_argument("--record", action="store_true", help="accept the change")
    notebooks = command("notebooks", _notebooks, "Bring the paired notebooks in step.", profile=False)
    notebooks.add_argument("--source", default="", choices=["", "md", "ipynb"], help="which one of a pair holds")
    serve = command("serve", _serve, "Serve the built pages on this machine.")
    serve.add_argument("--port", type=int, default=8000)
    command("clean", _clean, "Remove all that builds made.", profile=False)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : list of str, optional
        Words of the command line.

    Returns
    -------
    int
        0, or 1 after one message that names cause and remedy.
    """
    options = _parser().parse_args(arguments)
    try:
        if getattr(options, "profile", "full") not in PROFILES:
            raise BuildError(f"there is no profile {options.profile!r}; choose one of: {', '.join(PROFILES)}")
        options.run(options)
    except BuildError as error:
        print(f"avrec: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        full = error.errno == errno.ENOSPC
        where = f" ({error.filename})" if error.filename else ""
        what = f"the disk is full{where}; free some space and run it again" if full else str(error)
        print(f"avrec: {what}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("avrec: stopped; the next call goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    status = main()
    sys.exit(status)
