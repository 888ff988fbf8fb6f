"""The axis of time, followed through the operators of a graph that keep nothing of the past."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edge_sdk.errors import ExportError

from ..calibration.ranges import expose
from ..makers import makers_of
from ..reference import Reference

# Of any number of operands, element by element (or along another axis than time).
_POINTWISE = {
    "Abs", "Add", "Cast", "Clip", "DequantizeLinear", "Div", "Elu", "Erf", "Exp", "Gelu",
    "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Log", "Max", "Min", "Mul", "Neg", "Pow",
    "PRelu", "QuantizeLinear", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Sqrt", "Sub",
    "Tanh",
}  # fmt: skip


class NotStreamable(ExportError):
    """A graph cannot be run step by step; the sentence names the operator that stands against."""


class Follower:
    """Knows of each tensor where time is in it; takes the nodes that do not remember."""

    def __init__(self, graph: onnx.ModelProto, example: NDArray[Any], axis: int) -> None:
        self._model = onnx.ModelProto()
        self._model.CopyFrom(graph)
        self._graph = self._model.graph
        self._constants = {i.name: i for i in self._graph.initializer}
        self._makers = makers_of(self._graph.node)
        given = self._graph.input[0].name
        names = [name for node in graph.graph.node for name in node.output if name]
        self._seen = {given: example, **Reference(expose(graph, names)).run({given: example})}
        #: By tensor, its axis of time and how many frames one of its elements stands for.
        self._time: dict[str, tuple[int, int]] = {given: (axis, 1)}
        #: Steps of padding at the front that a convolution has still to take.
        self._lead: dict[str, int] = {}
        #: What is said at the end of a sequence: in a stream it changes with every step.
        self._newest: set[str] = set()
        self._nodes: list[onnx.NodeProto] = []

    def visit(self, node: onnx.NodeProto) -> None:
        """Take one node; those it reads from come before it.

        Raises:
            NotStreamable: it cannot be run step by step.
        """
        timed = [name for name in node.input if name in self._time]
        newest = any(name in self._newest for name in node.input)
        if timed and newest:
            raise self._refused(node, "it puts what the end says to every step before it")
        if timed:
            self._visit(node, timed)
        else:
            self._nodes.append(node)
        if newest or timed:
            self._newest.update(n for n in node.output if n and n not in self._time)

    def _visit(self, node: onnx.NodeProto, timed: list[str]) -> None:
        kind = node.op_type
        if kind in _POINTWISE:
            self._pointwise(node, timed)
        elif kind in ("Gather", "Slice"):
            self._last(node)
        elif kind == "Transpose":
            axis, per = self._time[node.input[0]]
            self._keep(node, (list(attribute(node, "perm")).index(axis), per))
        elif kind == "Reshape":
            self._reshape(node)
        elif kind in ("Squeeze", "Unsqueeze"):
            self._squeeze(node)
        elif kind == "MatMul" and len(timed) == 1 and node.input[0] in self._time:
            self._inner(node, -1)
        elif kind in ("LayerNormalization", "Softmax"):
            self._inner(node, int(attribute(node, "axis", -1)))
        elif kind == "Concat":
            if any(self._time[name][0] == self._axis_of(node) for name in timed):
                raise self._refused(node, "it joins sequences along time")
            self._pointwise(node, timed)
        else:
            raise self._refused(node, "its past is not known")

    def _keep(self, node: onnx.NodeProto, time: tuple[int, int]) -> None:
        lead = self._lead.get(node.input[0], 0)
        for name in node.output:
            self._time[name] = time
            if lead:
                self._lead[name] = lead
        self._nodes.append(node)

    def _pointwise(self, node: onnx.NodeProto, timed: list[str]) -> None:
        places = {self._time[name] for name in timed}
        ranks = {self._seen[name].ndim for name in timed}
        leads = {self._lead.get(name, 0) for name in timed}
        if len(places) > 1 or len(ranks) > 1 or len(leads) > 1:
            raise self._refused(node, "it brings sequences of different rates together")
        place = places.pop()
        from_end = ranks.pop() - place[0]
        for name in node.input:
            shape = self._shape(name)
            if name not in self._time and len(shape) >= from_end and shape[-from_end] != 1:
                per_axis = node.op_type in ("QuantizeLinear", "DequantizeLinear")
                if not per_axis:
                    raise self._refused(node, "it treats each step by its place in the sequence")
        self._keep(node, place)

    def _inner(self, node: onnx.NodeProto, axis: int) -> None:
        """An operator that works along ``axis`` and all behind it."""
        name = node.input[0]
        if self._time[name][0] >= axis % self._seen[name].ndim:
            raise self._refused(node, "it works along time")
        self._keep(node, self._time[name])

    def _reshape(self, node: onnx.NodeProto) -> None:
        axis, per = self._time[node.input[0]]
        shape = self._values(node, 1)
        before, after = self._seen[node.input[0]].shape, self._seen[node.output[0]].shape
        # Only what leaves the axis of time, and all before it, as they are; what is left over (-1)
        # is the axis of time at any length where it is so at one.
        fixed = [
            wanted == 0 or (wanted == size and i != axis) or (wanted == -1 and made == size)
            for i, (wanted, size, made) in enumerate(zip(shape, before, after, strict=False))
        ]
        if len(after) <= axis or not all(fixed[: axis + 1]):
            raise self._refused(node, "it reshapes the axis of time")
        self._keep(node, (axis, per))

    def _squeeze(self, node: onnx.NodeProto) -> None:
        axis, per = self._time[node.input[0]]
        rank = self._seen[node.input[0] if node.op_type == "Squeeze" else node.output[0]].ndim
        axes = sorted(int(a) % rank for a in self._values(node, 1, "axes"))
        if node.op_type == "Squeeze":
            axis -= sum(a < axis for a in axes)
        else:
            for inserted in axes:
                axis += inserted <= axis
        self._keep(node, (axis, per))

    def _last(self, node: onnx.NodeProto) -> None:
        """The last step, which is the newest in a stream as well; or a choice along another."""
        axis = self._time[node.input[0]][0]
        if node.op_type == "Gather":
            if self._axis_of(node) != axis:
                raise self._refused(node, "it gathers")
            newest = self._values(node, 1).tolist() in (-1, [-1])
        else:
            axes = self._values(node, 3).tolist() if len(node.input) > 3 else None
            ends = self._values(node, 2).tolist()
            newest = (
                axes == [axis]
                and self._values(node, 1).tolist() == [-1]
                and ends[0] >= np.iinfo(np.int32).max
            )
        if not newest or self._lead.get(node.input[0]):
            raise self._refused(node, "it takes other steps than the last one")
        self._nodes.append(node)

    def _values(self, node: onnx.NodeProto, place: int, older: str = "") -> NDArray[Any]:
        """A constant input, or the attribute that older operators have instead."""
        if older and len(node.input) <= place:
            found = attribute(node, older)
            if found is not None:
                return np.array(found, np.int64)
        name = node.input[place] if place < len(node.input) else ""
        if name in self._constants:
            return np.asarray(numpy_helper.to_array(self._constants[name]))
        maker = self._makers.get(name)
        if maker is not None and maker.op_type == "Constant":
            return np.asarray(self._seen[name])
        raise self._refused(node, "it works with sizes that are computed")

    def _shape(self, name: str) -> tuple[int, ...]:
        if name in self._constants:
            return tuple(self._constants[name].dims)
        return tuple(self._seen[name].shape) if name in self._seen else ()

    def _axis_of(self, node: onnx.NodeProto) -> int:
        return int(attribute(node, "axis", 0)) % max(1, self._seen[node.input[0]].ndim)

    def _refused(self, node: onnx.NodeProto, why: str) -> NotStreamable:
        return NotStreamable(
            f"The {node.op_type} that makes {node.output[0]} does not stream: {why}."
        )


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    for found in node.attribute:
        if found.name == name:
            return helper.get_attribute_value(found)
    return default
