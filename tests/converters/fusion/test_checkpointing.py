"""Checkpoints: same bytes for the same model, all or nothing on disk."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from edge_sdk.converters.fusion.checkpointing import save_checkpoint
from edge_sdk.converters.fusion.config import ModelConfig
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.errors import StorageError

from .conftest import tiny


def test_a_checkpoint_reads_back_and_repeats_its_bytes(tmp_path: Path) -> None:
    config = tiny()
    model = FusionModel(config, seed=2)
    one = save_checkpoint(tmp_path / "one", model, config, extra={"card.md": b"hello"})
    two = save_checkpoint(tmp_path / "two", FusionModel(config, seed=2), config)
    assert sorted(p.name for p in one.iterdir()) == ["card.md", "config.json", "model.safetensors"]
    for name in ("config.json", "model.safetensors"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    assert msgspec.json.decode((one / "config.json").read_bytes(), type=ModelConfig) == config
    again = FusionModel(config, seed=9)
    again.load_state_dict(load_file(one / "model.safetensors"))
    assert all(
        torch.equal(a, b) for a, b in zip(again.parameters(), model.parameters(), strict=True)
    )


def test_a_failed_write_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny()
    folder = save_checkpoint(tmp_path / "it", FusionModel(config, seed=1), config)
    before = (folder / "model.safetensors").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="no room left"):
        save_checkpoint(folder, FusionModel(config, seed=3), config)
    assert (folder / "model.safetensors").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["it"]


def test_saving_replaces_the_whole_folder(tmp_path: Path) -> None:
    config = tiny()
    save_checkpoint(tmp_path / "it", FusionModel(config), config, extra={"old.txt": b""})
    folder = save_checkpoint(tmp_path / "it", FusionModel(config, seed=1), config)
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "model.safetensors"]
