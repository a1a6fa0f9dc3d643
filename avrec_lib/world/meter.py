"""How long something takes and how much memory it and its child processes hold at most."""

import threading
import time
from types import TracebackType

import psutil

__all__ = ["Meter"]


class Meter:
    """Measures while its ``with`` block runs.

    Parameters
    ----------
    every : float
        Seconds between two looks at the memory.

    Attributes
    ----------
    seconds : float
        Wall-clock time of the block.
    peak_memory_bytes : int
        Most resident memory of this process and its children together at any look.
        Pages that processes share are counted once for each, so this errs upwards.
    """

    def __init__(self, every: float = 0.2) -> None:
        self.every = every
        self.seconds = 0.0
        self.peak_memory_bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _now(self) -> int:
        total = 0
        me = psutil.Process()
        for process in (me, *me.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.Error:  # it has just ended
                continue
        return total

    def _look(self) -> None:
        while not self._stop.wait(self.every):
            self.peak_memory_bytes = max(self.peak_memory_bytes, self._now())

    def __enter__(self) -> "Meter":
        self._start = time.perf_counter()
        self.peak_memory_bytes = self._now()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.peak_memory_bytes = max(self.peak_memory_bytes, self._now())
        self.seconds = time.perf_counter() - self._start
