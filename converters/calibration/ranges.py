"""Activation ranges from real samples, one sample in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray

from edge_sdk.errors import DataError

from ..reference import Reference
from .coverage import Coverage, CoverageTracker, layer_name
from .minmax import MinMaxObserver
from .observers import Observer

FLOAT = onnx.TensorProto.FLOAT


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What calibration saw.

    Attributes:
        ranges: lowest and highest value of every float activation, by tensor name.
        shapes: shapes of all activations for the first sample (they size the MACs).
        extremes: lowest and highest value that was seen, by tensor name; ``ranges`` may leave the
            rarest values out.
        samples: how many samples were seen.
        coverage: whether the ranges have settled; None where nothing was observed.
    """

    ranges: dict[str, tuple[float, float]]
    shapes: dict[str, tuple[int, ...]]
    samples: int
    extremes: dict[str, tuple[float, float]] = {}
    coverage: Coverage | None = None


def calibrate(
    graph: onnx.ModelProto,
    feeds: Iterable[Mapping[str, NDArray[Any]]],
    *,
    observer: Callable[[], Observer] = MinMaxObserver,
) -> Calibration:
    """Run ``graph`` over ``feeds`` and observe every float activation.

    Raises:
        DataError: there is no sample, or an activation is NaN or infinite on one.
    """
    names = [value.name for value in graph.graph.input]
    names += [output for node in graph.graph.node for output in node.output if output]
    probe = Reference(expose(graph, names))
    observers: dict[str, Observer] = {}
    extremes: dict[str, MinMaxObserver] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    tracker = CoverageTracker()
    samples = 0
    for feed in feeds:
        activations = {**feed, **probe.run(feed)}
        for name, value in activations.items():
            if samples == 0:
                shapes[name] = value.shape
            if value.dtype != np.float32:
                continue
            if not np.isfinite(value).all():
                raise DataError(
                    f"Calibration sample {samples + 1} makes the activation {name} infinite "
                    "or NaN; check the recording or picture behind it."
                )
            if name not in observers:
                observers[name], extremes[name] = observer(), MinMaxObserver()
            observers[name].update(value)
            extremes[name].update(value)
        samples += 1
        if tracker.due():
            tracker.add({name: seen.span() for name, seen in observers.items()})
        # Gone before the next sample is made, not after.
        del feed, activations, value
    if samples == 0:
        raise DataError("There is no calibration sample for this part.")
    return Calibration(
        ranges={name: seen.range() for name, seen in observers.items()},
        shapes=shapes,
        samples=samples,
        extremes={name: seen.range() for name, seen in extremes.items()},
        coverage=tracker.coverage(
            {name: seen.span() for name, seen in observers.items()},
            {output: layer_name(n.name) for n in graph.graph.node for output in n.output},
        ),
    )


def expose(graph: onnx.ModelProto, names: Iterable[str]) -> onnx.ModelProto:
    """A copy of ``graph`` that also puts out the tensors called ``names``."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    known = {value.name for value in [*copy.graph.output, *copy.graph.input]}
    for name in names:
        if name not in known:
            copy.graph.output.append(onnx.ValueInfoProto(name=name))
    return copy
