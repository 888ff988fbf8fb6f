"""Percentiles of repeated rounds, with intervals that count the differences between rounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

LEVELS = (50, 90, 95, 99)
CONFIDENCE = 0.95
_RESAMPLES = 1000
#: Calls that are drawn at once: 8 MB of them.
_AT_ONCE = 1_000_000


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
    found = np.concatenate(list(_resampled(arrays)))
    tail = (1 - CONFIDENCE) / 2 * 100
    low, high = np.percentile(found, (tail, 100 - tail), axis=0)
    return [
        Estimate(value=float(v), low=float(a), high=float(b))
        for v, a, b in zip(values, low, high, strict=True)
    ]


def _resampled(arrays: list[NDArray[np.float64]]) -> Iterator[NDArray[np.float64]]:
    """The percentiles of every resample, ``[resamples, levels]``, some resamples at a time."""
    draw = np.random.default_rng(0)
    sizes = np.array([one.size for one in arrays])
    longest = int(sizes.max())
    # Rounds side by side; what lies behind the end of a shorter one is never drawn.
    table = np.zeros((len(arrays), longest))
    for row, one in zip(table, arrays, strict=True):
        row[: one.size] = one
    levels = np.array(LEVELS) / 100
    batch = max(1, _AT_ONCE // (len(arrays) * longest))
    for first in range(0, _RESAMPLES, batch):
        count = min(batch, _RESAMPLES - first)
        chosen = draw.integers(len(arrays), size=(count, len(arrays), 1))
        there = sizes[chosen]
        drawn = table[chosen, draw.integers(there, size=(count, len(arrays), longest))]
        # A shorter round gives as many as it has; the others sort behind everything.
        drawn[np.arange(longest) >= there] = np.inf
        calls = drawn.reshape(count, -1)
        at = levels * (there.sum(axis=1) - 1)
        below, above = np.floor(at).astype(np.intp), np.ceil(at).astype(np.intp)
        calls.partition(np.unique([below, above]), axis=1)
        low = np.take_along_axis(calls, below, axis=1)
        high = np.take_along_axis(calls, above, axis=1)
        yield low + (high - low) * (at - below)


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
