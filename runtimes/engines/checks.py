"""Inputs are held against the graph's own declaration before an engine sees them."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_sdk.bundle.manifest import TensorSpec
from edge_sdk.errors import InputError

from .protocol import Tensors

_DTYPES = {name: np.dtype(name) for name in ("float32", "int64", "int32", "uint8", "int8", "bool")}


def check_inputs(specs: tuple[TensorSpec, ...], inputs: Tensors) -> None:
    """Refuse inputs that a graph with these ``specs`` does not take.

    Raises:
        InputError: an input is missing, unknown, or of another rank, dtype or fixed length.
    """
    if len(inputs) != len(specs) or any(spec.name not in inputs for spec in specs):
        wanted = ", ".join(spec.name for spec in specs)
        raise InputError(f"The graph takes the inputs {wanted}, not {', '.join(inputs) or 'none'}.")
    for spec in specs:
        value = inputs[spec.name]
        if not _fits(spec, value):
            got = f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else value
            raise InputError(
                f"The input {spec.name} must be {spec.dtype} {list(spec.shape)}, not {got}."
            )


def _fits(spec: TensorSpec, value: Any) -> bool:
    # On the way of every inference: plain loops, and no dtype made from its name.
    if not isinstance(value, np.ndarray) or value.ndim != len(spec.shape):
        return False
    for wanted, got in zip(spec.shape, value.shape, strict=True):
        if wanted != got and not isinstance(wanted, str):
            return False
    return bool(value.dtype == _DTYPES.get(spec.dtype, spec.dtype))
