"""Multiply-accumulates of the nodes of a graph."""

from __future__ import annotations

import numpy as np
import onnx

from ..calibration.ranges import Calibration

RECURRENT = ("GRU", "LSTM", "RNN")
#: Operators that do the arithmetic: what a share of MACs is counted over.
COMPUTE = ("Conv", "ConvTranspose", "Gemm", "MatMul", *RECURRENT)
#: What ONNX Runtime's quantizer puts behind the name of a Gemm that it makes a MatMul.
MATMUL = "_MatMul"


def node_macs(node: onnx.NodeProto, graph: onnx.ModelProto, calibration: Calibration) -> int:
    """Multiply-accumulates of a node on the first calibration sample; 0 for what has none."""
    if node.op_type not in COMPUTE:
        return 0
    dims = {i.name: tuple(i.dims) for i in graph.graph.initializer}
    given = calibration.shapes.get(node.input[0], ())
    out = calibration.shapes.get(node.output[0] or node.output[-1], ())
    weight = dims.get(node.input[1]) or calibration.shapes.get(node.input[1], ())
    if not given or not out or not weight:
        return 0
    if node.op_type in RECURRENT:
        steps, recurrent = given[0] * given[1], dims.get(node.input[2], (0, 0, 0))
        return int(steps * weight[0] * weight[1] * (weight[2] + recurrent[2]))
    if node.op_type == "ConvTranspose":
        return int(np.prod(given) * np.prod(weight[1:]))
    if node.op_type == "Conv":
        return int(np.prod(out) * np.prod(weight[1:]))
    attributes = {a.name: a.i for a in node.attribute}
    inner: int = weight[-1] if attributes.get("transB") or len(weight) == 1 else weight[-2]
    return int(np.prod(out) * inner)
