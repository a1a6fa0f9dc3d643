"""The set-up on machines that lack something, with the real pip."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from avrec_lib.publish.lock import pinned

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path):
    """Lay out as much of a checkout as the set-up reads, with a small lock."""
    root = tmp_path / "a checkout"
    (root / "avrec_lib" / "publish").mkdir(parents=True)
    shutil.copy(ROOT / "avrec_lib" / "publish" / "bootstrap.py", root / "avrec_lib" / "publish")
    shutil.copy(ROOT / "Makefile", root)
    (root / "requirements.lock").write_text("no-such-package-of-anybody==1.0\n")
    (root / "pyproject.toml").write_text("")
    return root


def run(root, *words, program=None, **environment):
    return subprocess.run(
        program or [sys.executable, "-I", "avrec_lib/publish/bootstrap.py", *words],
        cwd=root,
        env={**{k: v for k, v in os.environ.items() if k != "AVREC_VENV"}, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def last_line(done):
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_an_old_python_is_told_what_to_do(checkout):
    program = (
        "import sys, runpy; sys.version_info = (3, 9, 1); sys.argv = ['x']; "
        "runpy.run_path('avrec_lib/publish/bootstrap.py', run_name='__main__')"
    )
    line = last_line(run(checkout, program=[sys.executable, "-c", program]))
    assert "Python 3.11 or newer is needed" in line and "make PYTHON=" in line


def test_no_python_at_all_is_told(checkout):
    done = run(checkout, program=["make", "book", "PYTHON=python-that-is-not-there"])
    assert done.returncode != 0
    assert "there is no 'python-that-is-not-there' here; install Python 3.11" in done.stderr


@pytest.mark.parametrize("retries", ["0", "1"])
def test_no_network_is_told_and_what_is_there_is_kept(checkout, retries):
    away = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": retries}
    away |= {"PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
    line = last_line(run(checkout, "-c", "pass", **away))
    assert "no network" in line and "run the same command again" in line
    assert (checkout / ".venv" / "bin" / "python").exists()
    assert not (checkout / ".venv" / "avrec-stamp").exists(), "half an environment is stamped as whole"


def test_a_second_set_up_says_so_and_stops(checkout):
    import fcntl

    (checkout / "_build").mkdir()
    with (checkout / "_build" / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another set-up is running" in last_line(run(checkout, "-c", "pass"))


def test_a_missing_lock_is_named(checkout):
    (checkout / "requirements.lock").unlink()
    assert "requirements.lock is missing" in last_line(run(checkout, "-c", "pass"))


def test_a_lock_pins_no_accelerator_and_not_ourselves():
    frozen = (
        "# Editable install (avrec-lib==0.1.0)\n-e /somewhere\nNumPy==2.0\nnvidia-cublas-cu12==1\ntriton==3\n"
        "torch==2.13.0+cpu\npip==23\ncuda-bindings==13\navrec-lib==0.1.0\n"
    )
    assert pinned(frozen) == ["NumPy==2.0", "torch==2.13.0"]
