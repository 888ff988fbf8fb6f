"""Writing a checkpoint: a folder that is either the old one or the whole new one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
from safetensors.torch import save
from torch import nn

from edge_sdk.errors import storage_errors

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
    folder = Path(folder)
    weights = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    files = {WEIGHTS: save(weights), CONFIG: encode_config(config), **(extra or {})}
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            fresh = aside / "new"
            fresh.mkdir()
            for name, content in files.items():
                with (fresh / name).open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            if folder.exists():
                folder.rename(aside / "old")
            fresh.rename(folder)
        finally:
            # killed between the two renames, the old folder is still there, under the aside name
            if not folder.exists() and (aside / "old").exists():
                (aside / "old").rename(folder)
            shutil.rmtree(aside, ignore_errors=True)
    return folder
