"""Run one notebook by papermill in a process of its own, telling its parent how far it is.

``python -m avrec_lib.publish.execute IN OUT PARAMETERS`` writes one JSON object a
line to standard output: ``{"cell": i, "of": n}`` as each cell ends, then
``{"done": ...}`` or ``{"failed": ...}``. When its parent ends or closes its
standard input, it ends too, with the kernel and all that this started.
"""

import contextlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import papermill
import psutil
from jupyter_client import AsyncKernelManager
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from avrec_lib.publish.child import end_with_parent

__all__ = ["main"]

_PATIENCE_SECONDS = 1.0


def _say(**message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _end_kernel() -> None:
    """End the kernel, which has a session of its own, and what it started."""
    here = psutil.Process()
    kernels, started = here.children(), here.children(recursive=True)
    for process in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            # Those that clear shared memory do not heed this: they end when the others have.
            process.kill() if process in kernels else process.terminate()
    _, left = psutil.wait_procs(started, timeout=_PATIENCE_SECONDS)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


class _Manager(AsyncKernelManager):
    """Ends a kernel with all that it started, at once; to kill its whole group would leave shared memory behind."""

    async def _async_kill_kernel(self, restart: bool = False) -> None:
        _end_kernel()
        await super()._async_kill_kernel(restart)


class _TellingEngine(NBClientEngine):
    """papermill's own engine, which also tells how many cells are done."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        complete, total, done = nb_man.cell_complete, len(nb_man.nb.cells), [0]

        def cell_complete(cell: Any, **arguments: Any) -> Any:
            done[0] += 1
            _say(cell=done[0], of=total)
            return complete(cell, **arguments)

        nb_man.cell_complete = cell_complete
        return super().execute_managed_notebook(nb_man, kernel_name, **options)


def main(arguments: list[str]) -> int:
    """Run a notebook.

    Parameters
    ----------
    arguments : list of str
        Path of the notebook, path to write, parameters as JSON.

    Returns
    -------
    int
        0 if every cell ran, 1 if one failed.
    """
    source, target, parameters = Path(arguments[0]), Path(arguments[1]), json.loads(arguments[2])
    end_with_parent(_end_kernel)
    papermill_engines.register("telling", _TellingEngine)
    start = time.perf_counter()
    try:
        papermill.execute_notebook(
            source,
            target,
            parameters=parameters,
            engine_name="telling",
            kernel_name="python3",
            progress_bar=False,
            log_output=False,
            coalesce_streams=True,  # else a line printed in two pieces is shown as two lines
            # Else all of the notebook, media included, is checked and written before and after each cell.
            request_save_on_cell_execute=False,
            # Ports are chosen free and bound later, so a chapter that starts beside this one may take them first.
            config=Config({"KernelManager": {"transport": "ipc"}}),
            # With all that it started. To clear what a kernel holds takes a second, and its folders go with the run.
            shutdown_kernel="immediate",
            kernel_manager_class=_Manager,
        )
    except PapermillExecutionError as error:
        _say(
            failed={
                "cell_index": error.cell_index,
                "name": error.ename,
                "value": error.evalue,
                "traceback": "\n".join(error.traceback),
            }
        )
        return 1
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    _say(done={"seconds": time.perf_counter() - start, "peak_bytes": peak})
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
