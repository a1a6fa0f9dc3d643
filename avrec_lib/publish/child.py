"""Processes that a build starts, and that must not outlive it."""

import os
import sys
import threading

__all__ = ["end_with_parent"]


def _wait() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(3)


def end_with_parent() -> None:
    """End this process as soon as its parent does, however that one ends.

    The parent holds the other end of this process's standard input, which
    closes with it.
    """
    threading.Thread(target=_wait, daemon=True).start()
