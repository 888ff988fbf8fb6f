"""The calibrator ``mse``: the range with the least mean squared error of rounding and clipping."""

from __future__ import annotations

import numpy as np

from .counting import CountingObserver
from .histogram import Histogram
from .observers import Range

_LEVELS = 255
# Ranges tried at either end, as shares of the extreme.
_SHARES = np.linspace(0.05, 1.0, 96)
_ROUNDS = 3


class MseObserver(CountingObserver):
    """Draws in both ends until clipping would cost more than finer steps gain.

    The error of a step is taken as uniform (a twelfth of its square); values that are exactly 0
    have none.
    """

    def range(self) -> Range:
        """The best of the ranges tried, one end after the other."""
        seen = self._histogram
        if not len(seen.counts):
            return 0.0, 0.0
        # int8 always has a 0, so a range that does not reach it wastes nothing by doing so.
        low, high = min(seen.low, 0.0), max(seen.high, 0.0)
        ends = [low, high]
        cost = _Cost(seen)
        for _ in range(_ROUNDS):
            before = tuple(ends)
            for end, extreme in enumerate((low, high)):
                if extreme:
                    tried = [[extreme * share, ends[1 - end]] for share in _SHARES]
                    errors = [cost(*sorted(pair)) for pair in tried]
                    ends[end] = tried[int(np.argmin(errors))][0]
            if tuple(ends) == before:
                break
        return float(max(ends[0], seen.low)), float(min(ends[1], seen.high))


class _Cost:
    """The summed squared error of a histogram's values in a range."""

    def __init__(self, seen: Histogram) -> None:
        edges = seen.edges
        self._centres = np.clip((edges[:-1] + edges[1:]) / 2, seen.low, seen.high)
        self._counts = seen.counts.astype(np.float64)
        self._rounded = float(seen.total - seen.zeros)

    def __call__(self, low: float, high: float) -> float:
        beyond = np.maximum(low - self._centres, 0) + np.maximum(self._centres - high, 0)
        step = (high - low) / _LEVELS
        return float((self._counts * beyond**2).sum() + self._rounded * step**2 / 12)
