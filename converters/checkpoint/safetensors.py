"""Folders with ``model.safetensors`` and ``config.json``: plain data, no pickle."""

from __future__ import annotations

from pathlib import Path

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load

from edge_sdk.errors import CheckpointError

from ..fusion.checkpointing import CONFIG, WEIGHTS
from .content import Checkpoint, build


class SafetensorsReader:
    """Reads a checkpoint folder."""

    description = f"a folder with {WEIGHTS} and {CONFIG}"

    def matches(self, path: Path) -> bool:
        """A folder with the weights or the config in it."""
        return path.is_dir() and any((path / name).is_file() for name in (WEIGHTS, CONFIG))

    def read(self, path: Path) -> Checkpoint:
        """Read the folder."""
        for name in (WEIGHTS, CONFIG):
            if not (path / name).is_file():
                raise CheckpointError(f"The checkpoint folder {path} lacks {name}.")
        try:
            config = msgspec.json.decode((path / CONFIG).read_bytes())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CheckpointError(f"{path / CONFIG} is not JSON: {error}.") from error
        try:
            weights = load((path / WEIGHTS).read_bytes())
        except SafetensorError as error:
            raise CheckpointError(f"{path / WEIGHTS} is damaged: {error}.") from error
        return build(config, weights, path)
