"""The calibrator ``percentile``: the range without the rarest values at either end."""

from __future__ import annotations

from .counting import CountingObserver
from .observers import Range


class PercentileObserver(CountingObserver):
    """Clips the same share of all values at either end of the range.

    Args:
        percentile: how many percent of the values lie below the upper end, and above the lower
            one; above 50, at most 100.
    """

    def __init__(self, *, percentile: float = 99.99) -> None:
        if not 50 < percentile <= 100:
            raise ValueError(f"percentile must be above 50 and at most 100, not {percentile:g}")
        super().__init__()
        self._share = percentile / 100

    def span(self) -> Range:
        """The range so far."""
        return self.range()

    def range(self) -> Range:
        """The two quantiles, to within a bin."""
        return self._histogram.quantile(1 - self._share), self._histogram.quantile(self._share)
