"""Names of a graph: the interface as asked for, nothing else of the machine or the run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import onnx


def canonical(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what depends on the machine or the run (source paths, tool names, descriptions)."""
    clean = onnx.ModelProto()
    clean.CopyFrom(graph)
    clean.producer_name = clean.producer_version = clean.doc_string = ""
    clean.graph.name, clean.graph.doc_string = "part", ""
    del clean.metadata_props[:], clean.graph.metadata_props[:]
    values = (
        clean.graph.node,
        clean.graph.value_info,
        clean.graph.input,
        clean.graph.output,
        clean.graph.initializer,
    )
    for group in values:
        for value in group:
            del value.metadata_props[:]
            value.doc_string = ""
    return clean


def rename_interface(
    graph: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str]
) -> onnx.ModelProto:
    """A copy of ``graph`` whose inputs and outputs are called ``inputs`` and ``outputs``.

    Inner values that already have one of these names are renamed out of the way (the exporter
    names values after operators, and its own renaming lets them collide).
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    old = [value.name for value in [*copy.graph.input, *copy.graph.output]]
    names = dict(zip(old, [*inputs, *outputs], strict=True))
    for node in copy.graph.node:
        for value in node.output:
            if value not in names and value in names.values():
                names[value] = f"{value}_inner"
    for initializer in copy.graph.initializer:
        if initializer.name in names.values() and initializer.name not in names:
            names[initializer.name] = f"{initializer.name}_inner"
    for node in copy.graph.node:
        for slots in (node.input, node.output):
            slots[:] = [names.get(name, name) for name in slots]
    for group in (
        copy.graph.input,
        copy.graph.output,
        copy.graph.value_info,
        copy.graph.initializer,
    ):
        for item in group:
            item.name = names.get(item.name, item.name)
    return copy


def rename_axes(graph: onnx.ModelProto, axes: Mapping[str, tuple[int, str]]) -> onnx.ModelProto:
    """A copy whose inputs' axes of any length are called as in ``axes``: input to (axis, name)."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    inputs = {value.name: value for value in copy.graph.input}
    names = {
        inputs[name].type.tensor_type.shape.dim[axis].dim_param: called
        for name, (axis, called) in axes.items()
    }
    # The exporter composes names to terms, as in "(s27//2)".
    pattern = re.compile("|".join(rf"\b{re.escape(n)}\b" for n in names if n))
    for value in (*copy.graph.input, *copy.graph.output, *copy.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param and pattern.pattern:
                dim.dim_param = pattern.sub(lambda found: names[found[0]], dim.dim_param)
    return copy
