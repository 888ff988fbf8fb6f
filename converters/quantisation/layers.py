"""Layers: what a user quantises or keeps, as the nodes of a graph that belong together."""

from __future__ import annotations

import difflib
from collections.abc import Collection

import onnx

from edge_sdk.errors import UsageError


def layer_of(node: onnx.NodeProto) -> str:
    """The layer that a node belongs to: what its name says before the last slash, or the name.

    Exported nodes are called ``<module>/<operator>`` (:func:`..export.naming.name_nodes`), with
    the path of the module in the user's own model.
    """
    name: str = node.name
    stem, _, leaf = name.rpartition("/")
    return stem.strip("/") or leaf


def nodes_of(graph: onnx.ModelProto, names: Collection[str]) -> list[str]:
    """The names of the nodes of some layers.

    Raises:
        UsageError: there is no layer of a name.
    """
    layers = {layer_of(node) for node in graph.graph.node}
    for name in names:
        if name not in layers:
            near = difflib.get_close_matches(name, layers, n=2)
            hint = f"; did you mean {' or '.join(near)}?" if near else "."
            raise UsageError(f"There is no layer {name!r} to keep in floating point{hint}")
    return [node.name for node in graph.graph.node if layer_of(node) in names]
