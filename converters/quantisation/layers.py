"""Layers: what a user quantises or keeps, as the nodes of a graph that belong together."""

from __future__ import annotations

import difflib
from collections.abc import Collection

import msgspec
import numpy as np
import onnx

from edge_sdk.errors import UsageError

from ..calibration.coverage import layer_name
from ..calibration.ranges import Calibration
from .macs import node_macs
from .operators import QUANTISED, STORED


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer that can be int8.

    Attributes:
        name: of the module in the user's own model, or of the node where it came as a graph.
        operators: those of its operators that int8 is about, in the order they run.
        weights: how many of its weights become int8.
        macs: multiply-accumulates on the first calibration sample.
        output: the tensor that it gives.
    """

    name: str
    operators: tuple[str, ...]
    weights: int
    macs: int
    output: str


def layer_of(node: onnx.NodeProto) -> str:
    """The layer that a node belongs to: what its name says before the last slash, or the name.

    Exported nodes are called ``<module>/<operator>`` (:func:`..export.naming.name_nodes`), with
    the path of the module in the user's own model.
    """
    return layer_name(node.name)


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


def quantisable_layers(graph: onnx.ModelProto, seen: Calibration) -> tuple[Layer, ...]:
    """The layers of a float graph that have an int8 form, in the order they run."""
    constants = {
        i.name: int(np.prod(i.dims))
        for i in graph.graph.initializer
        if i.data_type == onnx.TensorProto.FLOAT
    }
    groups: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.graph.node:
        floats = any(o in seen.ranges for o in node.output)
        if node.op_type in (*QUANTISED, *STORED) and floats:
            groups.setdefault(layer_of(node), []).append(node)
    return tuple(
        Layer(
            name=name,
            operators=tuple(node.op_type for node in nodes),
            weights=sum(
                constants.get(value, 0)
                for value in {v for node in nodes for v in list(node.input)[:3]}
            ),
            macs=sum(node_macs(node, graph, seen) for node in nodes),
            output=next(o for o in reversed(nodes[-1].output) if o in seen.ranges),
        )
        for name, nodes in groups.items()
    )
