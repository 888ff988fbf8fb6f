"""The middle of repeated measurements, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

import msgspec


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """``count`` measurements of one quantity: their median, lowest and highest value."""

    median: float
    low: float
    high: float
    count: int


def spread(values: Sequence[float]) -> Spread:
    """The spread of ``values``, which must not be empty."""
    return Spread(median=median(values), low=min(values), high=max(values), count=len(values))


def ratios(pairs: Iterable[tuple[float, float]]) -> tuple[float, ...]:
    """First over second, pair by pair: what disturbed both of a pair cancels out."""
    return tuple(first / second for first, second in pairs)


def differences(pairs: Iterable[tuple[float, float]]) -> tuple[float, ...]:
    """First minus second, pair by pair."""
    return tuple(first - second for first, second in pairs)
