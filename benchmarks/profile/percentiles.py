"""Percentiles of repeated rounds, with intervals that count the differences between rounds."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

LEVELS = (50, 90, 95, 99)
CONFIDENCE = 0.95
_RESAMPLES = 1000


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A value, and the 95% interval that its repetition is expected in; None: too few rounds.

    ``rounds`` are the values of the rounds, where there is one a round.
    """

    value: float
    low: float | None
    high: float | None
    rounds: tuple[float, ...] = ()


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds of one stage over all warm calls.

    Attributes:
        calls: how many there were.
        p50: half of the calls took at most this; likewise the others.
        max: the slowest call.
        noise: how far the medians of the rounds lie apart: (highest - lowest) / median.
        rounds: the calls in milliseconds, by round, in order.
    """

    calls: int
    mean: float
    p50: Estimate
    p90: Estimate
    p95: Estimate
    p99: Estimate
    max: float
    noise: float
    rounds: tuple[tuple[float, ...], ...]


def latency_of(rounds: Sequence[Sequence[float]]) -> Latency:
    """Percentiles of ``rounds`` of calls, in milliseconds.

    Intervals are those of a two-level bootstrap (Davison and Hinkley, Bootstrap Methods, 3.8):
    rounds are drawn with repetition, and calls within them. Calls of one process resemble each
    other, so an interval over single calls would be too narrow. With a seed: the same calls give
    the same numbers.
    """
    arrays = [np.asarray(one, np.float64) for one in rounds if len(one)]
    pooled = np.concatenate(arrays)
    medians = [float(np.median(one)) for one in arrays]
    p50, p90, p95, p99 = _estimates(arrays, pooled)
    return Latency(
        calls=int(pooled.size),
        mean=float(pooled.mean()),
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
        max=float(pooled.max()),
        noise=(max(medians) - min(medians)) / max(float(np.median(pooled)), 1e-12),
        rounds=tuple(tuple(round(float(v), 5) for v in one) for one in arrays),
    )


def _estimates(arrays: list[NDArray[np.float64]], pooled: NDArray[np.float64]) -> list[Estimate]:
    values = np.percentile(pooled, LEVELS)
    if len(arrays) < 3:
        return [Estimate(value=float(v), low=None, high=None) for v in values]
    draw = np.random.default_rng(0)
    found = np.empty((_RESAMPLES, len(LEVELS)))
    for i in range(_RESAMPLES):
        chosen = draw.integers(len(arrays), size=len(arrays))
        calls = [arrays[c][draw.integers(arrays[c].size, size=arrays[c].size)] for c in chosen]
        found[i] = np.percentile(np.concatenate(calls), LEVELS)
    tail = (1 - CONFIDENCE) / 2 * 100
    low, high = np.percentile(found, (tail, 100 - tail), axis=0)
    return [
        Estimate(value=float(v), low=float(a), high=float(b))
        for v, a, b in zip(values, low, high, strict=True)
    ]


def estimate_of(values: Sequence[float]) -> Estimate:
    """The median of one value a round, and the range of all; no interval below three."""
    array = np.asarray(values, np.float64)
    some = array.size >= 3
    return Estimate(
        value=float(np.median(array)),
        low=float(array.min()) if some else None,
        high=float(array.max()) if some else None,
        rounds=tuple(float(v) for v in array),
    )
