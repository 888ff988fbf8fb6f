"""Static int8 in QDQ form: scales from calibration, the scheme from the target's instructions."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from edge_sdk.errors import storage_errors
from edge_sdk.targets import Int8Scheme

from ..calibration.ranges import Calibration
from ..export.naming import canonical
from .compact import compact
from .ends import float_ends
from .folding import CUTTING, foldable
from .layers import nodes_of
from .operators import QUANTISED, STORED
from .weights import store_weights

_TYPES = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}


def quantise(
    graph: onnx.ModelProto,
    calibration: Calibration,
    scheme: Int8Scheme,
    *,
    operators: Sequence[str] = QUANTISED,
    quantise_bias: bool = True,
    float_outputs: bool = False,
    recurrent_weights: bool = False,
    keep: Collection[str] = (),
) -> onnx.ModelProto:
    """``graph`` with quantise/dequantise pairs around ``operators``.

    ReLU and clipping behind a layer become the limits of its range (:mod:`.folding`). Operators
    without an int8 form (a GRU) compute in floating point; :func:`.share.float_share`
    says which.

    Args:
        graph: an fp32 graph.
        calibration: the ranges of its activations.
        scheme: how int8 is laid out.
        operators: the operators to quantise.
        quantise_bias: biases as int32; else they stay float.
        float_outputs: quantise the inputs of ``operators`` alone, so that an engine can fuse
            the function behind one into its kernel.
        recurrent_weights: store the weights of recurrent layers as int8.
        keep: layers that stay float, by name.

    Raises:
        UsageError: there is no layer of a name in ``keep``.
        StorageError: the temporary folder is full or cannot be written.
    """
    ranges = {
        name: (np.float32(low), np.float32(high))
        for name, (low, high) in calibration.ranges.items()
    }
    excluded = nodes_of(graph, keep)
    # Zero is the middle of a symmetric range: there, and behind float outputs, nothing folds.
    if not (scheme.symmetric_activation or float_outputs):
        folded = {node.name for node in foldable(graph, operators).values()}
        cutting = [node.name for node in graph.graph.node if node.op_type in CUTTING]
        excluded += [name for name in cutting if name not in folded]
        operators = (*operators, *CUTTING)
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
                excluded,
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
    made = float_ends(quantizer.model.model)
    if recurrent_weights:
        made = store_weights(made, STORED, keep)
    return compact(canonical(made))
