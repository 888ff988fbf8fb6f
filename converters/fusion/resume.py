"""The state of a training on disk, so that a killed one goes on where its last epoch ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from edge_sdk.errors import CheckpointError, storage_errors
from edge_sdk.files import replacing


def write_state(path: Path, fits: str, state: dict[str, Any]) -> None:
    """Replace ``path`` by ``state``: tensors, numbers, texts, lists and dicts of them.

    Args:
        fits: what the state is of, as a text; :func:`read_state` asks for the same.

    Raises:
        StorageError: it cannot be written; what stood there before is unharmed.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside:
        torch.save({"fits": fits, "state": state}, aside)


def read_state(path: Path, fits: str) -> dict[str, Any]:
    """What :func:`write_state` wrote; loaded without code.

    Raises:
        CheckpointError: it is damaged, or of something else than ``fits``.
    """
    try:
        held = torch.load(path, weights_only=True)
        found, state = held["fits"], held["state"]
    except Exception as error:  # a torn file makes the unpickler raise anything
        raise CheckpointError(
            f"The training state {path} is damaged ({type(error).__name__}); remove it to start "
            "anew."
        ) from error
    if found != fits:
        raise CheckpointError(
            f"The training state {path} is of another model or configuration; remove it, or name "
            "another."
        )
    result: dict[str, Any] = state
    return result
