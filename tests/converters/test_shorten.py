"""Shipped graphs: fewer bytes, the same kernels, the same answers, the same names of layers."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edge_sdk.converters.calibration.ranges import calibrate
from edge_sdk.converters.export.shorten import shorten
from edge_sdk.converters.quantisation.static import quantise
from edge_sdk.converters.reference import Reference
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.engines.onnxruntime import OnnxRuntimeEngine
from edge_sdk.targets import Int8Scheme

from .graphs import conv_gru_gemm, make_graph

LAYERS = ("conv", "gru", "gemm")
SCHEME = Int8Scheme(activation="uint8", per_channel=True, reduce_range=True)


@pytest.fixture(scope="module")
def int8() -> onnx.ModelProto:
    rng = np.random.default_rng(1)
    graph = conv_gru_gemm(rng)
    inputs = [{"features": rng.normal(size=(1, 3, 12)).astype(np.float32)} for _ in range(8)]
    return quantise(graph, calibrate(graph, inputs), SCHEME)


def placed(graph: onnx.ModelProto, features: np.ndarray) -> dict[str, dict[str, int]]:
    """What ONNX Runtime makes of the graph: kernels by provider."""
    loaded = OnnxRuntimeEngine().load(graph.SerializeToString(), EngineOptions(trace=True))
    loaded.run({"features": features})
    found = loaded.placement()
    loaded.close()
    assert found is not None
    return found.nodes


def test_a_shorter_graph_computes_the_same_on_the_same_kernels(int8: onnx.ModelProto) -> None:
    made = shorten(int8)
    assert made.ByteSize() < 0.9 * int8.ByteSize()
    features = np.random.default_rng(2).normal(size=(1, 3, 20)).astype(np.float32)
    for optimise in (False, True):
        one, two = (Reference(graph, optimise=optimise) for graph in (int8, made))
        wanted, got = one.run({"features": features}), two.run({"features": features})
        assert wanted.keys() == got.keys()
        assert all(np.array_equal(wanted[name], got[name]) for name in wanted)
    kernels = placed(made, features)
    assert kernels == placed(int8, features)
    assert {"QLinearConv", "QGemm"} <= set(kernels["CPUExecutionProvider"])


def test_layers_keep_their_names_and_the_given_graph_is_left_alone(int8: onnx.ModelProto) -> None:
    before = int8.SerializeToString(deterministic=True)
    names = {node.name for node in shorten(int8).graph.node}
    assert names.issuperset(LAYERS)
    assert int8.SerializeToString(deterministic=True) == before
    assert shorten(int8) == shorten(int8)


def test_names_of_the_interface_are_not_given_to_others() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["inner"], "relu"),
        helper.make_node("Neg", ["inner"], ["a"], "neg"),
        helper.make_node("Abs", ["inner"], ["b"], "abs"),
    ]
    made = shorten(make_graph(nodes, {"x": [2]}, {"a": [2], "b": [2]}, {}))
    assert made.graph.node[0].output[0] not in ("x", "a", "b")
    got = Reference(made).run({"x": np.array([-1.0, 2.0], np.float32)})
    assert got["a"].tolist() == [0.0, -2.0]
    assert got["b"].tolist() == [0.0, 2.0]


def test_a_graph_that_holds_graphs_still_runs() -> None:
    def branch(operator: str) -> onnx.GraphProto:
        node = helper.make_node(operator, ["inner"], [f"{operator}_out"])
        out = helper.make_tensor_value_info(f"{operator}_out", TensorProto.FLOAT, [2])
        return helper.make_graph([node], operator, [], [out])

    nodes = [
        helper.make_node("Abs", ["x"], ["inner"], "abs"),
        helper.make_node("ReduceSum", ["x"], ["sum"], "sum", keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["up"], "greater"),
        helper.make_node("If", ["up"], ["y"], "if",
                         then_branch=branch("Neg"), else_branch=branch("Sqrt")),
    ]  # fmt: skip
    graph = make_graph(nodes, {"x": [2]}, {"y": [2]}, {"zero": np.zeros((), np.float32)})
    runner = Reference(shorten(graph))
    assert runner.run({"x": np.array([1.0, 2.0], np.float32)})["y"].tolist() == [-1.0, -2.0]
    assert runner.run({"x": np.array([-1.0, -4.0], np.float32)})["y"].tolist() == [1.0, 2.0]
