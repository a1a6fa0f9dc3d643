"""The other end of a worker: a process that does tasks until its parent ends."""

import contextlib
import os
import pickle
import signal
import struct
import sys
from typing import IO, Any

from avrec_lib.content.tasks import Task

__all__ = ["receive", "send", "serve"]

_LENGTH = struct.Struct("<Q")


def send(pipe: IO[bytes], message: object) -> None:
    """Write a message to a pipe.

    Parameters
    ----------
    pipe : binary file
        Its other end reads by :func:`receive`.
    message : object
        Anything that can be pickled.
    """
    content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(content)) + content)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """Read a message from a pipe to which our own other process writes.

    Parameters
    ----------
    pipe : binary file
        Where :func:`send` writes.

    Returns
    -------
    object
        The message.

    Raises
    ------
    EOFError
        If the other process has ended.
    """
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return pickle.loads(content)  # noqa: S301  # from the process that we started, over a pipe of its own


def serve(memory_bytes: int) -> None:
    """Do tasks from standard input until it closes, as it does when the parent ends, however that one ends.

    Parameters
    ----------
    memory_bytes : int
        How much this process may allocate, where the system can limit it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a reader's Ctrl-C is the parent's to answer
    _limit_memory(memory_bytes)
    tasks = os.fdopen(os.dup(0), "rb")
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between results
    send(results, "ready")
    while True:
        try:
            task: Task = receive(tasks)
        except EOFError:
            return
        except Exception as error:
            send(results, f"{type(error).__name__}: {error}")  # a module that this process cannot import
            continue
        try:
            send(results, task.run())
        except BrokenPipeError:
            return


def _limit_memory(size: int) -> None:
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = size if hard == resource.RLIM_INFINITY else min(size, hard)
        with contextlib.suppress(OSError, ValueError):  # a system without that limit: its own is left
            resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
