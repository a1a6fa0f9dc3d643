"""Rows that come a few at a time, in one array with room to spare."""

import numpy as np

__all__ = ["GrowingRows"]


class GrowingRows:
    """An array that grows at its end.

    When the room is used up, half as much again is made. So n rows that come one by one are moved at most 3 n times in
    all, and not n times each.

    Parameters
    ----------
    rows : ndarray (n, ...)
        The first rows, n at least 0. They are held where they lie, not copied.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self._room = rows
        self._count = len(rows)

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> np.ndarray:
        """All rows so far, (n, ...): where they lie, until :meth:`extend` moves them."""
        return self._room[: self._count]

    def extend(self, rows: np.ndarray) -> None:
        """Put rows behind those that are there.

        Parameters
        ----------
        rows : ndarray (m, ...)
            Rows of the same shape; they are copied.

        Raises
        ------
        ValueError
            If their shape differs.
        """
        if rows.shape[1:] != self._room.shape[1:]:
            raise ValueError(f"rows have shape {rows.shape[1:]}, those that are here {self._room.shape[1:]}")
        stop = self._count + len(rows)
        if stop > len(self._room):
            room = np.empty((max(stop, self._count + self._count // 2), *self._room.shape[1:]), self._room.dtype)
            room[: self._count] = self.rows
            self._room = room
        self._room[self._count : stop] = rows
        self._count = stop
