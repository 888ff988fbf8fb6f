"""Writing a checkpoint: a folder that is either the old one or the whole new one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from torch import nn

from edge_sdk.errors import storage_errors
from edge_sdk.files import replacing

from .config import ModelConfig

WEIGHTS = "model.safetensors"
CONFIG = "config.json"


def encode_config(config: ModelConfig) -> bytes:
    """``config`` as indented JSON with a newline at the end; the same config, the same bytes."""
    return msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n"


def save_checkpoint(
    folder: str | Path,
    model: nn.Module,
    config: ModelConfig,
    *,
    extra: Mapping[str, bytes] | None = None,
) -> Path:
    """Write ``model.safetensors`` and ``config.json``, and the files of ``extra`` beside them.

    The folder is made aside and renamed into place; what stood there before is replaced as a
    whole. The same weights and config give the same bytes.

    Raises:
        StorageError: the folder cannot be written; what stood there before is unharmed.
    """
    from safetensors.torch import save  # whoever only reads names and paths needs no package

    folder = Path(folder)
    weights = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    files = {WEIGHTS: save(weights), CONFIG: encode_config(config), **(extra or {})}
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing(folder) as aside:
        aside.mkdir()
        for name, content in files.items():
            (aside / name).write_bytes(content)
    return folder
