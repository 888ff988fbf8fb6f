"""How sure a figure is that was measured on so many samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 1000
_TAIL = 2.5

Classes = NDArray[np.int64]
Interval = tuple[float, float]


def wilson(share: float, samples: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval (Wilson, 1927) of a share from 0 to 1 over ``samples`` samples.

    (0, 1) where there are none: nothing is known then.
    """
    if samples == 0:
        return (0.0, 1.0)
    scale = 1 + z**2 / samples
    middle = (share + z**2 / (2 * samples)) / scale
    spread = z * (share * (1 - share) / samples + z**2 / (4 * samples**2)) ** 0.5 / scale
    # The ends of 0 and 1 come out a rounding error beside themselves.
    return (max(0.0, min(share, middle - spread)), min(1.0, max(share, middle + spread)))


def f1_intervals(
    truth: Classes, before: Classes, after: Classes, labels: int
) -> tuple[Interval, Interval, Interval]:
    """The 95 % percentile intervals of macro-F1 before, after, and of the points that were lost.

    Samples are drawn with repetition, the same ones for both models (Efron and Tibshirani, 1993),
    always with the same seed. Macro-F1 is from 0 to 1; (0, 1) and a loss of 0 where there are no
    samples.
    """
    if not len(truth):
        return (0.0, 1.0), (0.0, 1.0), (0.0, 0.0)
    rng = np.random.default_rng(0)
    drawn = np.empty((_RESAMPLES, 2))
    for found in drawn:
        rows = rng.integers(0, len(truth), len(truth))
        found[:] = [_macro_f1(truth[rows], answers[rows], labels) for answers in (before, after)]
    one, other = _bounds(drawn[:, 0]), _bounds(drawn[:, 1])
    return one, other, _bounds(100 * (drawn[:, 0] - drawn[:, 1]))


def drop_interval(truth: Classes, before: Classes, after: Classes, labels: int) -> Interval:
    """The 95 % interval of the points of macro-F1 that ``after`` lost: see :func:`f1_intervals`."""
    return f1_intervals(truth, before, after, labels)[2]


def _bounds(values: NDArray[np.float64]) -> Interval:
    low, high = np.percentile(values, [_TAIL, 100 - _TAIL])
    return float(low), float(high)


def _macro_f1(truth: Classes, answers: Classes, labels: int) -> float:
    """Over the classes that occur, as truth or as answer."""
    hits = np.bincount(truth[truth == answers], minlength=labels)
    both = np.bincount(truth, minlength=labels) + np.bincount(answers, minlength=labels)
    return float((2 * hits[both > 0] / both[both > 0]).mean())
