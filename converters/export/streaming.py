"""A graph over a whole sequence made one that carries on: its past as inputs and outputs.

The graph is rewritten, not exported anew: what a causal convolution pads with zeros, what a GRU or
LSTM starts from and what a mean over time has seen become inputs whose default is "nothing yet",
and outputs to give back with the next step. So one file answers for whole recordings and steps
along a stream, with the same weights and, where it is quantised, the same scales. (Caching the
context of causal layers is what kws_streaming does to Keras models: Rybakov et al., 2020.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edge_sdk.bundle.manifest import StateSpec

from ..makers import makers_of
from .streaming_time import Follower, NotStreamable, attribute

__all__ = ["NotStreamable", "Streamable", "with_states"]

_RECURRENT = ("GRU", "LSTM", "RNN")


class Streamable:
    """A graph with its states.

    Attributes:
        graph: runs as before where its states are left out.
        frames: a step takes a whole multiple of so many frames.
        states: what goes round, in the order of the graph.
    """

    def __init__(self, graph: onnx.ModelProto, frames: int, states: Sequence[StateSpec]) -> None:
        self.graph, self.frames, self.states = graph, frames, tuple(states)


def with_states(graph: onnx.ModelProto, example: NDArray[Any], *, axis: int = 1) -> Streamable:
    """Rewrite ``graph``, whose one input has time along ``axis``.

    Args:
        graph: an fp32 or quantised graph with one input and one output.
        example: an input, of any length that the graph takes.
        axis: the axis of time of the input.

    Raises:
        NotStreamable: a layer looks ahead, or keeps more of the past than can be carried.
    """
    return _Rewriter(graph, example, axis).run()


class _Rewriter(Follower):
    """Takes the nodes that remember, too: their past becomes states."""

    def __init__(self, graph: onnx.ModelProto, example: NDArray[Any], axis: int) -> None:
        super().__init__(graph, example, axis)
        self._states: list[StateSpec] = []
        self._frames = 1

    def run(self) -> Streamable:
        for node in _ordered(self._graph):
            self.visit(node)
        for output in self._graph.output:
            if output.name in self._time:
                raise NotStreamable(f"The output {output.name} is a sequence, not one result.")
        for state in self._states:
            self._graph.output.append(
                helper.make_tensor_value_info(
                    state.output, onnx.TensorProto.FLOAT, list(state.shape)
                )
            )
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)
        return Streamable(self._model, self._frames, self._states)

    def _visit(self, node: onnx.NodeProto, timed: list[str]) -> None:
        kind = node.op_type
        if kind == "Conv":
            self._conv(node)
        elif kind == "Pad":
            self._pad(node)
        elif kind in _RECURRENT:
            self._recurrent(node)
        elif kind in ("ReduceMean", "GlobalAveragePool"):
            self._mean(node)
        else:
            super()._visit(node, timed)

    def _conv(self, node: onnx.NodeProto) -> None:
        name = node.input[0]
        axis, per = self._time[name]
        spatial = self._seen[name].ndim - 2
        place = axis - 2
        if place < 0:
            raise self._refused(node, "time is not one of its spatial axes")
        kernel = self._shape(node.input[1])[2:]
        stride = list(attribute(node, "strides", [1] * spatial))[place]
        dilation = list(attribute(node, "dilations", [1] * spatial))[place]
        pads = list(attribute(node, "pads", [0] * (2 * spatial)))
        if attribute(node, "auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
            raise self._refused(node, "it pads by itself")
        context = (kernel[place] - 1) * dilation
        ahead = pads[place + spatial]
        lead = self._lead.pop(name, 0)
        if ahead or pads[place] + lead != context:
            raise self._refused(
                node,
                "it looks ahead" if ahead or pads[place] + lead < context
                else "it is padded by more than it looks back",
            )  # fmt: skip
        if pads[place]:
            if lead:
                raise self._refused(node, "it is padded twice")
            pads[place] = 0
            _set(node, "pads", pads)
            node.input[0] = self._cached(name, axis, context)
        self._frames = math.lcm(self._frames, per * stride)
        self._nodes.append(node)
        self._time[node.output[0]] = (axis, per * stride)

    def _pad(self, node: onnx.NodeProto) -> None:
        name = node.input[0]
        axis, per = self._time[name]
        rank = self._seen[name].ndim
        pads = self._values(node, 1, "pads").tolist()
        if len(node.input) > 3 and node.input[3]:
            raise self._refused(node, "it names its axes")
        value = float(self._values(node, 2)) if len(node.input) > 2 and node.input[2] else 0.0
        zeros = attribute(node, "mode", b"constant") == b"constant" and value == 0.0
        others = [p for i, p in enumerate(pads) if i not in (axis, axis + rank)]
        if not zeros or any(others) or pads[axis + rank] or self._lead.get(name):
            raise self._refused(node, "it pads with other than zeros before the first step")
        if pads[axis]:
            made = self._cached(name, axis, int(pads[axis]))
            node = helper.make_node("Identity", [made], [node.output[0]])
            self._lead[node.output[0]] = int(pads[axis])
        self._nodes.append(node)
        self._time[node.output[0]] = (axis, per)

    def _cached(self, name: str, axis: int, context: int) -> str:
        """``name`` with its last ``context`` steps of before in front; they become a state."""
        shape = list(self._seen[name].shape)
        shape[axis] = context
        # Where it is quantised, it is joined as integers, and the state is what they stand for.
        behind = self._makers.get(name)
        quantised = behind is not None and behind.op_type == "DequantizeLinear"
        number = len(self._states)
        state = self._state("cache", shape)
        joined, past = f"joined_{number}", state
        if quantised:
            assert behind is not None
            scale = list(behind.input[1:])
            past = f"{state}_quantised"
            self._nodes.append(helper.make_node("QuantizeLinear", [state, *scale], [past]))
            source = behind.input[0]
        else:
            source = name
        self._nodes.append(helper.make_node("Concat", [past, source], [joined], axis=axis))
        bounds = [self._constant(f"{joined}_{what}", np.array([value], np.int64))
                  for what, value in (("first", -context), ("end", np.iinfo(np.int64).max),
                                      ("axis", axis))]  # fmt: skip
        out = self._states[-1].output
        kept = f"{out}_quantised" if quantised else out
        self._nodes.append(helper.make_node("Slice", [joined, *bounds], [kept]))
        if not quantised:
            return joined
        self._nodes.append(helper.make_node("DequantizeLinear", [kept, *scale], [out]))
        made = f"{joined}_real"
        self._nodes.append(helper.make_node("DequantizeLinear", [joined, *scale], [made]))
        return made

    def _recurrent(self, node: onnx.NodeProto) -> None:
        name = node.input[0]
        axis, per = self._time[name]
        if axis != (0 if attribute(node, "layout", 0) == 0 else 1):
            raise self._refused(node, "time is not its axis")
        if attribute(node, "direction", b"forward") != b"forward":
            raise self._refused(node, "it reads the sequence backwards too")
        if self._lead.get(name) or (len(node.input) > 4 and node.input[4]):
            raise self._refused(node, "its sequence is padded")
        count = 2 if node.op_type == "LSTM" else 1
        node.input.extend([""] * (5 + count - len(node.input)))
        node.output.extend([""] * (1 + count - len(node.output)))
        steps = self._seen[node.output[0]] if node.output[0] else None
        for i in range(count):
            self._check_zero(node, node.input[5 + i])
            last = node.output[1 + i]
            if last:
                shape = self._seen[last].shape
            else:
                assert steps is not None
                shape = steps.shape[1:] if axis == 0 else steps[:, 0].shape
            node.input[5 + i] = self._state("carried", shape)
            if last:
                self._states[-1] = _renamed(self._states[-1], last)
            else:
                node.output[1 + i] = self._states[-1].output
        self._nodes.append(node)
        if node.output[0]:
            self._time[node.output[0]] = (axis, per)

    def _mean(self, node: onnx.NodeProto) -> None:
        name = node.input[0]
        axis = self._time[name][0]
        if node.op_type == "GlobalAveragePool":
            axes, keep = list(range(2, self._seen[name].ndim)), 1
        else:
            axes = [int(a) % self._seen[name].ndim for a in self._values(node, 1, "axes")]
            keep = int(attribute(node, "keepdims", 1))
        if axes != [axis]:
            if axis not in axes and keep:
                self._keep(node, self._time[name])
                return
            raise self._refused(node, "it takes the mean over more than time")
        if self._lead.get(name):
            raise self._refused(node, "it takes the mean of padding")
        n = len(self._states)
        mean = self._state("mean", self._seen[node.output[0]].shape)
        mean_out = self._states[-1].output
        count = self._state("count", [1])
        count_out = self._states[-1].output
        along = self._constant(f"mean_{n}_axis", np.array([axis], np.int64))
        # mean += (sum of the new steps - mean * new) / (count + new): exact from the first step,
        # and the mean keeps its precision however long the stream.
        steps = [
            ("Shape", [name], f"mean_{n}_shape", {}),
            ("Gather", [f"mean_{n}_shape", along], f"mean_{n}_new", {}),
            ("Cast", [f"mean_{n}_new"], f"mean_{n}_new_real", {"to": onnx.TensorProto.FLOAT}),
            ("ReduceSum", [name, along], f"mean_{n}_sum", {"keepdims": keep}),
            ("Mul", [mean, f"mean_{n}_new_real"], f"mean_{n}_old", {}),
            ("Sub", [f"mean_{n}_sum", f"mean_{n}_old"], f"mean_{n}_more", {}),
            ("Add", [count, f"mean_{n}_new_real"], count_out, {}),
            ("Div", [f"mean_{n}_more", count_out], f"mean_{n}_change", {}),
            ("Add", [mean, f"mean_{n}_change"], mean_out, {}),
            ("Identity", [mean_out], node.output[0], {}),
        ]
        for kind, inputs, output, attributes in steps:
            self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def _state(self, kind: str, shape: Sequence[int]) -> str:
        """A new state; gives the tensor to read it from, zeros where it is not fed.

        Its default is one zero that is spread, so that a state costs no space in the file.
        """
        number = len(self._states)
        name = f"state_{number}_{kind}"
        sizes = [int(size) for size in shape]
        self._states.append(
            StateSpec(input=name, output=f"next_{number}_{kind}", shape=tuple(sizes))
        )
        axes = [f"{name}_axis_{i}" for i in range(len(sizes))]
        self._graph.input.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, axes))
        self._constant(name, np.zeros([1] * len(sizes), np.float32))
        spread = self._constant(f"{name}_shape", np.array(sizes, np.int64))
        self._nodes.append(helper.make_node("Expand", [name, spread], [f"{name}_whole"]))
        return f"{name}_whole"

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        self._graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def _check_zero(self, node: onnx.NodeProto, name: str) -> None:
        maker = self._makers.get(name)
        if not name or (maker is not None and not np.any(self._seen[name])):
            return
        if name in self._constants and not np.any(numpy_helper.to_array(self._constants[name])):
            return
        raise self._refused(node, "it does not start from zeros")


def _ordered(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes so that each comes after what it reads; the quantiser puts its own at the end."""
    makers = makers_of(graph.node)
    ordered: list[onnx.NodeProto] = []
    done: set[int] = set()
    for root in graph.node:
        waiting = [root]
        while waiting:
            node = waiting[-1]
            before = [makers[n] for n in node.input if n in makers and id(makers[n]) not in done]
            if before:
                waiting.extend(before)
                continue
            waiting.pop()
            if id(node) not in done:
                done.add(id(node))
                ordered.append(node)
    return ordered


def _renamed(state: StateSpec, output: str) -> StateSpec:
    return StateSpec(input=state.input, output=output, shape=state.shape)


def _set(node: onnx.NodeProto, name: str, value: Any) -> None:
    for old in list(node.attribute):
        if old.name == name:
            node.attribute.remove(old)
    node.attribute.append(helper.make_attribute(name, value))
