"""Dynamic int8: products of matrices in int8 with the scale of each input found when it comes.

Needs no calibration and follows inputs whose range varies. For ONNX Runtime only MatMul and Gemm
with constant weights: its dynamic convolution (ConvInteger) takes several times as long as fp32.
Convolutions, embeddings and recurrent layers keep int8 weights and compute in floating point.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path
from tempfile import gettempdir

import onnx
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.onnx_quantizer import ONNXQuantizer
from onnxruntime.quantization.quant_utils import QuantizationMode

from edge_sdk.errors import storage_errors
from edge_sdk.targets import Int8Scheme

from ..export.naming import canonical
from .compact import compact
from .layers import nodes_of
from .macs import MATMUL
from .operators import CONSTANT, STORED
from .weights import store_weights

_PRODUCTS = ("Gemm", "MatMul")


def quantise_dynamic(
    graph: onnx.ModelProto, scheme: Int8Scheme, *, keep: Collection[str] = ()
) -> onnx.ModelProto:
    """``graph`` with dynamic products and stored weights.

    Args:
        graph: an fp32 graph.
        scheme: ``per_channel`` and ``reduce_range`` hold for the weights; the inputs are uint8.
        keep: layers that stay float, by name.

    Raises:
        UsageError: there is no layer of a name in ``keep``.
        StorageError: the temporary folder is full or cannot be written.
    """
    # It makes a Gemm a MatMul of this name and an Add before it looks at what to leave alone.
    excluded = [name + end for name in nodes_of(graph, keep) for end in ("", MATMUL)]
    level = logging.root.level
    logging.disable(logging.WARNING)
    try:
        with storage_errors(Path(gettempdir())):
            quantizer = ONNXQuantizer(
                # Without shape notes: it turns weights of a Gemm round and would find them wrong.
                compact(graph),
                scheme.per_channel,
                scheme.reduce_range,
                QuantizationMode.IntegerOps,
                False,
                QuantType.QInt8,
                QuantType.QUInt8,
                None,
                [],
                excluded,
                list(_PRODUCTS),
                {"MatMulConstBOnly": True, "WeightSymmetric": True},
            )
            quantizer.quantize_model()
    finally:
        logging.disable(logging.NOTSET)
        logging.root.setLevel(level)
    made = store_weights(quantizer.model.model, {**STORED, **CONSTANT}, keep)
    return compact(canonical(made))
