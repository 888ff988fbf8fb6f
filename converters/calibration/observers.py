"""Observers: a running summary of an activation, from which its int8 range is taken."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Observer(Protocol):
    """Sees an activation once a sample; its memory does not grow with the samples."""

    def update(self, value: NDArray[Any]) -> None:
        """Take in one sample's activation, any shape."""
        ...

    def range(self) -> tuple[float, float]:
        """The lowest and highest value to represent."""
        ...


class MinMaxObserver:
    """The lowest and the highest value ever seen: nothing clips."""

    def __init__(self) -> None:
        self._low, self._high = float("inf"), float("-inf")

    def update(self, value: NDArray[Any]) -> None:
        """Widen the range to ``value``'s."""
        if value.size:
            self._low = min(self._low, float(np.min(value)))
            self._high = max(self._high, float(np.max(value)))

    def range(self) -> tuple[float, float]:
        """(lowest, highest); (0, 0) if nothing but empty arrays was seen."""
        return (self._low, self._high) if self._low <= self._high else (0.0, 0.0)
