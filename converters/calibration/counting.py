"""What observers share that count values in a histogram."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from .histogram import Histogram
from .observers import Range

# The rarest values at either end are no part of what coverage looks at.
_TAIL = 1e-4


class CountingObserver:
    """Counts values; how a range is made of the counts is its subclasses'."""

    def __init__(self) -> None:
        self._histogram = Histogram()

    def update(self, value: NDArray[Any]) -> None:
        """Count the values."""
        self._histogram.update(value)

    def span(self) -> Range:
        """All but the rarest values at either end."""
        return self._histogram.quantile(_TAIL), self._histogram.quantile(1 - _TAIL)
