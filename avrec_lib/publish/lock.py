"""Resolve ``requirements.lock`` from ``pyproject.toml`` in a fresh environment.

Accelerator packages are left out: the lock pins ``torch`` itself, and what a
machine's torch needs for its accelerator is that machine's business.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

__all__ = ["main", "pinned"]

ROOT = Path(__file__).resolve().parent.parent.parent
_LEFT_OUT = re.compile(r"^(nvidia|cuda|triton|pytorch-triton|avrec)[-_a-z0-9]*( @|==| ?$)", re.I)
HEADER = "# Exact versions of the book's environment, resolved from pyproject.toml by `make lock`. Do not edit.\n"


def pinned(frozen: str) -> list[str]:
    """Return the pins of a ``pip freeze``, sorted, without accelerator packages and without this library.

    Parameters
    ----------
    frozen : str
        What ``pip freeze --all`` printed.

    Returns
    -------
    list of str
        Lines such as ``numpy==2.4.6``; a local version (``+cpu``) is dropped.
    """
    lines = [line.strip() for line in frozen.splitlines()]
    lines = [line for line in lines if re.match(r"[\w.\[\]-]+==", line) and not _LEFT_OUT.match(line)]
    lines = [line for line in lines if not re.match(r"(pip|wheel)==", line)]
    return sorted((re.sub(r"\+[\w.]+$", "", line) for line in lines), key=str.lower)


def main() -> int:
    """Write the lock anew.

    Returns
    -------
    int
        0, or pip's status.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    wanted += project["project"]["optional-dependencies"]["book"]
    torch = [line for line in wanted if line.startswith("torch==")]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = str(Path(folder, "bin", "python"))
        for packages in (torch, wanted):  # torch first, so that the build at hand is kept
            status = subprocess.call([python, "-m", "pip", "install", "--quiet", *packages])
            if status:
                print("avrec: pip could not resolve pyproject.toml; the reason stands above", file=sys.stderr)
                return status
        frozen = subprocess.run([python, "-m", "pip", "freeze", "--all"], check=True, capture_output=True, text=True)
    path = ROOT / "requirements.lock"
    new = path.with_suffix(".new")
    new.write_text(HEADER + "\n".join(pinned(frozen.stdout)) + "\n", encoding="utf-8")
    new.replace(path)
    print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
