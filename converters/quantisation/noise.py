"""What rounding costs a graph, as signal-to-noise ratios: whole, and layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray

from edge_sdk.targets import Int8Scheme

from ..calibration.ranges import Calibration, expose
from ..reference import Reference
from .folding import counterparts
from .layers import Layer, quantisable_layers
from .plan import QuantisationPlan
from .static import quantise

Feed = Mapping[str, NDArray[Any]]
# What a perfect result has: more than any int8 graph, and a number in JSON.
PERFECT_DB = 200.0


class LayerNoise(msgspec.Struct, frozen=True, kw_only=True):
    """What one layer's rounding does.

    Attributes:
        layer: the layer.
        noise: energy of the error of the part's outputs with this layer alone in int8, relative
            to their signal.
        own_db: signal-to-noise ratio in dB of what the layer puts out, in the graph that is int8
            as a whole: errors that arrived from before count.
    """

    layer: Layer
    noise: float
    own_db: float

    @property
    def snr_db(self) -> float:
        """Of the part's outputs with this layer alone in int8, in dB."""
        return decibel(self.noise)


class PartNoise(msgspec.Struct, frozen=True, kw_only=True):
    """Of a part's int8 form: ``noise`` of its outputs relative to their signal, and by layer."""

    noise: float
    layers: tuple[LayerNoise, ...]

    @property
    def snr_db(self) -> float:
        """Of the part's outputs, in dB."""
        return decibel(self.noise)


def decibel(noise: float) -> float:
    """A relative noise energy as a signal-to-noise ratio in dB."""
    return PERFECT_DB if noise <= 0 else min(PERFECT_DB, -10 * float(np.log10(noise)))


def output_noise(
    wanted: Sequence[Mapping[str, NDArray[Any]]], runner: Reference, feeds: Sequence[Feed]
) -> dict[str, float]:
    """Energy of the error of each output over ``feeds``, relative to the signal's."""
    signal: dict[str, float] = {}
    error: dict[str, float] = {}
    for feed, expected in zip(feeds, wanted, strict=True):
        for name, value in runner.run(feed).items():
            exact = expected[name].astype(np.float64)
            signal[name] = signal.get(name, 0.0) + float((exact**2).sum())
            error[name] = error.get(name, 0.0) + float(((value - exact) ** 2).sum())
    return {name: error[name] / signal[name] if signal[name] else 0.0 for name in signal}


def int8_form(
    graph: onnx.ModelProto,
    seen: Calibration,
    scheme: Int8Scheme,
    plan: QuantisationPlan,
    keep: Collection[str],
) -> onnx.ModelProto:
    """The static int8 form of a plan, with other layers kept."""
    return quantise(graph, seen, scheme, recurrent_weights=plan.recurrent_weights, keep=tuple(keep))


def part_noise(
    graph: onnx.ModelProto,
    seen: Calibration,
    scheme: Int8Scheme,
    plan: QuantisationPlan,
    feeds: Sequence[Feed],
    step: Callable[[int, int], None] = lambda done, total: None,
) -> PartNoise:
    """Which layer of a part costs what in int8.

    One pass compares every activation of the whole int8 graph with fp32; then each layer is
    quantised alone. Layers that the plan keeps are left out.

    Args:
        graph: fp32.
        seen: its calibration.
        scheme: how int8 is laid out.
        plan: how it is quantised.
        feeds: real inputs; a dozen tell the layers apart.
        step: called as layers are done.
    """
    layers = [x for x in quantisable_layers(graph, seen) if x.name not in plan.keep]
    everything = {x.name for x in quantisable_layers(graph, seen)}
    step(0, len(layers) + 1)
    int8 = int8_form(graph, seen, scheme, plan, plan.keep)
    called = counterparts(graph, int8)
    ends = [x.output for x in layers]
    reference = Reference(expose(graph, ends))
    wanted = [
        {called.get(name, name): value for name, value in reference.run(feed).items()}
        for feed in feeds
    ]
    inner = output_noise(wanted, Reference(expose(int8, [called[x] for x in ends])), feeds)
    outputs = [value.name for value in graph.graph.output]
    found = []
    for done, layer in enumerate(layers):
        step(done + 1, len(layers) + 1)
        alone = int8_form(graph, seen, scheme, plan, everything - {layer.name})
        noise = output_noise(wanted, Reference(alone), feeds)
        found.append(
            LayerNoise(
                layer=layer,
                noise=mean_noise(noise, outputs),
                own_db=decibel(inner[called[layer.output]]),
            )
        )
    step(len(layers) + 1, len(layers) + 1)
    found.sort(key=lambda x: (-x.noise, x.layer.name))
    return PartNoise(noise=mean_noise(inner, outputs), layers=tuple(found))


def mean_noise(noise: Mapping[str, float], outputs: Sequence[str] = ()) -> float:
    """Of several outputs (all if none are named): the mean of what :func:`output_noise` gives."""
    names = outputs or list(noise)
    return sum(noise[name] for name in names) / len(names)
