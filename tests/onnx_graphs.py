"""Small ONNX graphs for tests of engines and conversion, written by hand: no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, tuple[int, Sequence[int | str]]],
    outputs: Mapping[str, Sequence[int | str]],
    constants: Mapping[str, np.ndarray] | None = None,
    opset: int = 18,
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    """A model of these nodes; ``inputs`` gives type and shape, outputs are float."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(n, kind, list(s)) for n, (kind, s) in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in outputs.items()],
        [numpy_helper.from_array(v, n) for n, v in (constants or {}).items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9)


def summing(opset: int = 18) -> onnx.ModelProto:
    """float ``features`` [1, frames, 4] -> float ``embedding`` [1, 4]: twice the sum of frames."""
    nodes = [
        helper.make_node("ReduceSum", ["features", "axis"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "two"], ["embedding"]),
    ]
    constants = {"axis": np.array([1], np.int64), "two": np.array(2, np.float32)}
    return model(
        nodes,
        {"features": (TensorProto.FLOAT, [1, "frames", 4])},
        {"embedding": [1, 4]},
        constants,
        opset,
    )


def image_net(seed: int = 0) -> onnx.ModelProto:
    """float ``features`` [1, 3, 16, 16] -> ``embedding`` [1, 8]: Conv, depthwise Conv, Gemm."""
    rng = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    nodes = [
        helper.make_node("Conv", ["features", "w1", "b1"], ["c1"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], "relu"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "depthwise", group=16),
        helper.make_node("ReduceMean", ["c2", "axes"], ["m"], "mean", keepdims=0),
        helper.make_node("Gemm", ["m", "w3", "b3"], ["embedding"], "embed", transB=1),
    ]
    constants = {
        "w1": weights(16, 3, 3, 3), "b1": weights(16), "w2": weights(16, 1, 3, 3),
        "b2": weights(16), "w3": weights(8, 16), "b3": weights(8),
        "axes": np.array([2, 3], np.int64),
    }  # fmt: skip
    given: dict[str, Any] = {"features": (TensorProto.FLOAT, [1, 3, 16, 16])}
    return model(nodes, given, {"embedding": [1, 8]}, constants)


def sequence_net(seed: int = 0) -> onnx.ModelProto:
    """float ``features`` [1, frames, 8] -> ``embedding`` [1, 6]: Conv over time, GRU, Gemm."""
    rng = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) * 0.3).astype(np.float32)

    nodes = [
        helper.make_node("Transpose", ["features"], ["t"], "channels", perm=[0, 2, 1]),
        helper.make_node("Conv", ["t", "w1", "b1"], ["c"], "conv", pads=[2, 0]),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("Transpose", ["r"], ["x"], "time", perm=[2, 0, 1]),
        helper.make_node(
            "GRU", ["x", "w", "rw", "b"], ["", "h"], "gru", hidden_size=8, linear_before_reset=1
        ),
        helper.make_node("Squeeze", ["h", "zero"], ["s"], "squeeze"),
        helper.make_node("Gemm", ["s", "w3", "b3"], ["embedding"], "embed", transB=1),
    ]
    constants = {
        "w1": weights(16, 8, 3), "b1": weights(16), "w": weights(1, 24, 16),
        "rw": weights(1, 24, 8), "b": weights(1, 48), "w3": weights(6, 8), "b3": weights(6),
        "zero": np.array([0], np.int64),
    }  # fmt: skip
    given: dict[str, Any] = {"features": (TensorProto.FLOAT, [1, "frames", 8])}
    return model(nodes, given, {"embedding": [1, 6]}, constants)


def feeds(shape: Sequence[int], count: int = 4, seed: int = 1) -> list[dict[str, np.ndarray]]:
    """Inputs called ``features``, normal."""
    rng = np.random.default_rng(seed)
    return [{"features": rng.standard_normal(shape).astype(np.float32)} for _ in range(count)]
