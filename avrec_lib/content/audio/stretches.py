"""A long sound in stretches that overlap just enough for every frame to be measured as if the sound were whole."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avrec_lib.content.audio.measure import Frames
from avrec_lib.content.audio.separation import CONTEXT
from avrec_lib.content.audio.spectrum import FrameGrid

__all__ = ["Stretch", "stretches"]

_FRAMES = 1024


@dataclass(frozen=True, eq=False)
class Stretch:
    """Samples of consecutive frames, with their neighbours.

    Attributes
    ----------
    padded : ndarray (n,) of float32
        Samples; the first frame begins at the first of them.
    before, after : int
        How many of them, at either end, are padding.
    inner : slice
        Which of the frames are this stretch's own; the others are neighbours.
    """

    padded: NDArray[np.float32]
    before: int
    after: int
    inner: slice

    def own(self, frames: Frames) -> Frames:
        """Return the stretch's own frames out of arrays of all its frames."""
        return {name: values[self.inner] for name, values in frames.items()}


def stretches(pieces: Iterable[NDArray[np.float32]], grid: FrameGrid) -> Iterator[Stretch]:
    """Cut a sound that comes in pieces of any length into stretches of 1,024 frames.

    Parameters
    ----------
    pieces : iterable of ndarray (n,)
        Consecutive samples of one channel; at least one sample in all.
    grid : FrameGrid
        Size of the frames.

    Yields
    ------
    Stretch
        With up to 15 neighbouring frames on either side.
    """
    half = grid.n_fft // 2
    held = np.zeros(0, np.float32)  # samples from number `begun` on
    begun = taken = first = 0

    def cut(last: int, end: int) -> Stretch:
        begin = max(0, first - CONTEXT)
        start, stop = begin * grid.hop - half, (end - 1) * grid.hop + half
        before, after = max(0, -start), max(0, stop - taken)
        inside = held[max(0, start) - begun : max(0, min(stop, taken) - begun)]
        return Stretch(np.pad(inside, (before, after)), before, after, slice(first - begin, last - begin))

    for piece in pieces:
        held = np.concatenate([held, np.asarray(piece, dtype=np.float32)])
        taken += len(piece)
        while taken >= (first + _FRAMES + CONTEXT) * grid.hop + half:
            yield cut(first + _FRAMES, first + _FRAMES + CONTEXT)
            first += _FRAMES
            spare = max(0, (first - CONTEXT) * grid.hop - half - begun)
            held, begun = held[spare:], begun + spare
    if (total := grid.n_frames(taken)) > first:
        yield cut(total, total)
