"""Small ONNX graphs made by hand, whose results and costs can be computed by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]


def make_graph(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Shape],
    outputs: dict[str, Shape],
    weights: dict[str, NDArray[np.generic]],
) -> onnx.ModelProto:
    """A float32 graph of ``nodes`` (each with a name) over ``weights``."""
    graph = helper.make_graph(
        list(nodes),
        "part",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def linear(weight: NDArray[np.float32], bias: NDArray[np.float32]) -> onnx.ModelProto:
    """``features @ weight + bias``, then Relu: ``[1, in]`` to ``[1, out]``."""
    rows, columns = weight.shape
    nodes = [
        helper.make_node("Gemm", ["features", "w", "b"], ["sum"], "gemm"),
        helper.make_node("Relu", ["sum"], ["embedding"], "relu"),
    ]
    shapes = {"features": [1, rows]}, {"embedding": [1, columns]}
    return make_graph(nodes, *shapes, {"w": weight, "b": bias})


def conv_gru_gemm(rng: np.random.Generator) -> onnx.ModelProto:
    """``[1, 3, T]``: a convolution to 4 channels, a GRU of 5 from them, a Gemm to 6."""
    nodes = [
        helper.make_node("Conv", ["features", "cw", "cb"], ["c"], "conv", pads=[1, 1]),
        helper.make_node("Transpose", ["c"], ["t"], "transpose", perm=[2, 0, 1]),
        helper.make_node(
            "GRU", ["t", "gw", "gr", "gb"], ["y", "last"], "gru",
            hidden_size=5, linear_before_reset=1,
        ),
        helper.make_node("Squeeze", ["last", "axis"], ["s"], "squeeze"),
        helper.make_node("Gemm", ["s", "w", "b"], ["embedding"], "gemm", transB=1),
    ]  # fmt: skip

    def normal(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    weights: dict[str, NDArray[np.generic]] = {
        "cw": normal(4, 3, 3), "cb": normal(4),
        "gw": normal(1, 15, 4), "gr": normal(1, 15, 5), "gb": normal(1, 30),
        "w": normal(6, 5), "b": normal(6), "axis": np.array([0], np.int64),
    }  # fmt: skip
    return make_graph(nodes, {"features": [1, 3, "T"]}, {"embedding": [1, 6]}, weights)


def conv_clip_conv(
    rng: np.random.Generator, function: str = "Clip", limits: tuple[float, float] = (0.0, 6.0)
) -> onnx.ModelProto:
    """``[1, 3, T]``: a convolution whose results are mostly negative, a function, a convolution."""
    slots = ["c", "low", "high"] if function == "Clip" else ["c"]
    nodes = [
        helper.make_node("Conv", ["features", "aw", "ab"], ["c"], "first/conv", pads=[1, 1]),
        helper.make_node(function, slots, ["r"], "first/function"),
        helper.make_node("Conv", ["r", "bw", "bb"], ["embedding"], "second/conv", pads=[1, 1]),
    ]
    weights: dict[str, NDArray[np.generic]] = {
        "aw": rng.normal(0, 1, (8, 3, 3)).astype(np.float32),
        "ab": np.linspace(-6, 0, 8, dtype=np.float32),
        "bw": rng.normal(0, 0.3, (4, 8, 3)).astype(np.float32),
        "bb": np.zeros(4, np.float32),
    }
    if function == "Clip":
        weights |= {"low": np.float32(limits[0]), "high": np.float32(limits[1])}
    return make_graph(nodes, {"features": [1, 3, "T"]}, {"embedding": [1, 4, "T"]}, weights)
