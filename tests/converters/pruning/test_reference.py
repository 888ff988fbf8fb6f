"""The reference architectures: every kind is pruned whole, and within its budget."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edge_sdk.converters.checkpoint import read_checkpoint
from edge_sdk.converters.export.onnx import export_onnx
from edge_sdk.converters.parts import PartSpec
from edge_sdk.converters.pruning import save_pruned
from edge_sdk.converters.source import from_checkpoint

from ..fusion.conftest import tiny
from .conftest import halved, outputs, reference

KINDS = [
    {"audio": "gru", "text": "gru", "video": "mean", "fusion": "concat"},
    {"audio": "tcn", "text": "transformer", "video": "gru", "fusion": "attention"},
    {"audio": "gru", "text": "transformer", "video": None, "fusion": "weighted"},
]


@pytest.mark.parametrize("kinds", KINDS, ids=lambda kinds: kinds["fusion"])
@pytest.mark.parametrize("keep", [True, False], ids=["kept", "pruned"])
def test_every_layer_of_every_kind_is_pruned(kinds: dict[str, str | None], keep: bool) -> None:
    source = reference(tiny(**kinds))  # type: ignore[arg-type]
    found = halved(source, keep_embeddings=keep)
    assert found.report.difference < 1e-4
    reasons = {kept.why for kept in found.report.kept}
    answers = "is what the model answers"
    assert reasons == ({answers, "is the part's embedding, whose width is kept"} if keep
                       else {answers})  # fmt: skip
    for before, after in zip(source.parts, found.source.parts, strict=True):
        assert after.module is not None
        if after.name != "head":
            assert (width_of(after) == width_of(before)) is keep
    assert found.report.macs[1] < 0.6 * found.report.macs[0]


def width_of(spec: PartSpec) -> int:
    assert spec.module is not None
    with torch.no_grad():
        return int(spec.module(*spec.example).shape[-1])


def test_a_pruned_encoder_fits_the_unpruned_head() -> None:
    source = reference(tiny())
    found = halved(source, parts={"audio": 0.5})
    spec = found.source.parts[0]
    assert spec.module is not None
    with torch.no_grad():
        embedding = spec.module(*spec.example)
    head = source.parts[-1]
    example = (embedding, *head.example[1:])
    assert outputs(source, *example).shape == (1, 3)
    changes = {p.name: p.macs[1] < p.macs[0] for p in found.report.parts}
    assert changes == {"audio": True, "image": False, "text": False, "head": False}


@pytest.mark.parametrize("share", [0.75, 0.5, 0.3])
def test_a_budget_of_multiply_accumulates_is_hit(share: float) -> None:
    source = reference(tiny())
    before, after = halved(source, macs=share, normalise="mean").report.macs
    assert share - 0.08 <= after / before <= share


def test_widths_go_in_blocks() -> None:
    found = halved(reference(tiny()), round_to=4)
    assert {g.after % 4 for g in found.report.groups if g.before >= 16} == {0}


def test_a_pruned_checkpoint_is_read_again_and_exported(tmp_path: Path) -> None:
    source = reference(tiny(text="transformer", fusion="attention"))
    found = halved(source, keep_embeddings=False)
    again = from_checkpoint(read_checkpoint(save_pruned(tmp_path / "pruned", found)))
    assert again.digest == found.source.digest
    example = found.source.parts[-1].example
    assert torch.equal(outputs(again, *example), outputs(found.source, *example))
    # Attention over heads of which some have gone, at every length.
    export_onnx(again.parts[2])
    # And pruned again: the shapes of both turns are in one record.
    twice = halved(again)
    third = read_checkpoint(save_pruned(tmp_path / "twice", twice))
    assert third.digest == twice.source.digest
    assert twice.report.macs[1] < found.report.macs[1]
