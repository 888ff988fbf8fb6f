"""Checkpoints of every format come down to the same config, weights and digest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from edge_sdk.converters.checkpoint import read_checkpoint
from edge_sdk.converters.checkpoint.pt import save_pt
from edge_sdk.errors import CheckpointError, StorageError


def test_a_pt_file_is_the_same_checkpoint_as_the_folder(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    folder = read_checkpoint(tiny_checkpoint)
    save_pt(tmp_path / "tiny.pt", folder)
    file = read_checkpoint(tmp_path / "tiny.pt")
    assert file.config == folder.config
    assert file.digest == folder.digest
    wanted, got = folder.model.state_dict(), file.model.state_dict()
    assert all(torch.equal(got[name], value) for name, value in wanted.items())
    assert not file.model.training


def test_a_changed_weight_is_another_digest(tiny_checkpoint: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_checkpoint, other)
    weights = load_file(other / "model.safetensors")
    name = next(n for n, value in weights.items() if value.is_floating_point())
    weights[name] = weights[name] + 1e-3
    save_file(weights, other / "model.safetensors")
    assert read_checkpoint(other).digest != read_checkpoint(tiny_checkpoint).digest


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_are_read(
    tiny_checkpoint: Path, tmp_path: Path, dtype: torch.dtype
) -> None:
    half = tmp_path / "half"
    shutil.copytree(tiny_checkpoint, half)
    weights = load_file(half / "model.safetensors")
    rounded = {n: v.to(dtype) if v.is_floating_point() else v for n, v in weights.items()}
    save_file(rounded, half / "model.safetensors")
    state = read_checkpoint(half).model.state_dict()
    for name, value in weights.items():
        if value.is_floating_point():
            assert state[name].dtype == torch.float32
            assert torch.equal(state[name], value.to(dtype).float())


def test_an_unknown_format_lists_the_known_ones(tmp_path: Path) -> None:
    strange = tmp_path / "model.h5"
    strange.write_bytes(b"\x89HDF")
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(strange)
    sentence = str(caught.value)
    assert "model.h5" in sentence
    assert ".pt file" in sentence
    assert "model.safetensors" in sentence


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"There is no checkpoint at .*nowhere"):
        read_checkpoint(tmp_path / "nowhere")


def test_an_empty_folder_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a checkpoint of a known format"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_half_a_folder_says_what_it_lacks(tiny_checkpoint: Path, tmp_path: Path, name: str) -> None:
    half = tmp_path / "half"
    shutil.copytree(tiny_checkpoint, half)
    (half / name).unlink()
    with pytest.raises(CheckpointError, match=f"lacks {name}"):
        read_checkpoint(half)


def test_saving_into_a_missing_folder_is_a_storage_error(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match="folder does not exist"):
        save_pt(tmp_path / "none" / "tiny.pt", read_checkpoint(tiny_checkpoint))
