"""Activation functions that int8 already is: a range that starts at zero cuts off what ReLU does.

Rounded twice, before and behind the function, a layer would spend half of its 256 steps on values
that the function takes away.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import onnx
from onnx import numpy_helper

from ..makers import makers_of
from .operators import QUANTISED

#: Functions that do nothing but cut off.
CUTTING = ("Relu", "Clip")


def foldable(graph: onnx.ModelProto, operators: Collection[str]) -> dict[str, onnx.NodeProto]:
    """The functions that fold into the layer before them, by the name of that layer's output.

    Such a function is the only reader of one of ``operators``, and zero is among its results: the
    range of an activation always holds zero, so what it saturates is what the function cuts off.
    One at the end of a graph stays: what a graph gives is not rounded.
    """
    ends = {value.name for value in graph.graph.output}
    readers = dict.fromkeys(ends, 1)
    for node in graph.graph.node:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1
    makers = makers_of(graph.graph.node)
    constants = {i.name: i for i in graph.graph.initializer}
    found = {}
    for node in graph.graph.node:
        if node.op_type not in CUTTING or readers[node.input[0]] > 1 or node.output[0] in ends:
            continue
        maker = makers.get(node.input[0])
        if maker is None or maker.op_type not in operators:
            continue
        if node.op_type == "Clip" and not _holds_zero(node, constants):
            continue
        found[node.input[0]] = node
    return found


def counterparts(graph: onnx.ModelProto, int8: onnx.ModelProto) -> dict[str, str]:
    """By the name of an activation of ``graph``: what it is called in its int8 form.

    A layer that took its function in gives, before it is rounded, what it gave in fp32, under the
    name of what the function gave.
    """
    there = {output for node in int8.graph.node for output in node.output}
    behind = {read: node.output[0] for read, node in foldable(graph, QUANTISED).items()}
    names = (output for node in graph.graph.node for output in node.output)
    found = {name: name if name in there else behind.get(name, name) for name in names}
    taken = {new for old, new in found.items() if new != old}
    return {
        old: new for old, new in found.items() if new in there and (old != new or old not in taken)
    }


def _holds_zero(clip: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> bool:
    """Whether ``clip`` has constant limits with zero between them."""
    limits = [0.0, 0.0]
    for slot in (1, 2):
        if len(clip.input) > slot and clip.input[slot]:
            if clip.input[slot] not in constants:
                return False
            limits[slot - 1] = float(
                np.ravel(numpy_helper.to_array(constants[clip.input[slot]]))[0]
            )
    return limits[0] <= 0.0 <= limits[1]
