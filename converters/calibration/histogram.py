"""A histogram of a stream: fixed memory, any range, the same result in any order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The most bins a histogram has; between half of them and all lie in the range of the data.
BINS = 2048
# Finer than this, a bin's number would not fit: relative to the largest value, and at all.
_FINEST = 30
_SMALLEST = -96


class Histogram:
    """Counts of values in bins of the width ``2**exponent``, whose edges are multiples of it.

    When the data outgrow :data:`BINS` bins, the width doubles and neighbours merge. Since edges
    are multiples of the width, merging loses nothing that the wider bins could tell: the result
    is that of all the data at once, in whatever order and pieces they came.

    Attributes:
        exponent: of the width, base 2.
        first: the number of the first bin; bin ``k`` holds ``k * width <= value < (k+1) * width``.
        counts: int64, from the first bin to the last one that holds anything.
        zeros: how many values are exactly 0 (they cost no precision).
        low: the lowest value; infinite if there is none.
        high: the highest value.
    """

    def __init__(self) -> None:
        self.exponent, self.first = _SMALLEST, 0
        self.counts: NDArray[np.int64] = np.zeros(0, np.int64)
        self.zeros = 0
        self.low, self.high = math.inf, -math.inf

    @property
    def width(self) -> float:
        """Of a bin."""
        return math.ldexp(1.0, self.exponent)

    @property
    def total(self) -> int:
        """How many values were counted."""
        return int(self.counts.sum())

    @property
    def edges(self) -> NDArray[np.float64]:
        """The lower edge of each bin, and the upper one of the last."""
        numbers = self.first + np.arange(len(self.counts) + 1, dtype=np.float64)
        return numbers * self.width

    def update(self, value: NDArray[Any]) -> None:
        """Count the values of a finite float array of any shape."""
        if not value.size:
            return
        flat = value.reshape(-1)
        low, high = float(flat.min()), float(flat.max())
        if low < self.low or high > self.high:
            self._widen(low, high)
        # Exact: the width is a power of two, and in double precision nothing underflows.
        numbers = (
            np.floor(np.multiply(flat, 2.0**-self.exponent, dtype=np.float64)).astype(np.int64)
            - self.first
        )
        self.counts += np.bincount(numbers, minlength=len(self.counts))
        self.zeros += flat.size - int(np.count_nonzero(flat))

    def merge(self, other: Histogram) -> None:
        """Count what ``other`` has counted."""
        if not len(other.counts):
            return
        self._widen(other.low, other.high, at_least=other.exponent)
        numbers = _coarser(other, self.exponent) - self.first
        np.add.at(self.counts, numbers, other.counts)
        self.zeros += other.zeros

    def quantile(self, share: float) -> float:
        """The value below which ``share`` of the values lie, to within a bin.

        The extremes themselves for 0 and 1; 0 if nothing was counted.
        """
        if not len(self.counts):
            return 0.0
        below = np.cumsum(self.counts)
        wanted = share * below[-1]
        k = min(int(np.searchsorted(below, wanted)), len(below) - 1)
        inside = (wanted - (below[k] - self.counts[k])) / max(1, self.counts[k])
        value = (self.first + k + min(max(inside, 0.0), 1.0)) * self.width
        return float(min(max(value, self.low), self.high))

    def _widen(self, low: float, high: float, at_least: int = _SMALLEST) -> None:
        """Make room for values from ``low`` to ``high``."""
        self.low, self.high = min(self.low, low), max(self.high, high)
        exponent = max(self.exponent, at_least, _finest(self.low, self.high))
        first = _bin(self.low, exponent)
        counts = np.zeros(_bin(self.high, exponent) - first + 1, np.int64)
        if len(self.counts):
            np.add.at(counts, _coarser(self, exponent) - first, self.counts)
        self.exponent, self.first, self.counts = exponent, first, counts


def _finest(low: float, high: float) -> int:
    """The exponent of the narrowest bins of which few enough reach from ``low`` to ``high``."""
    largest = max(abs(low), abs(high))
    if not largest:
        return _SMALLEST
    finest = max(_SMALLEST, math.frexp(largest)[1] - _FINEST)
    if high > low:
        finest = max(finest, math.frexp((high - low) / BINS)[1] - 1)
    while _bin(high, finest) - _bin(low, finest) + 1 > BINS:
        finest += 1
    return finest


def _bin(value: float, exponent: int) -> int:
    return math.floor(math.ldexp(value, -exponent))


def _coarser(histogram: Histogram, exponent: int) -> NDArray[np.int64]:
    """The number that each bin of ``histogram`` has among those of the width ``2**exponent``."""
    numbers = histogram.first + np.arange(len(histogram.counts))
    return numbers >> (exponent - histogram.exponent)
