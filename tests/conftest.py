"""The book in the smoke profile, built once for all tests that look at it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


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
