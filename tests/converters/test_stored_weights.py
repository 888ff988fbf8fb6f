"""Weights stored as int8 under float arithmetic: smaller files, the same within rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from edge_sdk.converters.calibration.ranges import calibrate
from edge_sdk.converters.quantisation.compact import compact
from edge_sdk.converters.quantisation.operators import STORED
from edge_sdk.converters.quantisation.share import float_share
from edge_sdk.converters.quantisation.static import quantise
from edge_sdk.converters.quantisation.weights import store_weights
from edge_sdk.converters.reference import Reference
from edge_sdk.errors import UsageError
from edge_sdk.targets import Int8Scheme

from ..onnx_graphs import feeds, sequence_net
from .graphs import make_graph

GATES = {"GRU": 3, "LSTM": 4}


def recurrent(kind: str, directions: int, hidden: int = 24) -> onnx.ModelProto:
    """``[T, 1, 16]`` through one recurrent layer: the last state ``[directions, 1, hidden]``."""
    rng = np.random.default_rng(0)
    rows = GATES[kind] * hidden
    weights: dict[str, NDArray[np.generic]] = {
        "w": rng.normal(0, 0.3, (directions, rows, 16)).astype(np.float32),
        "r": rng.normal(0, 0.2, (directions, rows, hidden)).astype(np.float32),
        "b": np.zeros((directions, 2 * rows), np.float32),
    }
    options: dict[str, Any] = {"hidden_size": hidden}
    if directions == 2:
        options["direction"] = "bidirectional"
    node = helper.make_node(
        kind, ["features", "w", "r", "b"], ["", "embedding"], "rnn/it", **options
    )
    shapes = {"features": ["T", 1, 16]}, {"embedding": [directions, 1, hidden]}
    return make_graph([node], *shapes, weights)


def snr(fp32: onnx.ModelProto, other: onnx.ModelProto, inputs: list[dict[str, Any]]) -> float:
    one, two = Reference(fp32), Reference(other)
    wanted = np.concatenate([one.run(feed)["embedding"] for feed in inputs])
    got = np.concatenate([two.run(feed)["embedding"] for feed in inputs])
    assert (wanted != got).any()
    return float(10 * np.log10((wanted**2).sum() / ((wanted - got) ** 2).sum()))


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
@pytest.mark.parametrize("directions", [1, 2])
def test_recurrent_weights_are_int8_and_close(kind: str, directions: int) -> None:
    graph = recurrent(kind, directions)
    stored = store_weights(graph, STORED)
    assert stored.ByteSize() < 0.4 * graph.ByteSize()
    assert snr(graph, stored, feeds((20, 1, 16))) > 35
    assert snr(graph, stored, feeds((3, 1, 16))) > 35


def test_the_engine_computes_them_once_when_it_loads(tmp_path: Any) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    content = store_weights(recurrent("GRU", 2), STORED).SerializeToString()
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    optimised = onnx.load(tmp_path / "optimised.onnx")
    assert [node.op_type for node in optimised.graph.node] == ["GRU"]


def test_weights_that_two_layers_share_are_stored_once() -> None:
    graph = recurrent("GRU", 1)
    second = helper.make_node(
        "GRU", ["features", "w", "r", "b"], ["", "h"], "second", hidden_size=24
    )
    graph.graph.node.append(second)
    stored = store_weights(graph, STORED)
    names = [i.name for i in stored.graph.initializer if i.data_type == TensorProto.INT8]
    assert len(names) == len(set(names)) == 2
    onnx.checker.check_model(stored)


def test_a_gru_with_int8_weights_still_counts_as_float_arithmetic() -> None:
    graph = sequence_net()
    inputs = feeds((1, 12, 8))
    seen = calibrate(graph, inputs)
    plain = float_share(graph, quantise(graph, seen, Int8Scheme()), seen)
    graph_int8 = quantise(graph, seen, Int8Scheme(), recurrent_weights=True)
    share = float_share(graph, graph_int8, seen)
    assert share.nodes == {"GRU": 1}
    assert share.macs == plain.macs
    # Only its biases are left; the recurrent matrix is too small to be worth it.
    assert share.weights < 0.5 * plain.weights


def test_a_kept_layer_stays_float_and_the_others_do_not() -> None:
    graph = sequence_net()
    seen = calibrate(graph, feeds((1, 12, 8)))
    int8 = quantise(graph, seen, Int8Scheme(), recurrent_weights=True, keep=["embed"])
    assert float_share(graph, int8, seen).nodes == {"Gemm": 1, "GRU": 1}
    kept = quantise(graph, seen, Int8Scheme(), recurrent_weights=True, keep=["gru", "conv"])
    assert float_share(graph, kept, seen).nodes == {"Conv": 1, "GRU": 1}
    assert "w" in {i.name for i in kept.graph.initializer}


def test_a_layer_that_is_not_there_cannot_be_kept() -> None:
    graph = sequence_net()
    seen = calibrate(graph, feeds((1, 12, 8)))
    with pytest.raises(UsageError, match=r"no layer 'embedd' to keep.*did you mean embed"):
        quantise(graph, seen, Int8Scheme(), keep=["embedd"])


def test_equal_constants_are_stored_once_and_nothing_changes() -> None:
    graph = sequence_net()
    double = onnx.ModelProto()
    double.CopyFrom(graph)
    copy = onnx.TensorProto()
    copy.CopyFrom(next(i for i in graph.graph.initializer if i.name == "w3"))
    copy.name = "again"
    double.graph.initializer.append(copy)
    double.graph.node[-1].input[1] = "again"
    double.graph.node.append(helper.make_node("Gemm", ["s", "w3", "b3"], ["other"], transB=1))
    small = compact(double)
    assert len(small.graph.initializer) == len(graph.graph.initializer)
    inputs = feeds((1, 9, 8))
    for feed in inputs:
        np.testing.assert_array_equal(
            Reference(small).run(feed)["embedding"], Reference(graph).run(feed)["embedding"]
        )
