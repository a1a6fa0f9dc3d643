"""One notebook, run by papermill in a process of its own."""

import subprocess
import sys

import nbformat


def test_a_line_that_the_kernel_sends_in_pieces_stays_one_line(tmp_path):
    cell = nbformat.v4.new_code_cell("print('one', end='', flush=True)\nprint(' line')")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), tmp_path / "in.ipynb")
    words = [sys.executable, "-m", "avrec_lib.publish.execute", tmp_path / "in.ipynb", tmp_path / "out.ipynb", "{}"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.wait(timeout=120) == 0
    ran = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert [output.text for output in ran.cells[-1].outputs] == ["one line\n"]
