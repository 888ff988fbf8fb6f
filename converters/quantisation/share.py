"""What of an int8 graph stayed float: nodes, weights and multiply-accumulates."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx

from edge_sdk.bundle.manifest import FloatShare

from ..calibration.ranges import Calibration
from .macs import COMPUTE, MATMUL, RECURRENT, node_macs
from .weights import stored_scales


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
        if node.op_type in COMPUTE
        and (
            node.op_type in RECURRENT
            or not all(name in dequantised for name in list(node.input)[:2] if name)
        )
    ]
    total = sum(macs.values())
    weights = sum(_float_weights(graph).values())
    return FloatShare(
        nodes=dict(sorted(Counter(node.op_type for node in left).items())),
        weights=sum(_float_weights(int8).values()) / weights if weights else 0.0,
        macs=sum(macs.get(node.name.removesuffix(MATMUL), 0) for node in left) / total
        if total
        else 0.0,
    )


def parameter_count(graph: onnx.ModelProto) -> int:
    """The number of weights of a graph before quantisation."""
    return sum(_float_weights(graph).values())


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
