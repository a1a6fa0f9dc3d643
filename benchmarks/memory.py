"""How much memory a process held at most."""

import sys
from pathlib import Path

import psutil

__all__ = ["most_held"]


def most_held(process: psutil.Process | None = None) -> int:
    """Return the most bytes that a process ever held in memory.

    Parameters
    ----------
    process : psutil.Process, optional
        By default this one.

    Returns
    -------
    int
        0 if it has ended. Where the system tells the peak of no other process (macOS), what that one holds now.
    """
    asked = process or psutil.Process()
    try:
        status = Path(f"/proc/{asked.pid}/status")
        if status.exists():  # unlike getrusage, it does not count what the parent held
            lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
            return int(lines[0].split()[1]) * 1024 if lines else 0
        if sys.platform == "darwin" and process is None:
            import resource  # not there on Windows

            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        memory = asked.memory_info()
        return int(getattr(memory, "peak_wset", memory.rss))
    except (OSError, psutil.Error):
        return 0
