"""Holds a graph against what TensorRT refuses, or takes and computes in float without a word.

What can be written otherwise without changing a single result is rewritten; the rest is refused
with a sentence that names the operator and the node.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from edge_sdk.errors import ExportError

from ..makers import makers_of
from .tensorrt_operators import OPERATORS, OPSET, REMEDIES

_DOMAINS = ("", "ai.onnx")
_NO_ZERO = "activations and weights must be symmetric (zero point 0)"
# Operators whose axes TensorRT must know when it builds: the input that holds them.
_CONSTANT_AXES = {"Squeeze": 1, "Unsqueeze": 1, "ReduceSum": 1, "ReduceMean": 1, "ReduceMax": 1}
_QUANTISABLE = ("Conv", "MatMul", "Gemm")


class Gated(msgspec.Struct, frozen=True):
    """A graph that TensorRT takes, and what was rewritten for it, in sentences."""

    graph: onnx.ModelProto
    rewrites: tuple[str, ...]


def gate_tensorrt(graph: onnx.ModelProto, part: str) -> Gated:
    """``graph`` as TensorRT 10.3 takes it.

    Raises:
        ExportError: something in it is refused; the sentence names all of it.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    _name_nodes(copy)
    rewrites = [*_float_biases(copy), *_signed(copy)]
    _sort(copy)
    refusals = list(refusals_of(copy))
    if refusals:
        raise ExportError(
            f"TensorRT does not take the graph of the part {part}: {'; '.join(refusals)}."
        )
    return Gated(copy, tuple(rewrites))


def refusals_of(graph: onnx.ModelProto) -> Iterator[str]:
    """Clauses for all that TensorRT refuses in ``graph`` or would silently compute in float."""
    for entry in graph.opset_import:
        if entry.domain in _DOMAINS and entry.version > OPSET:
            yield f"it is written in opset {entry.version}, and {OPSET} is the newest it reads"
    constants = _constants(graph)
    for node in _nodes(graph.graph):
        yield from (f"{reason} ({_place(node)})" for reason in _operator(node, constants))
    yield from _quantisation(graph, constants)


def _operator(node: onnx.NodeProto, constants: dict[str, NDArray[np.generic]]) -> Iterator[str]:
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.domain not in _DOMAINS:
        yield f"the operator {node.op_type} of {node.domain} is a custom one"
    elif node.op_type not in OPERATORS:
        remedy = REMEDIES.get(node.op_type)
        yield f"it has no operator {node.op_type}" + (f": {remedy}" if remedy else "")
    if node.op_type == "Resize":
        if attributes.get("antialias", 0):
            yield "its Resize has no antialiasing: resize in the front-end, or without antialias"
        if attributes.get("mode", b"nearest") == b"cubic":
            yield "its Resize is nearest or linear, not cubic"
    if node.op_type == "MaxPool" and len(node.output) > 1 and node.output[1]:
        yield "its MaxPool gives no indices"
    if node.op_type == "ScatterND" and attributes.get("reduction", b"none") != b"none":
        yield "its ScatterND has no reduction"
    index = _CONSTANT_AXES.get(node.op_type)
    if index is not None and len(node.input) > index and node.input[index] not in {"", *constants}:
        yield f"the axes of {node.op_type} must be constants"


def _quantisation(
    graph: onnx.ModelProto, constants: dict[str, NDArray[np.generic]]
) -> Iterator[str]:
    producers = makers_of(_nodes(graph.graph))
    for node in _nodes(graph.graph):
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            yield from (f"{reason} ({_place(node)})" for reason in _pair(node, constants))
    for node in _nodes(graph.graph):
        quantised = [
            source
            for name in list(node.input)[:2]
            if (source := producers.get(name)) is not None and source.op_type == "DequantizeLinear"
        ]
        weights = [source for source in quantised if source.input[0] in constants]
        if node.op_type == "ConvTranspose" and weights:
            yield (
                f"it computes ConvTranspose in float whatever is said: leave it float "
                f"({_place(node)})"
            )
        if node.op_type not in _QUANTISABLE:
            continue
        if weights and len(quantised) < 2:
            yield (
                f"the weights of {node.op_type} are int8 and its activation is not, so that it "
                f"would compute in float: quantise both or neither ({_place(node)})"
            )
        for source in weights:
            if np.size(constants.get(source.input[1], 0)) == 1:
                continue
            axis = next((a.i for a in source.attribute if a.name == "axis"), 1)
            rank = constants[source.input[0]].ndim
            if node.op_type == "Conv" and axis % rank != 0:
                yield (
                    f"the weights of Conv have their scales along axis {axis}, not along the "
                    f"output channels (axis 0), and would compute in float ({_place(node)})"
                )


def _pair(node: onnx.NodeProto, constants: dict[str, NDArray[np.generic]]) -> Iterator[str]:
    scale = constants.get(node.input[1])
    zero = constants.get(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    value = constants.get(node.input[0])
    if scale is None:
        yield f"the scale of {node.op_type} is computed at run time; it must be a constant"
    else:
        numbers = scale.astype(np.float64)
        if not (np.isfinite(numbers).all() and (numbers > 0).all()):
            yield f"a scale of {node.op_type} is zero, negative or not finite"
        if scale.size > 1 and value is None:
            yield (
                f"{node.op_type} has a scale a channel for an activation, which it takes and "
                "computes in float; one scale a tensor is needed"
            )
    kind = zero if zero is not None else value if node.op_type == "DequantizeLinear" else None
    if kind is None:
        if zero is None and node.op_type == "QuantizeLinear":
            yield "QuantizeLinear without a zero point is uint8; it must be int8"
        return
    if kind.dtype != np.int8:
        yield f"{node.op_type} is of type {kind.dtype}; it must be int8"
    elif zero is not None and np.any(zero):
        yield f"{node.op_type} has a zero point that is not 0: {_NO_ZERO}"


def _name_nodes(graph: onnx.ModelProto) -> None:
    """TensorRT's messages and layer lists name nodes: each gets a name of its own."""
    taken = {node.name for node in graph.graph.node if node.name}
    seen: set[str] = set()
    for index, node in enumerate(graph.graph.node):
        if not node.name or node.name in seen:
            name = f"{node.op_type}_{index}"
            while name in taken:
                name += "_"
            taken.add(name)
            node.name = name
        seen.add(node.name)


def _sort(graph: onnx.ModelProto) -> None:
    """Every node behind those whose outputs it takes, which the quantiser does not see to."""
    made_here = {output for node in graph.graph.node for output in node.output}
    ready: set[str] = {""}
    waiting, ordered = list(graph.graph.node), []
    while waiting:
        late = []
        for node in waiting:
            wanted = {name for inner in _with_bodies(node) for name in inner.input} & made_here
            if wanted <= ready | {o for inner in _with_bodies(node) for o in inner.output}:
                ordered.append(node)
                ready.update(node.output)
            else:
                late.append(node)
        if len(late) == len(waiting):
            raise ExportError("The nodes of a graph go in a circle; it is no valid ONNX graph.")
        waiting = late
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in ordered]
    del graph.graph.node[:]
    graph.graph.node.extend(copies)


def _float_biases(graph: onnx.ModelProto) -> list[str]:
    """int32 constants that are only dequantised (biases) become the floats they stand for."""
    constants = _constants(graph)
    done = []
    for node in list(graph.graph.node):
        value = constants.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
        scale = constants.get(node.input[1]) if value is not None else None
        if value is None or scale is None or value.dtype != np.int32:
            continue
        zero = constants.get(node.input[2]) if len(node.input) > 2 and node.input[2] else None
        shift = 0 if zero is None else zero.astype(np.int64)
        # A bias has one axis: a scale an element, or one for all.
        number = (value.astype(np.int64) - shift) * scale.astype(np.float64)
        graph.graph.initializer.append(
            numpy_helper.from_array(number.astype(np.float32), node.output[0])
        )
        graph.graph.node.remove(node)
        done.append(f"the int32 bias of DequantizeLinear {node.name} is float now")
    _drop_unused(graph)
    return done


def _signed(graph: onnx.ModelProto) -> list[str]:
    """uint8 with zero point 128 is int8 with zero point 0, number for number."""
    constants = _constants(graph)
    pairs = [n for n in graph.graph.node if n.op_type in ("QuantizeLinear", "DequantizeLinear")]
    shiftable = {
        node.input[2]
        for node in pairs
        if len(node.input) > 2
        and node.input[2] in constants
        and constants[node.input[2]].dtype == np.uint8
        and (constants[node.input[2]] == 128).all()
    }
    if not shiftable:
        return []
    users = [n for n in graph.graph.node if set(n.input) & shiftable]
    values = {n.input[0] for n in users if n.input[0] in constants}
    done = [f"{n.op_type} {n.name} is int8 now (it was uint8 with zero point 128)" for n in users]
    for item in graph.graph.initializer:
        if item.name in shiftable | values:
            moved = constants[item.name].astype(np.int16) - 128
            item.CopyFrom(numpy_helper.from_array(moved.astype(np.int8), item.name))
    changed = {output for n in users if n.op_type == "QuantizeLinear" for output in n.output}
    for info in graph.graph.value_info:
        if info.name in changed:
            info.type.tensor_type.elem_type = TensorProto.INT8
    return done


def _drop_unused(graph: onnx.ModelProto) -> None:
    used = {name for node in _nodes(graph.graph) for name in node.input}
    used |= {value.name for value in graph.graph.output}
    kept = [item for item in graph.graph.initializer if item.name in used]
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)


def _constants(graph: onnx.ModelProto) -> dict[str, NDArray[np.generic]]:
    found = {item.name: numpy_helper.to_array(item) for item in graph.graph.initializer}
    for node in graph.graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                value = onnx.helper.get_attribute_value(attribute)
                array = (
                    numpy_helper.to_array(value)
                    if isinstance(value, TensorProto)
                    else np.asarray(value)
                )
                found[node.output[0]] = array
    return found


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node, those of the bodies of loops and branches too."""
    for node in graph.node:
        yield from _with_bodies(node)


def _with_bodies(node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    yield node
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield from _nodes(attribute.g)


def _place(node: onnx.NodeProto) -> str:
    return f"operator {node.op_type}, node {node.name or (node.output or ['?'])[0]}"
