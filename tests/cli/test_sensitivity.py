"""``edge-sdk sensitivity``: the layers of the model's own code, the costliest first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_sdk.cli.main import main
from edge_sdk.samples import SampleSet


@pytest.fixture
def arguments(
    tiny_checkpoint: Path, sample_set: SampleSet, tiny_bundle: Path, stage_cache: Path
) -> list[str]:
    data, cache = str(sample_set.root), str(stage_cache)
    options = ["--data", data, "--target", "rpi5", "--cache", cache]
    return ["sensitivity", str(tiny_checkpoint), *options]


def test_layers_have_their_names_and_the_costliest_is_first(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, [*arguments, "--part", "text", "--accuracy", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    (part,) = found["parts"]
    names = [layer["name"] for layer in part["layers"]]
    assert {"tokens", "gru", "embed"} <= set(names)
    noises = [layer["snr_db"] for layer in part["layers"]]
    assert noises == sorted(noises)
    assert sum(layer["noise_share"] for layer in part["layers"]) == pytest.approx(1)
    assert found["samples"] > 0
    assert set(part["drops"]) == set(part["layers"][0]["drops"]) == {"intent", "colour"}


def test_the_table_names_what_mixed_precision_keeps(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, [*arguments, "--part", "head"])
    assert result.exit_code == 0, result.output
    assert "int8-mixed keeps: " in result.stdout
    assert "alone dB" in result.stdout


def test_an_unknown_part_is_refused_with_those_there_are(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, [*arguments, "--part", "nose"])
    assert result.exit_code == 2
    assert "no part 'nose'; it has: audio, image, text, head" in result.stderr
