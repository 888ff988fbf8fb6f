"""``edge-sdk sensitivity``: the layers of the model's own code, the costliest first."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_sdk.samples import SampleSet

from .conftest import Run


@pytest.fixture
def arguments(
    tiny_checkpoint: Path, sample_set: SampleSet, tiny_bundle: Path, stage_cache: Path
) -> list[str]:
    data, cache = str(sample_set.root), str(stage_cache)
    options = ["--data", data, "--target", "rpi5", "--cache", cache]
    return ["sensitivity", str(tiny_checkpoint), *options]


def test_layers_have_their_names_and_the_costliest_is_first(run: Run, arguments: list[str]) -> None:
    result = run(*arguments, "--part", "text", "--accuracy", "--json")
    assert result.code == 0
    found = result.json
    (part,) = found["parts"]
    names = [layer["name"] for layer in part["layers"]]
    assert {"tokens", "gru", "embed"} <= set(names)
    noises = [layer["snr_db"] for layer in part["layers"]]
    assert noises == sorted(noises)
    assert sum(layer["noise_share"] for layer in part["layers"]) == pytest.approx(1)
    assert found["samples"] > 0
    assert set(part["drops"]) == set(part["layers"][0]["drops"]) == {"intent", "colour"}


def test_the_table_names_what_mixed_precision_keeps(run: Run, arguments: list[str]) -> None:
    result = run(*arguments, "--part", "head")
    assert result.code == 0
    assert "int8-mixed keeps: " in result.out
    assert "alone dB" in result.out


def test_an_unknown_part_is_refused_with_those_there_are(run: Run, arguments: list[str]) -> None:
    result = run(*arguments, "--part", "nose")
    assert result.code == 2
    assert "no part 'nose'; it has: audio, image, text, head" in result.err
