"""The pages and the browser; without a browser its tests are skipped and say why."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def names() -> list[str]:
    """Return the pages of the table of contents, as addresses."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    entries = [*toc.get("chapters", []), *(entry for part in toc.get("parts", []) for entry in part["chapters"])]
    return [f"{name}.html" for name in (toc["root"], *(entry["file"] for entry in entries))]


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    from visiting import find_browser, opened

    executable = find_browser()
    if executable is None:
        pytest.skip("no Chromium here; install it (Debian: apt-get install chromium) or name it in AVREC_CHROMIUM")
    with opened(executable) as running:
        yield running


@pytest.fixture(scope="session")
def base(html: Path) -> Iterator[str]:
    from visiting import served

    with served(html) as address:
        yield address
