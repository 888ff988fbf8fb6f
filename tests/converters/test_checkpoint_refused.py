"""Checkpoints that are damaged, unsafe, or of another model: refused in one sentence."""

from __future__ import annotations

import json
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from edge_sdk.converters.checkpoint import read_checkpoint
from edge_sdk.converters.checkpoint.pt import save_pt
from edge_sdk.errors import CheckpointError


class _RunsCode:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.fixture
def folder(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the tiny checkpoint, to be harmed."""
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "folder"))


@pytest.fixture
def pt_file(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    """The tiny checkpoint as a ``.pt`` file, to be harmed."""
    save_pt(tmp_path / "it.pt", read_checkpoint(tiny_checkpoint))
    return tmp_path / "it.pt"


def refused(path: Path, match: str) -> None:
    with pytest.raises(CheckpointError, match=match) as caught:
        read_checkpoint(path)
    assert caught.value.exit_code == 7
    assert path.name in str(caught.value)


@pytest.mark.parametrize("save", [torch.save, lambda x, p: p.write_bytes(pickle.dumps(x))])
def test_a_pickle_that_would_run_code_is_refused_and_not_run(
    tmp_path: Path, save: Callable[[Any, Path], None]
) -> None:
    trace = tmp_path / "trace"
    bomb = {"config": _RunsCode(trace), "state": {}}
    path = tmp_path / "bomb.pt"
    save(bomb, path)
    refused(path, "damaged, or holds more than tensors|damaged: torch cannot read it")
    assert not trace.exists()
    # The bomb is live: unpickling it as code would leave the trace.
    pickle.loads(pickle.dumps(bomb))
    assert trace.exists()


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
def test_a_truncated_pt_file_is_refused(pt_file: Path, keep: int) -> None:
    pt_file.write_bytes(pt_file.read_bytes()[:keep])
    refused(pt_file, "damaged")


def test_a_garbled_pickle_is_never_more_than_a_checkpoint_error(pt_file: Path) -> None:
    with zipfile.ZipFile(pt_file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    target = next(name for name in members if name.endswith("data.pkl"))
    rng = random.Random(0)
    caught = 0
    for _ in range(60):
        content = bytearray(members[target])
        for _ in range(3):
            content[rng.randrange(len(content))] = rng.randrange(256)
        with zipfile.ZipFile(pt_file, "w") as archive:
            for name, value in members.items():
                archive.writestr(name, bytes(content) if name == target else value)
        try:
            read_checkpoint(pt_file)
        except CheckpointError:
            caught += 1
    assert caught > 30


@pytest.mark.parametrize("content", [[1, 2], {"state": {}}, {"config": {}}])
def test_a_pt_file_of_other_content_is_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "other.pt"
    torch.save(content, path)
    refused(path, "'config' and 'state'")


def test_a_state_that_is_no_mapping_of_tensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"config": {}, "state": {"a": 1}}, path)
    refused(path, "must map names to tensors")


@pytest.mark.parametrize("keep", [0, 7, 50, -1])
def test_truncated_safetensors_are_refused(folder: Path, keep: int) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    refused(folder, "model.safetensors is damaged")


def _change(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


def test_missing_weights_are_named(folder: Path) -> None:
    _change(folder, lambda weights: weights.pop("encoders.audio.embed.weight"))
    refused(folder, r"lacks 1 of the weights .*encoders\.audio\.embed\.weight")


def test_left_over_weights_are_named(folder: Path) -> None:
    _change(folder, lambda weights: weights.update({"extra.bias": torch.zeros(2)}))
    refused(folder, r"left over 1 of the weights .*extra\.bias")


def test_a_weight_of_another_shape_is_named(folder: Path) -> None:
    name = "encoders.audio.embed.weight"
    _change(folder, lambda weights: weights.update({name: weights[name][:, 1:].contiguous()}))
    refused(folder, rf"{name} .* has the shape \[12, 15\].* calls for \[12, 16\]")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_weight_that_is_no_number_is_named(folder: Path, value: float) -> None:
    name = "encoders.text.embed.bias"
    _change(folder, lambda weights: weights[name].view(-1)[1:2].fill_(value))
    refused(folder, f"{name} .* holds NaN or infinity")


def test_a_config_that_is_not_json_is_refused(folder: Path) -> None:
    (folder / "config.json").write_bytes(b'{"name": "tiny",')
    refused(folder, r"config\.json is not JSON")


def test_a_config_in_another_encoding_is_refused(folder: Path) -> None:
    (folder / "config.json").write_bytes('{"name": "tiny"}'.encode("utf-16"))
    refused(folder, r"config\.json is not JSON")


def _edit(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    config = json.loads((folder / "config.json").read_text())
    edit(config)
    (folder / "config.json").write_text(json.dumps(config))


def test_an_unknown_field_is_named_not_ignored(folder: Path) -> None:
    _edit(folder, lambda config: config["model"]["audio"].update(hiden=9))
    refused(folder, "hiden")


def test_a_field_out_of_range_is_named(folder: Path) -> None:
    _edit(folder, lambda config: config["model"]["audio"].update(hidden=0))
    refused(folder, "hidden")


def test_a_config_that_contradicts_itself_is_refused(folder: Path) -> None:
    _edit(folder, lambda config: config["frontends"].pop("text"))
    refused(folder, "'text' needs both a front-end and an encoder")


def test_a_config_of_another_width_does_not_fit_the_weights(folder: Path) -> None:
    _edit(folder, lambda config: config["model"]["text"].update(embedding=9))
    refused(folder, r"encoders\.text\.embed.*calls for \[9")


def test_a_model_too_large_to_build_is_refused(folder: Path) -> None:
    _edit(folder, lambda config: config["model"]["text"].update(hidden=10**12))
    refused(folder, "cannot be built")
