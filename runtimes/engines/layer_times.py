"""How long each layer of a loaded graph takes, as its engine tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import NamedTuple, Protocol, runtime_checkable

import msgspec


class LayerTime(msgspec.Struct, frozen=True, kw_only=True):
    """One layer over all runs.

    Attributes:
        name: as the engine calls it, after its own fusing.
        operator: its kind.
        provider: what runs it.
        calls: how often it ran.
        median_us: microseconds of a run of it; where the engine counts whole microseconds, the
            mean of the middle half of its runs.
        share: of the medians of all layers together, 0 to 1: a mean would be the interruptions'.
    """

    name: str
    operator: str
    provider: str
    calls: int
    median_us: float
    share: float


class NotTold(msgspec.Struct, frozen=True):
    """There are no times, and why."""

    why: str


@runtime_checkable
class TellsLayerTimes(Protocol):
    """A loaded graph whose engine measures its layers; it must be loaded with ``trace``."""

    def layer_times(self) -> tuple[LayerTime, ...] | NotTold:
        """The layers, slowest first. Ask once, after the last run."""
        ...


def layer_times(
    found: Mapping[tuple[str, str, str], Sequence[float]], *, skip: int = 0, whole: bool = False
) -> tuple[LayerTime, ...]:
    """Layers from microseconds by (name, operator, provider), in the order of the runs.

    Args:
        found: the measurements.
        skip: runs at the start that do not count (the first are slower).
        whole: the engine counts whole microseconds, of which a median is too coarse.
    """
    middle_of = _middle_half if whole else median
    middle = {key: middle_of(values[skip:] or values) for key, values in found.items()}
    total = sum(middle.values()) or 1.0
    layers = [
        LayerTime(
            name=name,
            operator=operator,
            provider=provider,
            calls=len(found[name, operator, provider]),
            median_us=round(value, 3),
            share=value / total,
        )
        for (name, operator, provider), value in middle.items()
    ]
    return tuple(sorted(layers, key=lambda layer: (-layer.median_us, layer.name)))


class OperatorTime(NamedTuple):
    """All layers of a kind on one provider: how many, microseconds together, and their share."""

    operator: str
    provider: str
    layers: int
    us: float
    share: float


def by_operator(times: Sequence[LayerTime]) -> list[OperatorTime]:
    """Layers summed by their kind, the slowest first: a graph may have a thousand small ones."""
    found: dict[tuple[str, str], list[LayerTime]] = {}
    for layer in times:
        found.setdefault((layer.operator, layer.provider), []).append(layer)
    summed = [
        OperatorTime(*key, len(same), sum(x.median_us for x in same), sum(x.share for x in same))
        for key, same in found.items()
    ]
    return sorted(summed, key=lambda one: (-one.us, one.operator, one.provider))


def _middle_half(values: Sequence[float]) -> float:
    """Their mean without the smallest and the largest quarter: interruptions do not count."""
    edge = len(values) // 4
    return fmean(sorted(values)[edge : len(values) - edge])
