"""Inputs are held against the graph's own declaration before an engine sees them."""

from __future__ import annotations

import numpy as np

from edge_sdk.bundle.manifest import TensorSpec
from edge_sdk.errors import InputError

from .protocol import Tensors


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
        fits = (
            isinstance(value, np.ndarray)
            and value.dtype == spec.dtype
            and value.ndim == len(spec.shape)
            and all(
                isinstance(w, str) or w == h for w, h in zip(spec.shape, value.shape, strict=True)
            )
        )
        if not fits:
            got = f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else value
            raise InputError(
                f"The input {spec.name} must be {spec.dtype} {list(spec.shape)}, not {got}."
            )
