"""A bounded ring between one thread that captures and one that reads."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edge_sdk.errors import UsageError


class Ring:
    """Rows from one writer to one reader; where the reader is slow, the newest rows win.

    All memory is taken beforehand and neither side ever waits for the other: the writer says how
    far it is about to write before it does, so the reader can tell, after it has copied, which of
    the copied rows were overwritten meanwhile, and throws those away as lost.
    """

    def __init__(self, capacity: int, columns: int, dtype: DTypeLike) -> None:
        if capacity < 1 or columns < 1:
            raise UsageError(
                f"A ring needs room for a row and a column, not {capacity} and {columns}."
            )
        self.capacity = capacity
        self._rows: NDArray[Any] = np.zeros((capacity, columns), dtype)
        self._claimed = 0
        self._written = 0
        self._read = 0
        self._lost = 0

    @property
    def written(self) -> int:
        """Rows written since the beginning."""
        return self._written

    @property
    def position(self) -> int:
        """Index, counted from the beginning, of the row that the reader expects next."""
        return self._read

    @property
    def lost(self) -> int:
        """Rows that the reader missed."""
        return self._lost

    def write(self, rows: NDArray[Any]) -> None:
        """Add ``[n, columns]``; of more rows than the ring holds, the last ones stay. Writer."""
        count = len(rows)
        start = self._written
        end = start + count
        self._claimed = end
        if count > self.capacity:
            rows = rows[count - self.capacity :]
            start = end - self.capacity
        at = start % self.capacity
        first = min(len(rows), self.capacity - at)
        self._rows[at : at + first] = rows[:first]
        if first < len(rows):
            self._rows[: len(rows) - first] = rows[first:]
        self._written = end

    def read(self, most: int) -> tuple[int, NDArray[Any]]:
        """Up to ``most`` rows and the position of the first, copied. Reader.

        A position above the one expected tells how many rows were lost before it.
        """
        written = self._written
        begin = max(self._read, written - self.capacity)
        count = max(0, min(most, written - begin))
        at = begin % self.capacity
        first = min(count, self.capacity - at)
        rows = np.concatenate((self._rows[at : at + first], self._rows[: count - first]))
        overwritten = min(max(0, self._claimed - self.capacity - begin), count)
        begin += overwritten
        self._lost += begin - self._read
        self._read = begin + count - overwritten
        return begin, rows[overwritten:]


class Signal:
    """Wakes one waiting thread; setting it never waits, so a capture callback may."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Wake the thread that waits, or let the next ``wait()`` return at once. One thread."""
        if self._lock.locked():
            self._lock.release()

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, for at most ``seconds``; True where it was."""
        return self._lock.acquire(timeout=max(0.0, seconds))
