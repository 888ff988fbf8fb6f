"""What every checkpoint format comes down to: a config, weights, and their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from edge_sdk.errors import CheckpointError

from ..fusion.config import ModelConfig
from ..fusion.model import FusionModel


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A loaded checkpoint; ``digest`` is the SHA-256 (hex) of config and weights."""

    config: ModelConfig
    model: FusionModel
    digest: str


def build(config: Any, weights: Mapping[str, Tensor], path: Path) -> Checkpoint:
    """The model that ``config`` (decoded JSON) describes, with ``weights`` in place.

    Raises:
        CheckpointError: the config is malformed, weights are missing, left over or of another
            shape, or hold NaN.
    """
    try:
        parsed = msgspec.convert(config, ModelConfig)
    except msgspec.ValidationError as error:
        raise CheckpointError(
            f"The config of {path} does not describe a model: {error}."
        ) from error
    try:
        model = FusionModel(parsed)
    except (RuntimeError, ValueError, MemoryError) as error:
        raise CheckpointError(f"The model that {path} describes cannot be built.") from error
    wanted = model.state_dict()
    _check_names(set(wanted), set(weights), path)
    for name in sorted(wanted):
        if wanted[name].shape != weights[name].shape:
            raise CheckpointError(
                f"The weight {name} in {path} has the shape {list(weights[name].shape)}; "
                f"its config calls for {list(wanted[name].shape)}."
            )
        if not torch.isfinite(weights[name]).all():
            raise CheckpointError(f"The weight {name} in {path} holds NaN or infinity.")
    model.load_state_dict(dict(weights))
    return Checkpoint(config=parsed, model=model.eval(), digest=digest_of(parsed, weights))


def _check_names(wanted: set[str], found: set[str], path: Path) -> None:
    for names, verb in ((wanted - found, "lacks"), (found - wanted, "has left over")):
        if names:
            listed = ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
            raise CheckpointError(
                f"{path} {verb} {len(names)} of the weights its config calls for ({listed}): "
                "config and weights are of different models."
            )


def digest_of(config: ModelConfig, weights: Mapping[str, Tensor]) -> str:
    """SHA-256 (hex) over a config and its weights."""
    total = hashlib.sha256(msgspec.json.encode(config, order="sorted"))
    for name in sorted(weights):
        tensor = weights[name].detach().contiguous()
        total.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        # As bytes: numpy has no bfloat16.
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()
