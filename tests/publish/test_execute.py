"""One notebook, run by papermill in a process of its own."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest


def run_cell(folder: Path, source: str) -> str:
    """Run a notebook of one cell in a folder, and return the text of its only output."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)], metadata=kernel)
    nbformat.write(notebook, folder / "in.ipynb")
    words = [sys.executable, "-m", "avrec_lib.publish.execute", "in.ipynb", "out.ipynb", "{}"]
    with subprocess.Popen(words, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.wait(timeout=120) == 0
    (output,) = nbformat.read(folder / "out.ipynb", as_version=4).cells[-1].outputs
    return output.text


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="shared memory is no folder on this system")
def test_processes_that_a_kernel_started_leave_no_shared_memory(tmp_path):
    source = (
        "import os\nimport joblib\n"
        "joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(one) for one in range(4))\nprint(os.getpid())"
    )
    number = run_cell(tmp_path, source).strip()
    assert not [path.name for path in Path("/dev/shm").iterdir() if number in path.name.replace("_", "-").split("-")]


def test_a_line_that_the_kernel_sends_in_pieces_stays_one_line(tmp_path):
    assert run_cell(tmp_path, "print('one', end='', flush=True)\nprint(' line')") == "one line\n"


def test_a_kernel_is_spoken_to_by_files_so_none_that_starts_beside_it_takes_its_port(tmp_path):
    source = "from ipykernel.connect import get_connection_info\nprint(get_connection_info(unpack=True)['transport'])"
    assert run_cell(tmp_path, source) == "ipc\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.ipynb", "out.ipynb"], "sockets were left behind"
