"""A graph as it ships: the same graph in fewer bytes.

Names of inner values, rounding steps without names, and what the format takes for granted: of a
small int8 graph these are a tenth.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..makers import makers_of

_DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789"
_ROUNDING = ("QuantizeLinear", "DequantizeLinear")
# Of convolutions and pools, as the operators' specification has them.
_DEFAULTS = {"group": 1, "dilations": 1, "strides": 1, "pads": 0, "auto_pad": b"NOTSET"}


def shorten(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``graph`` that computes the same, with the same inputs, outputs and layers.

    A graph with graphs inside (``If``, ``Loop``) keeps its names, which those share.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    del copy.graph.value_info[:]
    for node in copy.graph.node:
        _drop_defaults(node)
    _fold_biases(copy.graph)
    _drop_zero_points(copy.graph)
    if not any(a.HasField("g") or a.graphs for n in copy.graph.node for a in n.attribute):
        _rename(copy.graph)
    return copy


def _drop_defaults(node: onnx.NodeProto) -> None:
    if node.op_type not in ("Conv", "ConvTranspose"):
        return
    for attribute in list(node.attribute):
        if attribute.name not in _DEFAULTS:
            continue
        value = helper.get_attribute_value(attribute)
        values = value if isinstance(value, list) else [value]
        if all(one == _DEFAULTS[attribute.name] for one in values):
            node.attribute.remove(attribute)


def _fold_biases(graph: onnx.GraphProto) -> None:
    """Biases of int8 convolutions as floats, which take half of what codes and scales take.

    Their values are those of the codes, and ONNX Runtime makes the codes of them again when it
    loads the graph (from 1.22 on), where a rounding follows the convolution.
    """
    constants = {i.name: i for i in graph.initializer}
    makers = makers_of(graph.node)
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    outputs = {value.name for value in graph.output}
    gone = set()
    for conv in graph.node:
        bias = makers.get(conv.input[2]) if conv.op_type == "Conv" and len(conv.input) > 2 else None
        if bias is None or bias.op_type != "DequantizeLinear":
            continue
        codes, scales = constants.get(bias.input[0]), constants.get(bias.input[1])
        behind = readers.get(conv.output[0], [])
        rounded = bool(behind) and all(node.op_type == "QuantizeLinear" for node in behind)
        if codes is None or scales is None or not rounded or conv.output[0] in outputs:
            continue
        if codes.data_type != onnx.TensorProto.INT32 or len(readers[bias.output[0]]) > 1:
            continue
        values = numpy_helper.to_array(codes).astype(np.float64) * numpy_helper.to_array(scales)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), bias.output[0]))
        gone.add(bias.output[0])
    left = [onnx.NodeProto.FromString(node.SerializeToString())
            for node in graph.node if node.output[0] not in gone]  # fmt: skip
    del graph.node[:]
    graph.node.extend(left)


def _drop_zero_points(graph: onnx.GraphProto) -> None:
    """Those that are zero, of biases and of the weights of convolutions.

    Not of other weights: without them ONNX Runtime runs a Gemm in floating point.
    """
    constants = {i.name: i for i in graph.initializer}
    readers: dict[str, set[str]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.op_type)
    for node in graph.node:
        if node.op_type != "DequantizeLinear" or len(node.input) < 3:
            continue
        codes, zero = constants.get(node.input[0]), constants.get(node.input[2])
        if codes is None or zero is None or np.any(numpy_helper.to_array(zero)):
            continue
        bias = codes.data_type == onnx.TensorProto.INT32
        weight = codes.data_type == onnx.TensorProto.INT8
        if bias or (weight and readers.get(node.output[0]) == {"Conv"}):
            del node.input[2]
    used = {name for node in graph.node for name in node.input}
    used |= {value.name for value in (*graph.input, *graph.output)}
    kept = [i for i in graph.initializer if i.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _rename(graph: onnx.GraphProto) -> None:
    taken = {value.name for value in (*graph.input, *graph.output)} | {""}
    fresh = (name for name in _names() if name not in taken)
    names = {name: name for name in taken}

    def short(name: str) -> str:
        if name not in names:
            names[name] = next(fresh)
        return names[name]

    for node in graph.node:
        node.input[:] = [short(name) for name in node.input]
        node.output[:] = [short(name) for name in node.output]
        if node.op_type in _ROUNDING:
            node.name = ""
    for constant in graph.initializer:
        constant.name = short(constant.name)


def _names() -> Iterator[str]:
    """``a``, ``b``, ... ``aa``, ..."""
    number = 0
    while True:
        name, rest = "", number
        while True:
            name = _DIGITS[rest % len(_DIGITS)] + name
            rest = rest // len(_DIGITS) - 1
            if rest < 0:
                break
        yield name
        number += 1
