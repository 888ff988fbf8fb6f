"""What a graph computes and what of it stayed float: multiply-accumulates and weights."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx

from edge_sdk.bundle.manifest import FloatShare

from ..calibration.ranges import Calibration
from .weights import stored_scales

# Operators that do the arithmetic: what a share of MACs is counted over.
_RECURRENT = ("GRU", "LSTM", "RNN")
_COMPUTE = ("Conv", "ConvTranspose", "Gemm", "MatMul", *_RECURRENT)


def float_share(
    graph: onnx.ModelProto, int8: onnx.ModelProto, calibration: Calibration
) -> FloatShare:
    """What of ``graph`` is still floating point in its quantised form ``int8``."""
    macs = {node.name: node_macs(node, graph, calibration) for node in graph.graph.node}
    dequantised = {
        output for n in int8.graph.node if n.op_type == "DequantizeLinear" for output in n.output
    }
    # A recurrent layer computes in floating point, however its weights are stored.
    left = [
        node
        for node in int8.graph.node
        if node.op_type in _COMPUTE
        and (
            node.op_type in _RECURRENT
            or not all(name in dequantised for name in list(node.input)[:2] if name)
        )
    ]
    total = sum(macs.values())
    weights = sum(_float_weights(graph).values())
    return FloatShare(
        nodes=dict(sorted(Counter(node.op_type for node in left).items())),
        weights=sum(_float_weights(int8).values()) / weights if weights else 0.0,
        macs=sum(macs.get(node.name, 0) for node in left) / total if total else 0.0,
    )


def parameter_count(graph: onnx.ModelProto) -> int:
    """The number of weights of a graph before quantisation."""
    return sum(_float_weights(graph).values())


def node_macs(node: onnx.NodeProto, graph: onnx.ModelProto, calibration: Calibration) -> int:
    """Multiply-accumulates of a node on the first calibration sample; 0 for what has none."""
    if node.op_type not in _COMPUTE:
        return 0
    dims = {i.name: tuple(i.dims) for i in graph.graph.initializer}
    given = calibration.shapes.get(node.input[0], ())
    out = calibration.shapes.get(node.output[0] or node.output[-1], ())
    weight = dims.get(node.input[1]) or calibration.shapes.get(node.input[1], ())
    if not given or not out or not weight:
        return 0
    if node.op_type in _RECURRENT:
        steps, recurrent = given[0] * given[1], dims.get(node.input[2], (0, 0, 0))
        return int(steps * weight[0] * weight[1] * (weight[2] + recurrent[2]))
    if node.op_type == "ConvTranspose":
        return int(np.prod(given) * np.prod(weight[1:]))
    if node.op_type == "Conv":
        return int(np.prod(out) * np.prod(weight[1:]))
    attributes = {a.name: a.i for a in node.attribute}
    inner: int = weight[-1] if attributes.get("transB") or len(weight) == 1 else weight[-2]
    return int(np.prod(out) * inner)


def _float_weights(graph: onnx.ModelProto) -> dict[str, int]:
    """Elements of the float initializers that are weights, by name (scales are not)."""
    scales = {
        node.input[1]
        for node in graph.graph.node
        if node.op_type in ("QuantizeLinear", "DequantizeLinear")
    } | stored_scales(graph)
    return {
        i.name: int(np.prod(i.dims))
        for i in graph.graph.initializer
        if i.data_type == onnx.TensorProto.FLOAT and i.name not in scales
    }
