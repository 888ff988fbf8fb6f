"""Names of a graph: the interface as asked for, nothing else of the machine or the run."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

import onnx

# The exporter's note on a node: the modules around it, outermost first.
_SCOPES = "pkg.torch.onnx.name_scopes"


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


def name_nodes(graph: onnx.ModelProto, paths: Mapping[str, str]) -> onnx.ModelProto:
    """A copy whose nodes are called ``<module>/<operator>``, so that a layer can be named.

    The module is the one that the node's weight belongs to (a convolution keeps its name when the
    norm behind it is folded into it), or else the one whose code gave the node, as the exporter
    notes it. Nodes outside of any submodule are called after their operator alone.

    Args:
        graph: as the exporter gives it, notes and names and all.
        paths: the modules' names as the user knows them, by their path in the exported module.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    constants = {i.name for i in copy.graph.initializer}
    taken: set[str] = set()
    for node in copy.graph.node:
        owners = [n.rpartition(".")[0] for n in node.input if n in constants]
        path = next((o for o in owners if o in paths), None) or _scope(node, paths)
        stem = f"{paths[path]}/{node.op_type}" if paths.get(path) else node.op_type
        name, number = stem, 1
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name)
        node.name = name
    return copy


def _scope(node: onnx.NodeProto, paths: Mapping[str, str]) -> str:
    """The innermost module that the exporter's note on a node names, or a traced node's name."""
    for note in node.metadata_props:
        if note.key == _SCOPES:
            scopes = [s for s in ast.literal_eval(note.value) if s in paths]
            return str(scopes[-1]) if scopes else ""
    return _traced_scope(node.name.split("/")[1:-1], paths)


def _traced_scope(names: Sequence[str], paths: Mapping[str, str]) -> str:
    """The module behind the parts of a traced name; a container's come as ``blocks/blocks.0``."""
    found = ""
    for name in names:
        above = found
        while above and f"{above}.{name}" not in paths:
            above = above.rpartition(".")[0]
        inner = f"{above}.{name}" if above else name
        if inner not in paths:
            break
        found = inner
    return found
