"""How sure a drop in macro-F1 is: a paired bootstrap over the samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 1000
_TAIL = 2.5

Classes = NDArray[np.int64]


def drop_interval(
    truth: Classes, before: Classes, after: Classes, labels: int
) -> tuple[float, float]:
    """The 95 % percentile interval of the points of macro-F1 that ``after`` lost.

    Samples are drawn with repetition, the same ones for both models (Efron and Tibshirani, 1993),
    always with the same seed.
    """
    if not len(truth):
        return 0.0, 0.0
    rng = np.random.default_rng(0)
    lost = []
    for _ in range(_RESAMPLES):
        rows = rng.integers(0, len(truth), len(truth))
        scores = [_macro_f1(truth[rows], answers[rows], labels) for answers in (before, after)]
        lost.append(100 * (scores[0] - scores[1]))
    low, high = np.percentile(lost, [_TAIL, 100 - _TAIL])
    return float(low), float(high)


def _macro_f1(truth: Classes, answers: Classes, labels: int) -> float:
    """Over the classes that occur, as truth or as answer."""
    hits = np.bincount(truth[truth == answers], minlength=labels)
    both = np.bincount(truth, minlength=labels) + np.bincount(answers, minlength=labels)
    return float((2 * hits[both > 0] / both[both > 0]).mean())
