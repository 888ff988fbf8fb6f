"""Results that leave a graph as they are computed, without a last rounding to int8."""

from __future__ import annotations

import onnx

from ..makers import makers_of

# Their int8 kernels can give floating point; rounding what leaves the graph gains no time then.
_GIVE_FLOAT = ("Gemm", "MatMul")


def float_ends(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a QDQ graph whose outputs are not rounded where a product gives them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    makers = makers_of(copy.graph.node)
    readers: dict[str, int] = {}
    for node in copy.graph.node:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1
    gone: list[onnx.NodeProto] = []
    for value in copy.graph.output:
        last = makers.get(value.name)
        before = makers.get(last.input[0]) if last is not None and last.input else None
        if last is None or before is None or value.name in readers:
            continue
        pair = (before.op_type, last.op_type) == ("QuantizeLinear", "DequantizeLinear")
        product = makers.get(before.input[0]) if pair else None
        if product is None or product.op_type not in _GIVE_FLOAT:
            continue
        if readers[before.output[0]] == readers[before.input[0]] == 1:
            product.output[0] = value.name
            gone += [before, last]
    left = [node for node in copy.graph.node if not any(node is g for g in gone)]
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in left]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    constants = [i for i in copy.graph.initializer if i.name in used]
    del copy.graph.initializer[:]
    copy.graph.initializer.extend(constants)
    return copy
