"""Running medians of 31 rows: neighbouring windows share nearly all they hold, so most sorting is done once for eight.

Eight windows that follow each other have 24 rows in common. Only the middle eight of these, sorted, can hold one of the
eight medians. Four rows more are common to four of the windows, two more to two, and so on, and each time fewer
candidates remain. Rows are sorted by networks: fixed lists of comparisons, each of which is a minimum and a maximum of
whole arrays.

On the spectrogram of a clip this takes a small part of the time of SciPy's filter, which gives the same medians. See::

    import timeit

    import numpy as np
    from scipy.ndimage import median_filter

    x = np.random.default_rng(0).random((260, 1025), np.float32)
    for call in (lambda: running_median(x), lambda: median_filter(x, size=(31, 1))):
        print(min(timeit.repeat(call, number=1)))
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["WIDTH", "running_median"]

WIDTH = 31
_GROUP = 8
_COLUMNS = 256  # at most at a time, so that what is at hand stays in the processor's cache
Rows = NDArray[np.float32]
Steps = tuple[tuple[int, int, bool, bool], ...]


def running_median(values: Rows) -> Rows:
    """Return the median of each row with its 15 neighbours on either side.

    Parameters
    ----------
    values : ndarray (n, k) of float32
        Finite numbers.

    Returns
    -------
    ndarray (n, k) of float32
        Rows are mirrored at the ends. Equal to ``scipy.ndimage.median_filter(values, size=(31, 1))``.

    References
    ----------
    Batcher (1968), Sorting networks and their applications. Adams (2021), Fast median filters using separable sorting
    networks, shares sorting in two dimensions.
    """
    count, half = len(values), WIDTH // 2
    groups = -(-count // _GROUP)
    padded = np.pad(values, ((half, half), (0, 0)), mode="symmetric")
    # Beyond the last window any rows do: what they give is cut off.
    padded = np.pad(padded, ((0, (groups + 2) * _GROUP + WIDTH - len(padded)), (0, 0)))
    medians = np.empty((groups, _GROUP, values.shape[1]), np.float32)
    step = -(-values.shape[1] // -(-values.shape[1] // _COLUMNS))
    for first in range(0, values.shape[1], step):
        columns = slice(first, first + step)
        _medians_of_groups(np.ascontiguousarray(padded[:, columns]), medians[:, :, columns])
    return medians.reshape(groups * _GROUP, -1)[:count]


def _medians_of_groups(rows: Rows, medians: Rows) -> None:
    """Fill in the medians of each group of eight windows: window i of group g begins at row 8 g + i."""
    groups = len(medians)

    def row(number: int) -> Rows:
        return rows[number::_GROUP][:groups]

    # The common rows, 7 to 30, are three runs of eight; the next group's runs begin with this one's second.
    runs = _run(_sorting(8), [rows[number::_GROUP][: groups + 2] for number in range(7, 15)])
    first, second, third = ([run[skip : groups + skip] for run in runs] for skip in range(3))
    core = _run(_merging(16, 8, range(8, 16)), [*_run(_merging(8, 8, range(16)), [*first, *second]), *third])
    for four, more in ((0, (3, 4, 5, 6)), (4, (31, 32, 33, 34))):
        added = _run(_sorting(4), [row(number) for number in more])
        of_four = _run(_merging(8, 4, range(4, 8)), [*core, *added])
        for two in (four, four + 2):
            pair = (two + 1, two + 2) if two == four else (two + 29, two + 30)
            added = _run(_sorting(2), [row(number) for number in pair])
            low, high = _run(_merging(4, 2, range(2, 4)), [*of_four, *added])
            for window, last in ((two, two), (two + 1, two + 31)):
                np.minimum(high, row(last), out=medians[:, window])
                np.maximum(low, medians[:, window], out=medians[:, window])


def _run(steps: tuple[Steps, tuple[int, ...]], wires: Sequence[Rows]) -> list[Rows]:
    """Send arrays through a network, and return those that are wanted."""
    arrays, (comparisons, wanted) = list(wires), steps
    for low, high, keep_low, keep_high in comparisons:
        one, other = arrays[low], arrays[high]
        if keep_low:
            arrays[low] = np.minimum(one, other)
        if keep_high:
            arrays[high] = np.maximum(one, other)
    return [arrays[wire] for wire in wanted]


@cache
def _sorting(size: int) -> tuple[Steps, tuple[int, ...]]:
    """Return the network that sorts 2, 4 or 8 wires."""
    steps: list[tuple[int, int]] = []
    length = 1
    while length < size:
        for start in range(0, size, 2 * length):
            steps += [(start + low, start + high) for low, high in _merge(2 * length)]
        length *= 2
    return _pruned(steps, range(size))


@cache
def _merging(one: int, other: int, wanted: range) -> tuple[Steps, tuple[int, ...]]:
    """Return the network that merges two sorted runs, as far as the wanted ranks need it."""
    # As if the second run went on with numbers larger than all, which stay where they are.
    steps = [(low, high) for low, high in _merge(2 * one) if high < one + other]
    return _pruned(steps, wanted)


def _merge(size: int) -> list[tuple[int, int]]:
    """Return Batcher's comparisons that merge the sorted halves of ``size`` wires, a power of two."""

    def merge(start: int, end: int, step: int) -> list[tuple[int, int]]:
        if 2 * step >= end - start:
            return [(start, start + step)]
        parts = merge(start, end, 2 * step) + merge(start + step, end, 2 * step)
        return parts + [(i, i + step) for i in range(start + step, end - step, 2 * step)]

    return merge(0, size, 1)


def _pruned(steps: list[tuple[int, int]], wanted: range) -> tuple[Steps, tuple[int, ...]]:
    """Leave out comparisons, and halves of comparisons, on which no wanted wire depends."""
    needed, kept = set(wanted), []
    for low, high in reversed(steps):
        if low in needed or high in needed:
            kept.append((low, high, low in needed, high in needed))
            needed |= {low, high}
    return tuple(reversed(kept)), tuple(wanted)
