"""The calibrator ``minmax``: the extremes over all samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .observers import Range


class MinMaxObserver:
    """The lowest and the highest value ever seen: nothing clips."""

    def __init__(self) -> None:
        self._low, self._high = float("inf"), float("-inf")

    def update(self, value: NDArray[Any]) -> None:
        """Widen the range to ``value``'s."""
        if value.size:
            self._low = min(self._low, float(np.min(value)))
            self._high = max(self._high, float(np.max(value)))

    def span(self) -> Range:
        """The range so far."""
        return self.range()

    def range(self) -> Range:
        """(lowest, highest); (0, 0) if nothing but empty arrays was seen."""
        return (self._low, self._high) if self._low <= self._high else (0.0, 0.0)
