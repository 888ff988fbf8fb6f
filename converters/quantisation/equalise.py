"""Cross-layer equalisation: channels of a layer scaled so that one range fits all of them.

Between two layers with nothing but positively homogeneous functions (``f(s x) = s f(x)``), a
channel can be divided by ``s`` in the first and multiplied by it in the second: the answers stay,
the ranges change (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
Correction", 2019). A bounded or curved function in between (ReLU6, hard-swish) is not homogeneous;
such pairs are left alone and named.
"""

from __future__ import annotations

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from .layers import layer_of

# Functions of one input that hold f(s x) = s f(x) for s > 0 and keep channels on axis 1.
_HOMOGENEOUS = (
    "Relu",
    "LeakyRelu",
    "Identity",
    "MaxPool",
    "AveragePool",
)
# Behind a mean over all places, these only take axes of length 1 away.
_FLAT = ("Flatten", "Reshape", "Squeeze")
_LAYERS = ("Conv", "Gemm")
# Scales of a channel are kept within this factor: a dead channel is no reason for a huge one.
_MOST = 1e4
# The scales of chains of layers settle in a few rounds.
_ROUNDS = 20


class Equalised(msgspec.Struct, frozen=True):
    """A graph that answers the same, and what was done to it.

    Attributes:
        graph: the graph.
        pairs: the names of the layers whose common channels were scaled.
        left: pairs that were left alone, with the operator in between or why.
    """

    graph: onnx.ModelProto
    pairs: tuple[tuple[str, str], ...]
    left: dict[tuple[str, str], str]


class _Weights:
    """The constants of a graph as arrays, written back at the end."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._given = {i.name: i for i in graph.initializer}
        self._readers: dict[str, int] = {}
        for node in graph.node:
            for name in node.input:
                self._readers[name] = self._readers.get(name, 0) + 1
        self._arrays: dict[str, NDArray[np.float64]] = {}

    def own(self, node: onnx.NodeProto) -> bool:
        """Whether weight and bias are float constants that no other node reads."""
        return all(
            name in self._given
            and self._readers[name] == 1
            and self._given[name].data_type == onnx.TensorProto.FLOAT
            for name in list(node.input)[1:3]
            if name
        )

    def integers(self, name: str) -> list[int] | None:
        """A constant of integers; None for anything else."""
        if name not in self._given:
            return None
        return [int(value) for value in numpy_helper.to_array(self._given[name])]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        if name not in self._arrays:
            self._arrays[name] = numpy_helper.to_array(self._given[name]).astype(np.float64)
        return self._arrays[name]

    def __setitem__(self, name: str, value: NDArray[np.float64]) -> None:
        self._arrays[name] = value

    def write(self) -> None:
        """Put the arrays into the graph."""
        for name, value in self._arrays.items():
            self._given[name].CopyFrom(numpy_helper.from_array(value.astype(np.float32), name))


def equalise(graph: onnx.ModelProto) -> Equalised:
    """A copy of a float graph with equalised channels wherever that changes no answer."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    weights = _Weights(copy.graph)
    pairs, left = _pairs(copy.graph, weights)
    for _ in range(_ROUNDS):
        if max((_scale(a, b, weights) for a, b in pairs), default=0.0) < 1e-3:
            break
    weights.write()
    return Equalised(copy, tuple((layer_of(a), layer_of(b)) for a, b in pairs), left)


def _pairs(
    graph: onnx.GraphProto, weights: _Weights
) -> tuple[list[tuple[onnx.NodeProto, onnx.NodeProto]], dict[tuple[str, str], str]]:
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    outputs = {value.name for value in graph.output}
    pairs, left = [], {}
    for first in graph.node:
        if first.op_type not in _LAYERS:
            continue
        node, why, pooled = first, "", False
        while True:
            following = readers.get(node.output[0], [])
            if node.output[0] in outputs or not following:
                break
            if len(following) > 1:
                # Only named where a layer follows directly: a branch has many ends.
                for second in following:
                    if second.op_type in _LAYERS:
                        left[layer_of(first), layer_of(second)] = "its input is read twice"
                break
            (node,) = following
            if node.op_type in _LAYERS:
                why = why or _unfit(first, node, weights)
                if why:
                    left[layer_of(first), layer_of(node)] = why
                else:
                    pairs.append((first, node))
                break
            pooled = _pools(node, first, weights) or (pooled and node.op_type in _FLAT)
            if not (pooled or _homogeneous(node)):
                if len(node.output) != 1 or node.op_type not in _CURVED:
                    break
                why = why or f"{node.op_type} in between is not homogeneous"
    return pairs, left


# What is looked through to name the pair that it keeps apart.
_CURVED = (
    "Clip",
    "HardSwish",
    "HardSigmoid",
    "Sigmoid",
    "Tanh",
    "Elu",
    "Selu",
    "Gelu",
    "Softplus",
    "Mish",
    "Erf",
)


def _homogeneous(node: onnx.NodeProto) -> bool:
    return node.op_type in _HOMOGENEOUS or _is_relu(node)


def _pools(node: onnx.NodeProto, first: onnx.NodeProto, weights: _Weights) -> bool:
    """Whether a node takes the mean or the maximum over places, and not over channels."""
    if node.op_type in ("GlobalAveragePool", "GlobalMaxPool"):
        return True
    if node.op_type not in ("ReduceMean", "ReduceMax") or first.op_type != "Conv":
        return False
    axes = next((list(a.ints) for a in node.attribute if a.name == "axes"), None)
    if axes is None and len(node.input) > 1:
        axes = weights.integers(node.input[1])
    rank = weights[first.input[1]].ndim
    return axes is not None and sorted(axis % rank for axis in axes) == list(range(2, rank))


def _is_relu(node: onnx.NodeProto) -> bool:
    return node.op_type == "Clip" and len([n for n in node.input if n]) == 2


def _unfit(first: onnx.NodeProto, second: onnx.NodeProto, weights: _Weights) -> str:
    if not (weights.own(first) and weights.own(second)):
        return "a weight is no constant of its own"
    if any(a.name in ("transA", "alpha", "beta") and _odd(a) for n in (first, second)
           for a in n.attribute):  # fmt: skip
        return "a Gemm with factors"
    given = weights[first.input[1]].shape[_out_axis(first)]
    taken = _channels(second, weights)
    if taken is None or taken != given:
        return "channels are grouped or rearranged in between"
    return ""


def _odd(attribute: onnx.AttributeProto) -> bool:
    return bool(attribute.i == 1 if attribute.name == "transA" else attribute.f != 1.0)


def _channels(node: onnx.NodeProto, weights: _Weights) -> int | None:
    """How many channels a layer reads; None for groups of more than one."""
    shape = weights[node.input[1]].shape
    groups = _attribute(node, "group", 1)
    if node.op_type == "Gemm" or groups == 1:
        return int(shape[_in_axis(node)])
    return groups if shape[0] == groups and shape[1] == 1 else None


def _attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((int(a.i) for a in node.attribute if a.name == name), default)


def _out_axis(node: onnx.NodeProto) -> int:
    return 1 if node.op_type == "Gemm" and not _attribute(node, "transB", 0) else 0


def _in_axis(node: onnx.NodeProto) -> int:
    """The axis of the weight that counts what is read; a depthwise one has its channels first."""
    if node.op_type == "Conv" and _attribute(node, "group", 1) > 1:
        return 0
    return 1 - _out_axis(node)


def _scale(first: onnx.NodeProto, second: onnx.NodeProto, weights: _Weights) -> float:
    """Scale one pair; gives by how much, as a logarithm."""
    mine, other = weights[first.input[1]], weights[second.input[1]]
    out, into = _out_axis(first), _in_axis(second)
    given, taken = _ranges(mine, out), _ranges(other, into)
    alive = (given > 0) & (taken > 0)
    factor = np.ones_like(given)
    factor[alive] = np.sqrt(given[alive] / taken[alive])
    factor = np.clip(factor, 1 / _MOST, _MOST)
    weights[first.input[1]] = mine / _along(factor, mine.ndim, out)
    if len(first.input) > 2 and first.input[2]:
        weights[first.input[2]] = weights[first.input[2]] / factor
    weights[second.input[1]] = other * _along(factor, other.ndim, into)
    return float(np.abs(np.log(factor)).max(initial=0.0))


def _ranges(weight: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    others = tuple(i for i in range(weight.ndim) if i != axis)
    result: NDArray[np.float64] = np.abs(weight).max(axis=others)
    return result


def _along(factor: NDArray[np.float64], ndim: int, axis: int) -> NDArray[np.float64]:
    return factor.reshape([-1 if i == axis else 1 for i in range(ndim)])
