"""A graph in fewer bytes: equal constants once, and nothing that an engine finds out by itself."""

from __future__ import annotations

import onnx


def compact(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``graph`` without shape notes, whose equal constants are one.

    Quantised graphs have a zero point for each weight and channel, nearly all of them the same.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    del copy.graph.value_info[:]
    outputs = {value.name for value in copy.graph.output}
    first: dict[bytes, str] = {}
    instead: dict[str, str] = {}
    kept = []
    for constant in copy.graph.initializer:
        content = onnx.TensorProto()
        content.CopyFrom(constant)
        content.name = ""
        key = content.SerializeToString(deterministic=True)
        name = first.setdefault(key, constant.name)
        if name != constant.name and constant.name not in outputs:
            instead[constant.name] = name
        else:
            kept.append(constant)
    del copy.graph.initializer[:]
    copy.graph.initializer.extend(kept)
    for node in copy.graph.node:
        node.input[:] = [instead.get(name, name) for name in node.input]
    return copy
