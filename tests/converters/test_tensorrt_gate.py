"""What TensorRT refuses or silently computes in float is found before it is shipped."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_sdk.converters.export.tensorrt_gate import gate_tensorrt, refusals_of
from edge_sdk.converters.reference import Reference
from edge_sdk.errors import ExportError

from ..onnx_graphs import image_net, model, summing

FLOAT = TensorProto.FLOAT
ONE = np.array(0.1, np.float32)
ZERO = np.array(0, np.int8)


def node(
    operator: str, inputs: list[str], outputs: list[str], **attributes: object
) -> onnx.NodeProto:
    return helper.make_node(operator, inputs, outputs, f"my_{operator}", **attributes)


def one(
    operator: onnx.NodeProto,
    shape: tuple[int, ...] = (1, 4),
    constants: dict[str, np.ndarray] | None = None,
    **how: object,
) -> onnx.ModelProto:
    """A graph of one node from ``x`` to ``y``."""
    rank: list[int | str] = [f"d{axis}" for axis in range(len(shape))]
    return model([operator], {"x": (FLOAT, list(shape))}, {"y": rank}, constants, **how)  # type: ignore[arg-type]


def quantised_conv(
    *,
    activation: bool = True,
    weights: bool = True,
    axis: int = 0,
    zero: np.ndarray = ZERO,
    scale: np.ndarray = ONE,
    operator: str = "Conv",
    bias: bool = False,
) -> onnx.ModelProto:
    """A convolution [1, 32, 64] -> [1, 32, 64] between quantise/dequantise pairs."""
    w = np.random.default_rng(0).integers(-127, 128, (32, 32, 1)).astype(np.int8)
    constants = {
        "zero": zero, "scale": scale,
        "ws": np.full(32, 0.02, np.float32), "wz": np.zeros(32, np.int8),
        "w8": w, "w32": (w * 0.02).astype(np.float32),
        "b": np.arange(-160, 160, 10, np.int32), "bs": np.full(32, 0.002, np.float32),
    }  # fmt: skip
    nodes = [
        node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        node("DequantizeLinear", ["q", "scale", "zero"], ["dq"]),
        helper.make_node("DequantizeLinear", ["w8", "ws", "wz"], ["dw"], "weights", axis=axis),
        helper.make_node("DequantizeLinear", ["b", "bs"], ["db"], "bias", axis=0),
        node(
            operator,
            ["dq" if activation else "x", "dw" if weights else "w32", *(["db"] if bias else [])],
            ["y"],
        ),
    ]
    if not bias:
        del nodes[3]
    if not activation:
        del nodes[:2]
    return model(nodes, {"x": (FLOAT, [1, 32, 64])}, {"y": [1, 32, 64]}, constants)


@pytest.mark.parametrize("graph", [summing(), image_net(), quantised_conv()])
def test_what_tensorrt_takes_is_left_alone(graph: onnx.ModelProto) -> None:
    gated = gate_tensorrt(graph, "audio")
    assert gated.rewrites == ()
    assert [n.op_type for n in gated.graph.graph.node] == [n.op_type for n in graph.graph.node]


@pytest.mark.parametrize(
    ("graph", "sentence"),
    [
        (one(node("Relu", ["x"], ["y"]), opset=21), "written in opset 21, and 20 is the newest"),
        (
            one(node("STFT", ["x", "n"], ["y"]), constants={"n": np.array(2)}),
            r"no operator STFT: compute the spectrum in the front-end.*node my_STFT",
        ),
        (
            one(node("NonZero", ["x"], ["y"])),
            r"no operator NonZero: use a mask of fixed size.*operator NonZero, node my_NonZero",
        ),
        (
            one(helper.make_node("Magic", ["x"], ["y"], "spell", domain="my.ops"),
                domains=["my.ops"]),
            "Magic of my.ops is a custom one .operator Magic, node spell",
        ),
        (
            one(node("Resize", ["x", "", "s"], ["y"], mode="linear", antialias=1),
                constants={"s": np.ones(2, np.float32)}),
            "no antialiasing",
        ),
        (
            one(node("Resize", ["x", "", "s"], ["y"], mode="cubic"),
                constants={"s": np.ones(2, np.float32)}),
            "not cubic",
        ),
        (
            one(node("MaxPool", ["x"], ["y", "indices"], kernel_shape=[2]), (1, 1, 4)),
            "MaxPool gives no indices",
        ),
        (
            model(
                [node("Unsqueeze", ["x", "axes"], ["y"])],
                {"x": (FLOAT, [4]), "axes": (TensorProto.INT64, [1])},
                {"y": ["a", "b"]},
            ),
            "axes of Unsqueeze must be constants",
        ),
        (quantised_conv(zero=np.array(3, np.int8)), r"zero point that is not 0.*must be symmetric"),
        (quantised_conv(zero=np.array(0, np.uint8)), "type uint8; it must be int8"),
        (quantised_conv(zero=np.array(0, np.int16)), "type int16; it must be int8"),
        (quantised_conv(scale=np.array(0.0, np.float32)), "scale of QuantizeLinear is zero"),
        (quantised_conv(scale=np.array(np.nan, np.float32)), "not finite"),
        (
            quantised_conv(scale=np.full(32, 0.1, np.float32), zero=np.zeros(32, np.int8)),
            "scale a channel for an activation",
        ),
        (quantised_conv(axis=1), r"scales along axis 1, not along the output channels"),
        (quantised_conv(activation=False), "weights of Conv are int8 and its activation is not"),
        (quantised_conv(operator="ConvTranspose"), "computes ConvTranspose in float"),
        (
            one(node("DynamicQuantizeLinear", ["x"], ["q", "s", "y"])),
            "no operator DynamicQuantizeLinear: quantise with calibration data",
        ),
        (
            model(
                [node("QuantizeLinear", ["x", "s", "z"], ["q"]),
                 node("DequantizeLinear", ["q", "s", "z"], ["y"])],
                {"x": (FLOAT, [4]), "s": (FLOAT, [])}, {"y": [4]}, {"z": ZERO},
            ),
            "scale of QuantizeLinear is computed at run time",
        ),
        (
            model(
                [node("QuantizeLinear", ["x", "s"], ["q"]),
                 node("DequantizeLinear", ["q", "s"], ["y"])],
                {"x": (FLOAT, [4])}, {"y": [4]}, {"s": ONE},
            ),
            "without a zero point is uint8",
        ),
    ],
)  # fmt: skip
def test_what_tensorrt_does_not_take_is_named(graph: onnx.ModelProto, sentence: str) -> None:
    with pytest.raises(ExportError, match=sentence) as caught:
        gate_tensorrt(graph, "audio")
    assert str(caught.value).startswith("TensorRT does not take the graph of the part audio: ")


def test_all_refusals_are_named_at_once() -> None:
    graph = quantised_conv(activation=False, axis=1)
    graph.opset_import[0].version = 22
    assert len(list(refusals_of(graph))) == 3


def test_operators_inside_a_branch_are_seen() -> None:
    branch = helper.make_graph(
        [helper.make_node("Compress", ["x", "keep"], ["inner"], "deep")],
        "branch", [], [helper.make_tensor_value_info("inner", FLOAT, ["n"])],
    )  # fmt: skip
    graph = model(
        [helper.make_node("If", ["keep_one"], ["y"], "if", then_branch=branch, else_branch=branch)],
        {"x": (FLOAT, [4]), "keep": (TensorProto.BOOL, [4]), "keep_one": (TensorProto.BOOL, [])},
        {"y": ["n"]},
    )
    with pytest.raises(ExportError, match="operator Compress, node deep"):
        gate_tensorrt(graph, "text")


def test_an_int32_bias_becomes_the_floats_it_stands_for() -> None:
    graph = quantised_conv(bias=True)
    gated = gate_tensorrt(graph, "audio")
    assert gated.rewrites == ("the int32 bias of DequantizeLinear bias is float now",)
    x = np.random.default_rng(0).standard_normal((1, 32, 64)).astype(np.float32)
    before, after = Reference(graph).run({"x": x})["y"], Reference(gated.graph).run({"x": x})["y"]
    np.testing.assert_allclose(before, after, rtol=0, atol=1e-5)
    kinds = {i.name: i.data_type for i in gated.graph.graph.initializer}
    assert TensorProto.INT32 not in kinds.values()
    onnx.checker.check_model(gated.graph)


def test_uint8_around_128_becomes_int8_around_0() -> None:
    graph = quantised_conv(zero=np.array(128, np.uint8))
    for item in graph.graph.initializer:
        if item.name == "w8":
            shifted = (numpy_helper.to_array(item).astype(np.int16) + 128).astype(np.uint8)
            item.CopyFrom(numpy_helper.from_array(shifted, "w8"))
        if item.name == "wz":
            item.CopyFrom(numpy_helper.from_array(np.full(32, 128, np.uint8), "wz"))
    gated = gate_tensorrt(graph, "audio")
    assert len(gated.rewrites) == 3
    x = np.random.default_rng(0).standard_normal((1, 32, 64)).astype(np.float32) * 20
    before, after = Reference(graph).run({"x": x})["y"], Reference(gated.graph).run({"x": x})["y"]
    np.testing.assert_array_equal(before, after)


def test_every_node_gets_a_name_of_its_own() -> None:
    graph = image_net()
    for item in graph.graph.node:
        item.name = "" if item.op_type == "Relu" else "same"
    names = [item.name for item in gate_tensorrt(graph, "image").graph.graph.node]
    assert len(set(names)) == len(names)
    assert all(names)
