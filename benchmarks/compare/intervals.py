"""How much larger one thing is than another, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt
from statistics import NormalDist, fmean, median, variance

import msgspec
import numpy as np

#: Of every interval. One alarm in forty comparisons of equal things would come from chance, if
#: nothing at all were allowed on top.
CONFIDENCE = 0.95
_RESAMPLES = 2000


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """New over base, with its interval; without one (None) there were too few repetitions."""

    value: float
    low: float | None
    high: float | None


def ratio_of_rounds(base: Sequence[float], new: Sequence[float]) -> Ratio:
    """The ratio of two groups of independent rounds, one positive value each.

    Welch's t-interval of the difference of the means of logarithms: few rounds, unequal spread.
    The value is the ratio of the medians, which one disturbed round does not move, moved into
    the interval where the means disagree with it.
    """
    value = median(new) / median(base)
    if len(base) < 3 or len(new) < 3:
        return Ratio(value=value, low=None, high=None)
    a, b = [log(v) for v in base], [log(v) for v in new]
    parts = (variance(a) / len(a), variance(b) / len(b))
    error = sqrt(sum(parts))
    middle = fmean(b) - fmean(a)
    if error == 0:
        return Ratio(value=value, low=exp(middle), high=exp(middle))
    freedom = sum(parts) ** 2 / sum(
        p**2 / (n - 1) for p, n in zip(parts, (len(a), len(b)), strict=True)
    )
    reach = student(freedom) * error
    low, high = exp(middle - reach), exp(middle + reach)
    return Ratio(value=min(max(value, low), high), low=low, high=high)


def ratio_of_pairs(processes: Sequence[Sequence[float]]) -> Ratio:
    """The ratio of two things that took turns: the ratios of blocks of calls, by process.

    Disturbances meet both sides of a block and cancel. The value is the median of all blocks;
    the interval a two-level bootstrap over processes and their blocks (Kalibera and Jones,
    Rigorous benchmarking in reasonable time, 2013), as blocks of one process share its memory
    layout. With a seed: the same blocks give the same interval.
    """
    arrays = [np.log(np.asarray(one, np.float64)) for one in processes if len(one)]
    value = float(np.exp(np.median(np.concatenate(arrays))))
    if len(arrays) < 2 or sum(a.size for a in arrays) < 6:
        return Ratio(value=value, low=None, high=None)
    draw = np.random.default_rng(0)
    found = np.empty(_RESAMPLES)
    for i in range(_RESAMPLES):
        chosen = draw.integers(len(arrays), size=len(arrays))
        found[i] = np.median(
            np.concatenate(
                [arrays[c][draw.integers(arrays[c].size, size=arrays[c].size)] for c in chosen]
            )
        )
    tail = (1 - CONFIDENCE) / 2 * 100
    low, high = np.exp(np.percentile(found, (tail, 100 - tail)))
    return Ratio(value=value, low=float(low), high=float(high))


def student(freedom: float) -> float:
    """The two-sided quantile of Student's t at :data:`CONFIDENCE`.

    Abramowitz and Stegun, 26.7.5, exact to a percent from 3 degrees of freedom on; below, what
    3 would give at most is too narrow, so the exact values of 1 and 2 stand in.
    """
    if freedom < 2:
        return 12.706
    if freedom < 3:
        return 4.303
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))
