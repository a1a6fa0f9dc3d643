"""The places of one checkout of the book, and the errors that end a build."""

import errno
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

import avrec_lib

__all__ = ["PROFILES", "BuildError", "Project", "here", "one_build_at_a_time"]

PROFILES: tuple[str, ...] = ("smoke", "full")


class BuildError(RuntimeError):
    """The book cannot be built; the message names the cause and the remedy."""


@dataclass(frozen=True)
class Project:
    """A checkout of the book.

    Attributes
    ----------
    root : Path
        The folder that holds ``chapters/``, ``book/``, ``avrec_lib/`` and ``_toc.yml``.
    """

    root: Path

    @property
    def build(self) -> Path:
        """Return the folder of everything that a build makes."""
        return self.root / "_build"

    @property
    def lock(self) -> Path:
        """Return the file of exact package versions."""
        return self.root / "requirements.lock"

    def executed(self, profile: str) -> Path:
        """Return the folder of the notebooks that papermill wrote for a profile."""
        return self.build / "executed" / profile

    def html(self, profile: str) -> Path:
        """Return the folder of the built pages of a profile: ``_build/html`` is the published one."""
        return self.build / ("html" if profile == "full" else f"html-{profile}")

    def record(self, profile: str) -> Path:
        """Return the file of the recorded claims of a profile."""
        return self.root / "book" / "claims" / f"{profile}.json"

    def chapters(self) -> list[Path]:
        """Return the chapters' texts, in order.

        Raises
        ------
        BuildError
            If there is none.
        """
        found = sorted((self.root / "chapters").glob("[0-9][0-9]_*.md"))
        if not found:
            raise BuildError(f"no chapter in {self.root / 'chapters'}; expected files such as 01_name.md")
        return found

    def chapter(self, number: str) -> Path:
        """Return the text of one chapter.

        Parameters
        ----------
        number : str
            Its number, such as ``1`` or ``01``, or its name.

        Raises
        ------
        BuildError
            If there is no such chapter; the message lists those that exist.
        """
        wanted = number.zfill(2) if number.isdigit() else number.removesuffix(".md")
        for path in self.chapters():
            if path.stem == wanted or path.stem[:2] == wanted:
                return path
        names = ", ".join(path.stem for path in self.chapters())
        raise BuildError(f"there is no chapter {number!r}; there are: {names} (give its number: make chapter C=01)")

    def pages(self) -> list[str]:
        """Return the names, without extension, of the pages in the table of contents.

        Raises
        ------
        BuildError
            If ``_toc.yml`` names a page that does not exist, or misses one that does.
        """
        toc = yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))
        listed: list[str] = [toc["root"]]
        for part in toc.get("parts", []):
            listed += [entry["file"] for entry in part["chapters"]]
        listed += [entry["file"] for entry in toc.get("chapters", [])]
        listed = [name.removesuffix(".md").removesuffix(".ipynb") for name in listed]
        stray = [
            path.name
            for path in sorted((self.root / "chapters").iterdir())
            if path.suffix in (".md", ".ipynb") and path.with_suffix(".md") not in self.chapters()
        ]
        if stray:
            raise BuildError(
                f"not chapters: {', '.join(stray)}; a chapter is a text NN_name.md and its notebook NN_name.ipynb "
                "(rename it, or bring the pair in step with: make notebooks)"
            )
        texts = [*self.chapters(), *sorted((self.root / "book").rglob("*.md"))]
        present = {path.relative_to(self.root).with_suffix("").as_posix() for path in texts} | {"book/ledger"}
        if missing := sorted(present - set(listed) - {p for p in present if "/_" in p}):
            raise BuildError(f"not in the table of contents: {', '.join(missing)}; add each to _toc.yml")
        if unknown := [name for name in listed if name not in present]:
            raise BuildError(f"_toc.yml names pages that do not exist: {', '.join(unknown)}")
        return listed


def here() -> Project:
    """Return the checkout that this library was imported from.

    Raises
    ------
    BuildError
        If the library was installed without the book.
    """
    root = Path(avrec_lib.__file__).resolve().parent.parent
    if not (root / "_toc.yml").exists():
        raise BuildError(f"{root} holds no book (no _toc.yml); run this from a checkout of the book")
    return Project(root)


@contextmanager
def one_build_at_a_time(project: Project) -> Iterator[None]:
    """Hold the checkout's build lock, which ends with this process however it ends.

    Raises
    ------
    BuildError
        If another build holds it.
    """
    project.build.mkdir(parents=True, exist_ok=True)
    with (project.build / "build.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise BuildError(
                f"another build is running in {project.root}; wait for it to end, then run the same command again"
            ) from error
        yield
