"""What several folders of tests share: the smoke book, built once, and real data sets, where they are here."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from avrec_lib.collect.datasets import has_dataset

ROOT = Path(__file__).resolve().parents[1]

# Tests of properties try the same examples each time, and none fails because the machine is busy.
settings.register_profile("house", derandomize=True, deadline=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def html() -> Path:
    """Build the smoke book as ``make book PROFILE=smoke`` does; AVREC_HTML names one that is built already."""
    if named := os.environ.get("AVREC_HTML"):
        return Path(named)
    done = subprocess.run(
        [sys.executable, "-m", "avrec_lib.publish", "book", "--profile", "smoke"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return ROOT / "_build" / "html-smoke"


@pytest.fixture
def needs_dataset() -> Callable[[str], str]:
    """Give a function that returns a data set's name, or skips the test and names the command that fetches the data."""

    def needed(name: str) -> str:
        if not has_dataset(name):
            pytest.skip(f"the data set is not here; fetch it by: python -m avrec_lib.collect fetch {name}")
        return name

    return needed
