"""Processes that a build starts, and that must not outlive it."""

import os
import sys
import threading
from collections.abc import Callable

__all__ = ["end_with_parent"]


def _wait(first: Callable[[], object] | None) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    try:
        if first is not None:
            first()
    finally:
        os._exit(3)


def end_with_parent(first: Callable[[], object] | None = None) -> None:
    """End this process as soon as its parent does, however that one ends.

    The parent holds the other end of this process's standard input, which
    closes with it.

    Parameters
    ----------
    first : callable, optional
        What to do before the end.
    """
    threading.Thread(target=_wait, args=(first,), daemon=True).start()
