"""Which operators of a TFLite graph become what: the recipes, as data."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

TflitePrecision = Literal["fp16", "int8-dynamic", "int8"]
How = Literal["static", "dynamic", "fp16"]

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D_TRANSPOSE")
_MATRICES = ("FULLY_CONNECTED", "EMBEDDING_LOOKUP")
# What may stand between two convolutions and then stays in int8 with them.
_BETWEEN = ("PAD", "PADV2", "TRANSPOSE", "RESHAPE", "ADD", "CONCATENATION", "MAX_POOL_2D")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Some operators and what becomes of them.

    Attributes:
        operators: names as the quantizer has them.
        how: ``static`` computes in int8 with calibrated ranges; ``dynamic`` keeps int8 weights and
            scales each input when it comes; ``fp16`` stores weights in half precision.
        before_convolution: only those whose result reaches a convolution by way of others of
            this rule. Rounding what leads elsewhere costs accuracy and saves nothing.
    """

    operators: tuple[str, ...]
    how: How
    before_convolution: bool = False


RECIPES: dict[TflitePrecision, tuple[Rule, ...]] = {
    "fp16": (Rule(operators=(*_CONVOLUTIONS, *_MATRICES), how="fp16"),),
    "int8-dynamic": (Rule(operators=(*_CONVOLUTIONS, *_MATRICES), how="dynamic"),),
    "int8": (
        Rule(operators=_CONVOLUTIONS, how="static"),
        Rule(operators=_BETWEEN, how="static", before_convolution=True),
        Rule(operators=_MATRICES, how="dynamic"),
    ),
}


def entry(operator: str, how: How, scope: str = ".*") -> dict[str, Any]:
    """A rule for one operator in the quantizer's own form; ``scope`` matches output names."""
    weights: dict[str, Any] = {
        "num_bits": 16 if how == "fp16" else 8,
        "symmetric": True,
        "granularity": "TENSORWISE" if how == "fp16" else "CHANNELWISE",
        "dtype": "FLOAT" if how == "fp16" else "INT",
    }
    config: dict[str, Any] = {
        "weight_tensor_config": weights,
        "compute_precision": "FLOAT" if how == "fp16" else "INTEGER",
        "explicit_dequantize": how == "fp16",
    }
    if how == "static":
        config["activation_tensor_config"] = {
            "num_bits": 8,
            "symmetric": False,
            "granularity": "TENSORWISE",
            "dtype": "INT",
        }
    return {
        "regex": scope,
        "operation": operator,
        "algorithm_key": "float_casting" if how == "fp16" else "min_max_uniform_quantize",
        "op_config": config,
    }
