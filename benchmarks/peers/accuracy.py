"""How well answers match the labels, and how often they match fp32, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..compare.intervals import CONFIDENCE

RESAMPLES = 1000


class Estimate(msgspec.Struct, frozen=True):
    """A value and its 95% interval."""

    value: float
    low: float
    high: float


class HeadAccuracy(msgspec.Struct, frozen=True, kw_only=True):
    """One head of one candidate, from 0 to 1, means over its seeds.

    Attributes:
        samples: how many held-out samples carry its label.
        macro_f1: over the classes that occur, as truth or as answer.
        agreement: the share of all samples with the label that fp32 gives.
        ahead: its macro-F1 minus that of the candidate it is held against, on the same samples.
    """

    samples: int
    macro_f1: Estimate
    agreement: Estimate
    ahead: Estimate


#: By head, the class of each sample; -1 where a sample has no label.
Classes = Mapping[str, Sequence[int]]


def macro_f1(true: ArrayLike, said: ArrayLike, classes: int) -> float:
    """The mean F1 of the classes that occur in ``true`` or ``said``, ints ``[n]``; 0 for none."""
    t, s = np.asarray(true, np.int64), np.asarray(said, np.int64)
    hits = np.bincount(t[t == s], minlength=classes)
    total = np.bincount(t, minlength=classes) + np.bincount(s, minlength=classes)
    occurs = total > 0
    return float((2 * hits[occurs] / total[occurs]).mean()) if occurs.any() else 0.0


def accuracies(
    truth: Classes,
    fp32: Classes,
    answers: Mapping[str, Sequence[Classes]],
    against: str,
    classes: Mapping[str, int],
) -> dict[str, dict[str, HeadAccuracy]]:
    """For every candidate, by head.

    The interval is a bootstrap over samples, the same draws for all candidates and seeds, so
    that differences are paired; within a draw the seeds' scores are averaged.

    Args:
        truth, fp32: the true classes, and those of the fp32 model.
        answers: by candidate, its answers for each seed.
        against: the candidate that ``ahead`` is measured from. One without seeds is held against
            its answers of the first seed.
        classes: how many there are by head.
    """
    found: dict[str, dict[str, HeadAccuracy]] = {name: {} for name in answers}
    for head, labels in truth.items():
        true = np.asarray(labels, np.int64)
        rows = np.flatnonzero(true >= 0)
        if not rows.size:
            continue
        draw = np.random.default_rng(0)
        draws = [rows, *(draw.choice(rows, rows.size) for _ in range(RESAMPLES))]
        every = np.arange(true.size)
        alike = [every, *(draw.choice(every, every.size) for _ in range(RESAMPLES))]
        base = np.asarray(fp32[head], np.int64)

        def scores(
            said: NDArray[np.int64],
            true: NDArray[np.int64] = true,
            draws: list[NDArray[np.int64]] = draws,
            count: int = classes[head],
        ) -> NDArray[np.float64]:
            return np.array([macro_f1(true[d], said[d], count) for d in draws])

        said = {name: [np.asarray(one[head]) for one in seeds] for name, seeds in answers.items()}
        by_seed = {name: [scores(one) for one in seeds] for name, seeds in said.items()}
        for name, seeds in by_seed.items():
            mean = np.mean(seeds, axis=0)
            other = np.mean(by_seed[against][: len(seeds)], axis=0)
            same = np.mean([one == base for one in said[name]], axis=0)
            found[name][head] = HeadAccuracy(
                samples=int(rows.size),
                macro_f1=_estimate(mean),
                agreement=_estimate(np.array([same[d].mean() for d in alike])),
                ahead=_estimate(mean - other),
            )
    return found


def _estimate(values: NDArray[np.float64]) -> Estimate:
    """The first value, with the interval that the others span."""
    tail = (1 - CONFIDENCE) / 2 * 100
    low, high = np.percentile(values[1:], (tail, 100 - tail))
    return Estimate(float(values[0]), float(low), float(high))
