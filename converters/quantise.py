"""Static int8 in QDQ form: scales from calibration, the scheme from the target's instructions."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from edge_sdk.bundle.manifest import FloatShare
from edge_sdk.errors import storage_errors
from edge_sdk.targets import Int8Scheme

from .calibration.ranges import Calibration
from .export.naming import canonical

# Operators with weights or products; element-wise ones in between stay in int8 by themselves.
QUANTISED = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Gather", "Add", "Concat")
# Operators that do the arithmetic: what a share of MACs is counted over.
_COMPUTE = ("Conv", "ConvTranspose", "Gemm", "MatMul", "GRU", "LSTM", "RNN")
_TYPES = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}


def quantise(
    graph: onnx.ModelProto,
    calibration: Calibration,
    scheme: Int8Scheme,
    *,
    operators: Sequence[str] = QUANTISED,
    quantise_bias: bool = True,
    float_outputs: bool = False,
) -> onnx.ModelProto:
    """``graph`` with quantise/dequantise pairs around ``operators``.

    Operators without an int8 form (a GRU) stay float; :func:`float_share` says which.

    Args:
        graph: an fp32 graph.
        calibration: the ranges of its activations.
        scheme: how int8 is laid out.
        operators: the operators to quantise.
        quantise_bias: biases as int32; else they stay float.
        float_outputs: quantise the inputs of ``operators`` alone, so that an engine can fuse
            the function behind one into its kernel.

    Raises:
        StorageError: the temporary folder is full or cannot be written.
    """
    ranges = {
        name: (np.float32(low), np.float32(high))
        for name, (low, high) in calibration.ranges.items()
    }
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    # It advises, for every graph, to optimise it first; the exporter already has.
    level = logging.root.level
    logging.disable(logging.WARNING)
    try:
        # It passes the graph through files in the temporary folder.
        with storage_errors(Path(gettempdir())):
            quantizer = QDQQuantizer(
                copy,
                scheme.per_channel,
                scheme.reduce_range,
                QuantType.QInt8,
                _TYPES[scheme.activation],
                TensorsData(CalibrationMethod.MinMax, ranges),
                [],
                [],
                list(operators),
                {
                    "ActivationSymmetric": scheme.symmetric_activation,
                    "WeightSymmetric": True,
                    "QuantizeBias": quantise_bias,
                    "OpTypesToExcludeOutputQuantization": list(operators) if float_outputs else [],
                },
            )
            quantizer.quantize_model()
    finally:
        logging.disable(logging.NOTSET)
        logging.root.setLevel(level)
    return canonical(quantizer.model.model)


def float_share(
    graph: onnx.ModelProto, int8: onnx.ModelProto, calibration: Calibration
) -> FloatShare:
    """What of ``graph`` is still floating point in its quantised form ``int8``."""
    macs = {node.name: node_macs(node, graph, calibration) for node in graph.graph.node}
    dequantised = {
        output for n in int8.graph.node if n.op_type == "DequantizeLinear" for output in n.output
    }
    left = [
        node
        for node in int8.graph.node
        if node.op_type in _COMPUTE
        and not all(name in dequantised for name in list(node.input)[:2] if name)
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
    if node.op_type in ("GRU", "LSTM", "RNN"):
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
    }
    return {
        i.name: int(np.prod(i.dims))
        for i in graph.graph.initializer
        if i.data_type == onnx.TensorProto.FLOAT and i.name not in scales
    }
