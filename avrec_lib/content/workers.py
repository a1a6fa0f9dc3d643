"""Several processes that do tasks, any of which may die of one."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # ships no types

from avrec_lib.content.tasks import Failure, Outcome, Task
from avrec_lib.content.worker_process import receive, send

__all__ = ["WorkerError", "run_tasks"]

_PROGRAM = "import sys; from avrec_lib.content.worker_process import serve; serve(int(sys.argv[1]))"
# Workers compute on one thread, too: by these, which the libraries read when they are loaded.
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)


class WorkerError(RuntimeError):
    """Raised when processes for the work cannot be started."""


def run_tasks(
    tasks: Iterable[Task], *, n_jobs: int, memory_bytes: int, here: Sequence[Task] = ()
) -> Iterator[tuple[Task, list[Outcome]]]:
    """Do tasks, several at a time.

    With ``n_jobs=1`` they are done in this process. Otherwise each worker is a process of its own with bounded
    memory: if one dies, the task that it had is split and tried again, and what cannot be split is reported as the
    one that killed it, while all others go on. Workers end with this process, however it ends.

    Parameters
    ----------
    tasks : iterable of Task
        What to do.
    n_jobs : int
        Number of processes.
    memory_bytes : int
        What each may allocate.
    here : sequence of Task
        More to do, in this process, while the others work.

    Yields
    ------
    tuple of Task and list of Outcome
        In the order in which they are finished.

    Raises
    ------
    WorkerError
        If a process does not start.
    """
    if n_jobs == 1:
        yield from _run_here([*here, *tasks])
        return
    team = _Team(deque(tasks), memory_bytes)
    threads = [threading.Thread(target=team.work, daemon=True) for _ in range(min(n_jobs, len(team.waiting)))]
    for thread in threads:
        thread.start()
    working = len(threads)
    try:
        if here:
            yield from _run_here(here)
        while working:
            got = team.results.get()
            if isinstance(got, BaseException):
                raise got
            if got is None:
                working -= 1
            else:
                yield got
    finally:
        team.stop()
        for thread in threads:
            thread.join()


def _run_here(tasks: Iterable[Task]) -> Iterator[tuple[Task, list[Outcome]]]:
    loaded, controller = len(sys.modules), ThreadpoolController()
    for task in tasks:
        if loaded != len(sys.modules):  # a task may load libraries; to look for them at each task costs much
            loaded, controller = len(sys.modules), ThreadpoolController()
        # Sums in another order round otherwise, and then the number of processes would change the bytes.
        with controller.limit(limits=1):
            outcomes = task.run()
        yield task, outcomes


class _Team:
    """Threads, each of which hands tasks to one process and starts another when that one dies."""

    def __init__(self, waiting: deque[Task], memory_bytes: int) -> None:
        self.waiting = waiting
        self.results: queue.SimpleQueue[tuple[Task, list[Outcome]] | BaseException | None] = queue.SimpleQueue()
        self._memory = memory_bytes
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def work(self) -> None:
        """Do tasks until none is left."""
        process = None
        try:
            while (task := self._next()) is not None:
                if process is None:
                    process = self._start()
                outcomes = self._ask(process, task)
                if outcomes is not None:
                    self.results.put((task, outcomes))
                    continue
                ended = self._end(process)
                process = None
                if self._stopped:
                    break
                if parts := task.split():
                    self.waiting.extendleft(reversed(parts))
                else:
                    self.results.put((task, [_death(ended)] * len(task.keys)))
            self.results.put(None)
        except BaseException as error:
            self.results.put(error)
        finally:
            if process is not None:
                self._end(process)

    def stop(self) -> None:
        """End all processes at once."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.kill()

    def _next(self) -> Task | None:
        try:
            return None if self._stopped else self.waiting.popleft()
        except IndexError:
            return None

    def _start(self) -> subprocess.Popen[bytes]:
        environment = os.environ | dict.fromkeys(_ONE_THREAD, "1")
        # A worker finds the modules that this process finds, and by -P none besides, wherever it was started.
        environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(path or str(Path.cwd()) for path in sys.path))
        with self._lock:
            if self._stopped:
                raise WorkerError("stopped")
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, str(self._memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
            )
            self._running.add(process)
        try:
            assert process.stdout is not None
            receive(process.stdout)
        except EOFError:
            raise WorkerError(
                f"a worker process ended with status {self._end(process)} before it began; "
                "what it says stands above; n_jobs=1 works without"
            ) from None
        return process

    def _ask(self, process: subprocess.Popen[bytes], task: Task) -> list[Outcome] | None:
        assert process.stdin is not None and process.stdout is not None
        try:
            send(process.stdin, task)
            answer = receive(process.stdout)
        except (EOFError, OSError):
            return None
        if isinstance(answer, str):
            raise WorkerError(f"a worker process could not read its task: {answer}")
        return answer

    def _end(self, process: subprocess.Popen[bytes]) -> int:
        for pipe in (process.stdin, process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass
        status = process.wait()
        with self._lock:
            self._running.discard(process)
        return status


def _death(status: int) -> Failure:
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        why = f"killed by {name}" + (", as the system does when memory runs out" if name == "SIGKILL" else "")
    else:
        why = f"ended with status {status}"
    return Failure(f"WorkerError: the process that described it was {why}")
