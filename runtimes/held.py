"""The last input of a modality, kept to see whether the next one is the same.

Whole inputs are compared: a digest would cost more than the copy, and could collide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# So many values at the end tell most inputs apart, before all of them are looked at.
_TAIL = 16


class Held:
    """A private copy of arrays and of what goes with them, in memory that is used again."""

    def __init__(self) -> None:
        self._buffers: list[NDArray[np.uint8]] = []
        self._arrays: list[NDArray[Any]] = []
        self._rest: Any = None

    def same(self, arrays: Sequence[NDArray[Any]], rest: Any) -> bool:
        """Whether these are what was kept last, in values, shapes and types."""
        if rest != self._rest or len(arrays) != len(self._arrays):
            return False
        for new, old in zip(arrays, self._arrays, strict=True):
            if new.shape != old.shape or new.dtype != old.dtype:
                return False
            if new[-_TAIL:].tobytes() != old[-_TAIL:].tobytes():
                return False
        return all(map(np.array_equal, arrays, self._arrays))

    def keep(self, arrays: Sequence[NDArray[Any]], rest: Any) -> None:
        """Take a copy."""
        del self._buffers[len(arrays) :]
        kept = []
        for number, array in enumerate(arrays):
            if number == len(self._buffers):
                self._buffers.append(np.empty(array.nbytes, np.uint8))
            elif self._buffers[number].nbytes < array.nbytes:
                self._buffers[number] = np.empty(array.nbytes, np.uint8)
            copy = self._buffers[number][: array.nbytes].view(array.dtype).reshape(array.shape)
            np.copyto(copy, array)
            kept.append(copy)
        self._arrays, self._rest = kept, rest
