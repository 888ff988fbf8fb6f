"""A function that int8's range already is costs nothing: no second rounding, no operator."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from edge_sdk.converters.calibration.ranges import calibrate
from edge_sdk.converters.quantisation.noise import part_noise
from edge_sdk.converters.quantisation.plan import QuantisationPlan
from edge_sdk.converters.quantisation.static import quantise
from edge_sdk.converters.reference import Reference
from edge_sdk.targets import Int8Scheme

from .graphs import conv_clip_conv, linear

Feed = dict[str, NDArray[np.float32]]
UNSIGNED, SYMMETRIC = Int8Scheme(), Int8Scheme(activation="int8", symmetric_activation=True)


@pytest.fixture
def samples() -> list[Feed]:
    rng = np.random.default_rng(1)
    return [{"features": rng.normal(0, 2, (1, 3, 20)).astype(np.float32)} for _ in range(40)]


def snr(graph: onnx.ModelProto, int8: onnx.ModelProto, samples: list[Feed]) -> float:
    exact, rounded = Reference(graph), Reference(int8)
    wanted = np.stack([exact.run(feed)["embedding"] for feed in samples])
    error = np.stack([rounded.run(feed)["embedding"] for feed in samples]) - wanted
    return float(10 * np.log10((wanted**2).sum() / (error**2).sum()))


def functions(graph: onnx.ModelProto) -> int:
    return sum(node.op_type in ("Relu", "Clip") for node in graph.graph.node)


@pytest.mark.parametrize("function", ["Relu", "Clip"])
def test_the_function_goes_and_noise_with_it(function: str, samples: list[Feed]) -> None:
    graph = conv_clip_conv(np.random.default_rng(0), function)
    seen = calibrate(graph, samples)
    folded = quantise(graph, seen, UNSIGNED)
    # Kept apart from its layer by a second reader of the layer's output.
    apart = conv_clip_conv(np.random.default_rng(0), function)
    apart.graph.output.append(onnx.ValueInfoProto(name="c", type=apart.graph.output[0].type))
    twice = quantise(apart, calibrate(apart, samples), UNSIGNED)
    assert (functions(folded), functions(twice)) == (0, 1)
    assert snr(graph, folded, samples) > snr(graph, twice, samples) + 1


def test_limits_without_zero_stay(samples: list[Feed]) -> None:
    graph = conv_clip_conv(np.random.default_rng(0), limits=(1.0, 3.0))
    int8 = quantise(graph, calibrate(graph, samples), UNSIGNED)
    assert functions(int8) == 1
    assert snr(graph, int8, samples) > 30


def test_a_symmetric_range_does_not_cut(samples: list[Feed]) -> None:
    graph = conv_clip_conv(np.random.default_rng(0))
    int8 = quantise(graph, calibrate(graph, samples), SYMMETRIC)
    assert functions(int8) == 1
    assert snr(graph, int8, samples) > 20


def test_the_end_of_a_graph_is_still_cut() -> None:
    rng = np.random.default_rng(2)
    graph = linear(rng.normal(0, 1, (3, 8)).astype(np.float32), np.zeros(8, np.float32))
    feeds = [{"features": rng.normal(0, 1, (1, 3)).astype(np.float32)} for _ in range(20)]
    int8 = Reference(quantise(graph, calibrate(graph, feeds), UNSIGNED))
    assert min(int8.run(feed)["embedding"].min() for feed in feeds) == 0


def test_a_layer_that_stays_float_keeps_its_function(samples: list[Feed]) -> None:
    graph = conv_clip_conv(np.random.default_rng(0))
    int8 = quantise(graph, calibrate(graph, samples), UNSIGNED, keep=("first",))
    assert functions(int8) == 1
    assert snr(graph, int8, samples) > 30


def test_the_noise_of_a_layer_is_that_behind_its_function(samples: list[Feed]) -> None:
    graph = conv_clip_conv(np.random.default_rng(0))
    seen = calibrate(graph, samples)
    found = part_noise(graph, seen, UNSIGNED, QuantisationPlan(), samples[:12])
    first = next(x for x in found.layers if x.layer.name == "first")
    assert 30 < first.own_db < 60
