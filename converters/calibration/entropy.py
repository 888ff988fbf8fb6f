"""The calibrator ``entropy``: the range that keeps most of the distribution's information."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .counting import CountingObserver
from .histogram import BINS, Histogram
from .observers import Range

# Thresholds tried lie so many bins apart.
_STEP = 8


class EntropyObserver(CountingObserver):
    """The threshold on magnitudes at which int8 codes differ least from the values, by KL.

    The method of TensorRT (Migacz, "8-bit inference with TensorRT", 2017): for each threshold the
    values beyond are moved onto it, the histogram is reduced to as many levels as int8 has for
    magnitudes, spread out again, and compared. Activations that are never negative have 256
    levels, others 128 a side.
    """

    def range(self) -> Range:
        """The extremes, cut at the best threshold."""
        seen = self._histogram
        if not len(seen.counts):
            return 0.0, 0.0
        levels = 256 if seen.low >= 0 or seen.high <= 0 else 128
        counts, width = _magnitudes(seen)
        threshold = best_threshold(counts, levels) * width
        return max(seen.low, -threshold), min(seen.high, threshold)


def best_threshold(counts: NDArray[np.int64], levels: int) -> int:
    """How many of the bins of ``counts``, from 0, the best range covers.

    Args:
        counts: of magnitudes, int64 ``[bins]``.
        levels: how many values int8 has for them.
    """
    if len(counts) <= levels or not counts.any():
        return len(counts)
    # The widest first, which wins a tie.
    candidates = [*range(len(counts), levels, -_STEP), levels]
    divergences = [_divergence(counts, bins, levels) for bins in candidates]
    best: int = candidates[int(np.argmin(divergences))]
    return best


def _divergence(counts: NDArray[np.int64], bins: int, levels: int) -> float:
    """KL of what int8 makes of the first ``bins`` bins against those, outliers at the edge."""
    inside = counts[:bins].astype(np.float64)
    if 2 * inside.sum() < counts.sum():
        return float("inf")
    wanted = inside.copy()
    wanted[-1] += counts[bins:].sum()
    level = np.arange(bins) * levels // bins
    present = wanted > 0
    # Each level's mass, spread evenly over those of its bins that hold anything.
    mass = np.bincount(level, inside, levels)
    shares = np.bincount(level, present, levels)
    spread = np.where(present, mass[level] / np.maximum(shares[level], 1), 0.0)
    p, q = wanted[present] / wanted.sum(), spread[present]
    # Outliers were moved onto an empty bin: half a value stands for none.
    q = np.maximum(q, 0.5)
    q /= q.sum()
    return float((p * np.log(p / q)).sum())


def _magnitudes(seen: Histogram) -> tuple[NDArray[np.int64], float]:
    """Counts by magnitude but 0, the negative half folded onto the positive one; bin width."""
    numbers = seen.first + np.arange(len(seen.counts))
    numbers = np.where(numbers < 0, -numbers - 1, numbers)
    # Far from 0 the bins are too fine to have all that lie below.
    coarser = max(0, int(numbers.max()).bit_length() - BINS.bit_length() + 1)
    numbers >>= coarser
    folded = np.zeros(int(numbers.max()) + 1, np.int64)
    np.add.at(folded, numbers, seen.counts)
    # Every range has a code for 0 itself, and behind a Relu it would drown all else.
    folded[0] -= seen.zeros
    return folded, float(np.ldexp(seen.width, coarser))
