"""fp16 graphs: weights and arithmetic in half precision, inputs and outputs as they were."""

from __future__ import annotations

import warnings

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

from ..calibration.ranges import Calibration
from .naming import canonical

# The largest finite fp16 is 65504; sums within a kernel need room above what was seen.
_LARGEST = 16384.0


def to_half(graph: onnx.ModelProto, calibration: Calibration) -> tuple[onnx.ModelProto, list[str]]:
    """``graph`` in fp16 with fp32 inputs and outputs, and the names of nodes that stay fp32.

    A node stays fp32 where calibration saw a value in or out of it that fp16 is too short for.
    """
    wide = {
        name
        for name, (low, high) in (calibration.extremes or calibration.ranges).items()
        if max(abs(low), abs(high)) > _LARGEST
    }
    kept = [
        node.name for node in graph.graph.node if wide & {*node.input, *node.output} and node.name
    ]
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    with warnings.catch_warnings():
        # It warns of every weight too small for fp16, which becomes 0 as it should.
        warnings.simplefilter("ignore")
        half = convert_float_to_float16(copy, keep_io_types=True, node_block_list=kept)
    _join(half)
    return canonical(half), kept


def _join(graph: onnx.ModelProto) -> None:
    """Between two nodes that stay fp32 nothing passes through fp16, where it would overflow."""
    casts = {
        node.output[0]: (node.input[0], onnx.helper.get_attribute_value(node.attribute[0]))
        for node in graph.graph.node
        if node.op_type == "Cast"
    }
    direct = {}
    for output, (source, kind) in casts.items():
        origin, narrowed = casts.get(source, ("", None))
        if kind == onnx.TensorProto.FLOAT and narrowed == onnx.TensorProto.FLOAT16:
            direct[output] = origin
    for node in graph.graph.node:
        node.input[:] = [direct.get(name, name) for name in node.input]
    while True:
        used = {name for node in graph.graph.node for name in node.input}
        used |= {value.name for value in graph.graph.output}
        idle = [n for n in graph.graph.node if n.op_type == "Cast" and n.output[0] not in used]
        if not idle:
            return
        for node in idle:
            graph.graph.node.remove(node)
