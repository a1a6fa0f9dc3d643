"""Compute with torch on one thread, where sums must keep their order or the work is too small to share."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_torch_thread"]


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch use one thread inside a block.

    Sums on several threads round otherwise, and layers of a few thousand numbers are done before a second thread has
    woken. Limits on BLAS and OpenMP pools do not reach torch's own threads.
    """
    import torch  # seconds, which only those pay who compute with it

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
