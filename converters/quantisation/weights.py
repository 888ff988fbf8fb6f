"""Weights stored as int8 where the arithmetic stays in floating point.

GRU and LSTM layers have no int8 kernels in ONNX Runtime and the common tools leave them alone.
Their weights become int8 with a scale a gate row, a cast and a product behind: constants, which the
engine computes once when it loads the graph. (A DequantizeLinear it would compute at every run: 7%
of the audio encoder's time.) The file is smaller, the arithmetic that of fp32 on rounded weights.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from .layers import layer_of
from .operators import Slots

# Smaller ones would not pay for their scales and nodes.
_SMALLEST = 256


def store_weights(
    graph: onnx.ModelProto,
    slots: Slots,
    keep: Collection[str] = (),
) -> onnx.ModelProto:
    """``graph`` with the weights of some operators as int8, made float when the graph is loaded.

    Args:
        graph: a float or quantised graph; weights that are no float constants are left alone.
        slots: for each operator its inputs that are weights, and the axes along which each index
            has a scale of its own.
        keep: the layers to leave alone.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    constants = {i.name: i for i in copy.graph.initializer}
    stored: dict[str, str] = {}
    nodes: list[onnx.NodeProto] = []
    for node in copy.graph.node:
        for slot, axes in slots.get(node.op_type, {}).items():
            name = node.input[slot]
            if layer_of(node) in keep or not _worth(constants.get(name)):
                continue
            if name not in stored:
                stored[name] = f"{name}_dequantised"
                nodes += _stored(copy.graph, constants[name], stored[name], axes)
            node.input[slot] = stored[name]
        nodes.append(node)
    used = {name for node in nodes for name in node.input}
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    left = [i for i in copy.graph.initializer if i.name in used]
    del copy.graph.initializer[:]
    copy.graph.initializer.extend(left)
    return copy


def stored_scales(graph: onnx.ModelProto) -> set[str]:
    """The constants that :func:`store_weights` has put in as scales."""
    integers = {i.name for i in graph.graph.initializer if i.data_type == onnx.TensorProto.INT8}
    casts = {
        n.output[0] for n in graph.graph.node if n.op_type == "Cast" and n.input[0] in integers
    }
    return {n.input[1] for n in graph.graph.node if n.op_type == "Mul" and n.input[0] in casts}


def rounded(
    weights: NDArray[np.float32], axes: tuple[int, ...]
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric int8 codes, and the scales to multiply them with, one an index of ``axes``."""
    kept = {axis % weights.ndim for axis in axes}
    others = tuple(i for i in range(weights.ndim) if i not in kept)
    largest = np.abs(weights).max(axis=others, keepdims=True)
    scales = np.where(largest > 0, largest / 127, 1.0).astype(np.float32)
    codes = np.clip(np.rint(weights / scales), -127, 127)
    return codes.astype(np.int8), scales


def _stored(
    graph: onnx.GraphProto, weight: onnx.TensorProto, name: str, axes: tuple[int, ...]
) -> list[onnx.NodeProto]:
    """The nodes that give ``name`` from int8 constants, which are put into ``graph``."""
    codes, scales = rounded(numpy_helper.to_array(weight), axes)
    base = weight.name
    graph.initializer.extend(
        [
            numpy_helper.from_array(codes, f"{base}_quantized"),
            numpy_helper.from_array(scales, f"{base}_scale"),
        ]
    )
    inner = f"{base}_codes"
    return [
        helper.make_node(
            "Cast", [f"{base}_quantized"], [inner], f"{base}_Cast", to=onnx.TensorProto.FLOAT
        ),
        helper.make_node("Mul", [inner, f"{base}_scale"], [name], f"{base}_Mul"),
    ]


def _worth(weight: onnx.TensorProto | None) -> bool:
    return (
        weight is not None
        and weight.data_type == onnx.TensorProto.FLOAT
        and int(np.prod(weight.dims)) >= _SMALLEST
    )
