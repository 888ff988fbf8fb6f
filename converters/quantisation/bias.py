"""Bias correction: the mean error of each layer's output in int8, taken out of its bias.

The empirical form (Nagel et al., 2019): layer by layer in the order they run, each measured with
those before it already corrected, on real samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from ..calibration.ranges import expose
from ..makers import makers_of
from ..reference import Reference
from .folding import counterparts
from .layers import layer_of

Feed = Mapping[str, NDArray[Any]]


class _Bias(msgspec.Struct, frozen=True):
    """A bias of an int8 graph: the layer, what it gives, its integers and their scales."""

    layer: str
    output: str
    axis: int
    codes: str
    scales: NDArray[np.float64]


def correct_bias(
    graph: onnx.ModelProto, int8: onnx.ModelProto, feeds: Sequence[Feed]
) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """A copy of ``int8`` with corrected biases, and the layers that were corrected.

    Args:
        graph: the fp32 graph that it was made of.
        int8: a QDQ graph; layers whose bias is an int32 constant are corrected, others not.
        feeds: real inputs.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(int8)
    exact_name = {new: old for old, new in counterparts(graph, copy).items()}
    found = [bias for bias in _biases(copy) if bias.output in exact_name]
    if not found or not feeds:
        return copy, ()
    same = [msgspec.structs.replace(bias, output=exact_name[bias.output]) for bias in found]
    exact = _means(Reference(expose(graph, [bias.output for bias in same])), same, feeds)
    codes = {i.name: i for i in copy.graph.initializer}
    corrected = []
    for bias in found:
        mean = _means(Reference(expose(copy, [bias.output])), [bias], feeds)[bias.output]
        change = np.rint((mean - exact[exact_name[bias.output]]) / bias.scales)
        if not change.any():
            continue
        constant = codes[bias.codes]
        values = numpy_helper.to_array(constant).astype(np.int64) - change.astype(np.int64)
        limits = np.iinfo(np.int32)
        moved = np.clip(values, limits.min, limits.max).astype(np.int32)
        constant.CopyFrom(numpy_helper.from_array(moved, bias.codes))
        corrected.append(bias.layer)
    return copy, tuple(corrected)


def _biases(graph: onnx.ModelProto) -> list[_Bias]:
    constants = {i.name: i for i in graph.graph.initializer}
    makers = makers_of(graph.graph.node)
    readers: dict[str, int] = {}
    for node in graph.graph.node:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1
    found = []
    for node in graph.graph.node:
        if node.op_type not in ("Conv", "Gemm") or len(node.input) < 3:
            continue
        dequantise = makers.get(node.input[2])
        if dequantise is None or dequantise.op_type != "DequantizeLinear":
            continue
        codes, scale = constants.get(dequantise.input[0]), constants.get(dequantise.input[1])
        if codes is None or scale is None or codes.data_type != onnx.TensorProto.INT32:
            continue
        # Equal constants are one constant: a bias that layers share is left as it is.
        if readers[codes.name] > 1:
            continue
        scales = numpy_helper.to_array(scale).astype(np.float64)
        axis = 1 if node.op_type == "Conv" else -1
        found.append(_Bias(layer_of(node), node.output[0], axis, codes.name, scales))
    return found


def _means(
    runner: Reference, biases: Sequence[_Bias], feeds: Sequence[Feed]
) -> dict[str, NDArray[np.float64]]:
    """The mean of each output over samples and places, one a channel; every sample weighs alike."""
    sums: dict[str, NDArray[np.float64]] = {}
    for feed in feeds:
        given = runner.run(feed)
        for bias in biases:
            value = np.moveaxis(given[bias.output].astype(np.float64), bias.axis, -1)
            mean = value.reshape(-1, value.shape[-1]).mean(axis=0)
            sums[bias.output] = sums.get(bias.output, 0.0) + mean
    return {name: total / len(feeds) for name, total in sums.items()}
