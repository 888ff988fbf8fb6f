"""The calibrator ``moving-average``: the extremes of a sample, averaged over the samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .observers import Range


class MovingAverageObserver:
    """Each sample draws the range a little towards its own lowest and highest value.

    As ``MovingAverageMinMaxObserver`` of PyTorch: one odd sample hardly counts, and later samples
    count more than earlier ones.

    Args:
        constant: how much of the way a sample draws the range, above 0 and at most 1.
    """

    def __init__(self, *, constant: float = 0.01) -> None:
        if not 0 < constant <= 1:
            raise ValueError(f"constant must be above 0 and at most 1, not {constant:g}")
        self._constant = constant
        self._range: Range | None = None

    def update(self, value: NDArray[Any]) -> None:
        """Draw the range towards ``value``'s; the first sample sets it."""
        if not value.size:
            return
        low, high = float(np.min(value)), float(np.max(value))
        if self._range is None:
            self._range = low, high
        else:
            before = self._range
            self._range = (
                before[0] + self._constant * (low - before[0]),
                before[1] + self._constant * (high - before[1]),
            )

    def span(self) -> Range:
        """The range so far."""
        return self.range()

    def range(self) -> Range:
        """The averages; (0, 0) if nothing but empty arrays was seen."""
        return self._range or (0.0, 0.0)
