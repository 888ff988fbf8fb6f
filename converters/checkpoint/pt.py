"""``.pt`` files: ``{"config": ..., "state": ...}`` saved by torch, loaded without any code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from edge_sdk.errors import CheckpointError
from edge_sdk.files import replacing

from .content import Checkpoint, build


def load_plain(path: Path, wanted: str) -> Any:
    """What a torch file holds, as long as that is tensors and plain data.

    ``wanted`` says, in the sentence of a refusal, what to save instead.

    Raises:
        CheckpointError: the file is damaged, or would run code.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} is damaged, or holds more than tensors and plain data (loading it could run "
            f"code), and is refused; save {wanted}."
        ) from error
    except Exception as error:  # a damaged pickle makes torch raise almost anything
        raise CheckpointError(f"{path} is damaged: torch cannot read it.") from error


class PtReader:
    """Reads ``.pt`` and ``.pth`` with ``weights_only=True``."""

    description = "a .pt file with 'config' and 'state'"

    def matches(self, path: Path) -> bool:
        """A file called ``*.pt`` or ``*.pth``."""
        return path.is_file() and path.suffix in (".pt", ".pth")

    def read(self, path: Path) -> Checkpoint:
        """Read the file; a pickle that would run code is refused, not run."""
        content = load_plain(path, "{'config': ..., 'state': model.state_dict()}")
        if not isinstance(content, dict) or not {"config", "state"} <= content.keys():
            raise CheckpointError(
                f"{path} must hold a dictionary with 'config' and 'state'; see the README, "
                "'Checkpoints'."
            )
        state = content["state"]
        if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
            raise CheckpointError(f"'state' in {path} must map names to tensors.")
        return build(content["config"], state, path)


def save_pt(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint as a ``.pt`` file.

    Raises:
        StorageError: the file cannot be written.
    """
    content = {
        "config": msgspec.to_builtins(checkpoint.config),
        "state": checkpoint.model.state_dict(),
    }
    with replacing(Path(path)) as aside:
        torch.save(content, aside)
