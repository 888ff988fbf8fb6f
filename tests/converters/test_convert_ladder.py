"""Ladders from a conversion: every rung has its graphs, what it loses, and golden values."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from edge_sdk import Bundle, load_target
from edge_sdk.errors import BudgetError, UsageError
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.parts import LoadedParts
from edge_sdk.runtimes.selftest import check_golden

from .conftest import Convert

LADDER = "full,audio+text,audio-only"


def test_rungs_of_fewer_modalities_share_the_graphs_of_full(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    report = convert_tiny(target="local", variants=LADDER)
    assert [edition.rung for edition in report.editions] == LADDER.split(",")
    bundle = Bundle.open(tmp_path / "out.edge")
    manifest = bundle.manifest
    assert manifest.ladder == tuple(LADDER.split(","))
    assert manifest.modalities_of("onnxruntime.audio+text") == ("audio", "text")
    full = manifest.editions["onnxruntime"].parts
    for name in ("onnxruntime.audio+text", "onnxruntime.audio-only"):
        rung = manifest.editions[name]
        assert set(rung.parts) == {*rung.modalities, "head"}
        assert rung.parts.items() <= full.items()
    graphs = [name for name in manifest.files if name.startswith("parts/")]
    assert len(graphs) == 4


def test_every_rung_reproduces_its_golden_values(convert_tiny: Convert, tmp_path: Path) -> None:
    convert_tiny(target="local", variants=LADDER)
    bundle = Bundle.open(tmp_path / "out.edge")
    for name in bundle.manifest.all_editions():
        parts = LoadedParts(bundle, name, EngineOptions())
        results = [result for _, result in check_golden(bundle, parts)]
        assert results
        assert all(result.ok for result in results), name
        parts.close()


def test_a_rung_s_quality_is_that_of_its_modalities_alone(convert_tiny: Convert) -> None:
    report = convert_tiny(variants="full,image-only")
    full, image = report.editions
    assert image.modalities == ("image",)
    assert image.quality.samples < full.quality.samples  # some samples have no picture
    for name, quality in image.quality.heads.items():
        assert quality.samples <= full.quality.heads[name].samples
    assert any(q.agreement < 0.99 for q in image.quality.heads.values())
    assert image.size < full.size


def test_the_first_rung_is_always_full(convert_tiny: Convert, tmp_path: Path) -> None:
    convert_tiny(variants=["audio-only"])
    assert Bundle.open(tmp_path / "out.edge").manifest.ladder == ("full", "audio-only")


def test_small_is_what_is_cheaper_within_a_wider_drop(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    # The target prefers fp32, which ships as full. Anything may change for small.
    prefers = msgspec.structs.replace(load_target("local"), precisions=("fp32", "int8"))
    report = convert_tiny(variants="full,small", max_drop=0, small_drop=100, target=prefers)
    full, small = report.editions
    assert (full.rung, small.rung) == ("full", "small")
    assert small.size < full.size
    assert small.quality.max_drop == 100
    bundle = Bundle.open(tmp_path / "out.edge")
    mine, its = (bundle.manifest.editions[n].parts for n in ("onnxruntime", "onnxruntime.small"))
    for name, file in its.items():
        assert file == mine[name] or file.startswith(f"parts/{name}.small.")
    for name in bundle.manifest.all_editions():
        parts = LoadedParts(bundle, name, EngineOptions())
        assert all(result.ok for _, result in check_golden(bundle, parts)), name
        parts.close()


def test_where_nothing_is_cheaper_than_full_there_is_no_bundle(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    with pytest.raises(BudgetError, match="Nothing is cheaper for onnxruntime than the variant"):
        convert_tiny(variants="full,small", precision="fp32")
    assert not (tmp_path / "out.edge").exists()


@pytest.mark.parametrize(
    ("variants", "sentence"),
    [
        ("full,tiny", "There is no variant 'tiny'; known: full, small, audio-only"),
        ("full,audoi-only", "There is no variant 'audoi-only'; did you mean audio-only?"),
        ("full,video-only", "There is no variant 'video-only'; did you mean"),
        ("full,audio+smell", "There is no variant 'audio+smell'"),
        ("full,audio+image+text", "has every modality: that is full"),
        ("full,small,small", "small is there twice"),
        ("small,full", "full is there twice, or full is not the first"),
    ],
)
def test_a_variant_that_there_is_not(convert_tiny: Convert, variants: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)):
        convert_tiny(variants=variants)
