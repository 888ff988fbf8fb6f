"""Int8: the scheme that was asked for, close to fp32, and honest about what stayed float."""

from __future__ import annotations

import logging

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from edge_sdk.converters.calibration.ranges import Calibration, calibrate
from edge_sdk.converters.quantisation.share import float_share, parameter_count
from edge_sdk.converters.quantisation.static import quantise
from edge_sdk.converters.reference import Reference
from edge_sdk.targets import Int8Scheme

from .graphs import conv_gru_gemm, linear

Feed = dict[str, NDArray[np.float32]]


def dequantised(graph: onnx.ModelProto) -> dict[str, tuple[NDArray[np.generic], ...]]:
    """Values, scales and zero points of every initializer that is dequantised, by name."""
    values = {i.name: numpy_helper.to_array(i) for i in graph.graph.initializer}
    return {
        node.input[0]: tuple(values[name] for name in node.input)
        for node in graph.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in values
    }


def weight_of(graph: onnx.ModelProto, name: str) -> tuple[NDArray[np.generic], ...]:
    found = [v for n, v in dequantised(graph).items() if n.split("_")[0] == name]
    assert len(found) == 1
    return found[0]


@pytest.fixture
def graph() -> onnx.ModelProto:
    """Eight outputs whose weights differ in size by a thousand."""
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 1, (16, 8)) * 10.0 ** np.linspace(-2, 1, 8)
    return linear(weight.astype(np.float32), rng.normal(0, 0.1, 8).astype(np.float32))


@pytest.fixture
def samples() -> list[Feed]:
    rng = np.random.default_rng(1)
    return [{"features": rng.normal(0, 1, (1, 16)).astype(np.float32)} for _ in range(40)]


@pytest.fixture
def seen(graph: onnx.ModelProto, samples: list[Feed]) -> Calibration:
    return calibrate(graph, samples)


def test_weights_have_a_scale_a_channel(graph: onnx.ModelProto, seen: Calibration) -> None:
    values, scales, zeros = weight_of(quantise(graph, seen, Int8Scheme()), "w")
    original = numpy_helper.to_array(graph.graph.initializer[0])
    assert values.dtype == np.int8
    assert not zeros.any()
    np.testing.assert_allclose(scales, np.abs(original).max(axis=0) / 127, rtol=0.01)
    np.testing.assert_allclose(values * scales, original, atol=float(scales.max()) * 0.51)


def test_weights_have_one_scale_where_the_scheme_says_so(
    graph: onnx.ModelProto, seen: Calibration
) -> None:
    _, scales, _ = weight_of(quantise(graph, seen, Int8Scheme(per_channel=False)), "w")
    assert scales.size == 1


@pytest.mark.parametrize(("reduce_range", "largest"), [(True, 64), (False, 127)])
def test_reduced_range_keeps_weights_to_seven_bits(
    graph: onnx.ModelProto, seen: Calibration, reduce_range: bool, largest: int
) -> None:
    int8 = quantise(graph, seen, Int8Scheme(reduce_range=reduce_range))
    values, _, _ = weight_of(int8, "w")
    top = int(np.abs(values.astype(int)).max())
    assert largest - 1 <= top <= largest


@pytest.mark.parametrize(
    ("activation", "kind"), [("uint8", TensorProto.UINT8), ("int8", TensorProto.INT8)]
)
def test_activations_are_of_the_scheme_s_type(
    graph: onnx.ModelProto, seen: Calibration, activation: str, kind: int
) -> None:
    int8 = quantise(graph, seen, Int8Scheme(activation=activation))  # type: ignore[arg-type]
    kinds = {i.name: i.data_type for i in int8.graph.initializer}
    zeros = [n.input[2] for n in int8.graph.node if n.op_type == "QuantizeLinear"]
    assert zeros
    assert {kinds[name] for name in zeros} == {kind}


def test_a_symmetric_activation_has_its_zero_in_the_middle(
    graph: onnx.ModelProto, seen: Calibration
) -> None:
    scheme = Int8Scheme(activation="int8", symmetric_activation=True)
    int8 = quantise(graph, seen, scheme)
    values = {i.name: numpy_helper.to_array(i) for i in int8.graph.initializer}
    zeros = [n.input[2] for n in int8.graph.node if n.op_type == "QuantizeLinear"]
    assert not any(values[name].any() for name in zeros)


def test_activation_scales_span_the_calibrated_range(
    graph: onnx.ModelProto, seen: Calibration
) -> None:
    int8 = quantise(graph, seen, Int8Scheme())
    values = {i.name: numpy_helper.to_array(i) for i in int8.graph.initializer}
    node = next(
        n for n in int8.graph.node
        if n.op_type == "QuantizeLinear" and n.input[0] == "features"
    )  # fmt: skip
    low, high = seen.ranges["features"]
    assert values[node.input[1]] == pytest.approx((high - low) / 255, rel=1e-3)


@pytest.mark.parametrize("reduce_range", [True, False])
def test_int8_is_close_to_fp32(
    graph: onnx.ModelProto, seen: Calibration, samples: list[Feed], reduce_range: bool
) -> None:
    int8 = Reference(quantise(graph, seen, Int8Scheme(reduce_range=reduce_range)))
    fp32 = Reference(graph)
    wanted = np.stack([fp32.run(feed)["embedding"] for feed in samples])
    got = np.stack([int8.run(feed)["embedding"] for feed in samples])
    error = got - wanted
    assert error.any()
    assert 10 * np.log10((wanted**2).sum() / (error**2).sum()) > 30


def test_an_outlier_costs_the_other_values_their_resolution(
    graph: onnx.ModelProto, samples: list[Feed]
) -> None:
    wild = [*samples, {"features": np.full((1, 16), 1e4, np.float32)}]
    int8 = Reference(quantise(graph, calibrate(graph, wild), Int8Scheme()))
    fp32 = Reference(graph)
    wanted = np.stack([fp32.run(feed)["embedding"] for feed in samples])
    got = np.stack([int8.run(feed)["embedding"] for feed in samples])
    assert 10 * np.log10((wanted**2).sum() / ((got - wanted) ** 2).sum()) < 10


def test_the_same_graph_gives_the_same_bytes(graph: onnx.ModelProto, seen: Calibration) -> None:
    before = graph.SerializeToString()
    one, two = (quantise(graph, seen, Int8Scheme()).SerializeToString() for _ in range(2))
    assert one == two
    assert graph.SerializeToString() == before


def test_logging_is_left_as_it_was(graph: onnx.ModelProto, seen: Calibration) -> None:
    before = logging.root.level, logging.root.manager.disable
    quantise(graph, seen, Int8Scheme())
    assert (logging.root.level, logging.root.manager.disable) == before


def test_a_gru_stays_float_and_its_share_is_stated() -> None:
    graph = conv_gru_gemm(np.random.default_rng(0))
    seen = calibrate(graph, [{"features": np.ones((1, 3, 10), np.float32)}])
    int8 = quantise(graph, seen, Int8Scheme())
    gru = next(node for node in int8.graph.node if node.op_type == "GRU")
    kinds = {i.name: i.data_type for i in int8.graph.initializer}
    assert [kinds[name] for name in gru.input[1:4]] == [TensorProto.FLOAT] * 3
    share = float_share(graph, int8, seen)
    assert share.nodes == {"GRU": 1}
    # Weights: convolution 36 + 4, GRU 60 + 75 + 30, Gemm 30 + 6.
    assert parameter_count(graph) == 241
    assert share.weights == pytest.approx(165 / 241)
    # MACs over 10 steps: convolution 10 * 4 * 9, GRU 10 * 15 * (4 + 5), Gemm 30.
    assert share.macs == pytest.approx(1350 / (360 + 1350 + 30))


def test_a_graph_that_is_int8_as_a_whole_keeps_nothing(
    graph: onnx.ModelProto, seen: Calibration
) -> None:
    share = float_share(graph, quantise(graph, seen, Int8Scheme()), seen)
    assert (share.nodes, share.weights, share.macs) == ({}, 0.0, 0.0)


def test_a_graph_that_was_not_quantised_keeps_everything(
    graph: onnx.ModelProto, seen: Calibration
) -> None:
    share = float_share(graph, graph, seen)
    assert (share.nodes, share.weights, share.macs) == ({"Gemm": 1}, 1.0, 1.0)
