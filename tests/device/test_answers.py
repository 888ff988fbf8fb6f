"""A device answers as the development environment did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_sdk import FusionSession
from edge_sdk.frontends.image import read_picture
from edge_sdk.frontends.recording import read_recording

from .conftest import Cli


@pytest.fixture
def answers(bundle: Path) -> list[dict[str, Any]]:
    """Inputs and answers, for every subset of the modalities of a few samples."""
    found: list[dict[str, Any]] = json.loads((bundle.parent / "answers.json").read_text())
    assert found
    return found


def check(heads: dict[str, Any], expected: dict[str, Any]) -> None:
    """The same labels, probabilities to 1e-3."""
    assert heads.keys() == expected.keys()
    for name, wanted in expected.items():
        assert heads[name]["label"] == wanted["label"]
        assert heads[name]["probabilities"] == pytest.approx(wanted["probabilities"], abs=1e-3)


def test_the_session_answers_the_same(bundle: Path, answers: list[dict[str, Any]]) -> None:
    with FusionSession.open(bundle) as session:
        config = session.frontends.config
        for entry in answers:
            inputs: dict[str, Any] = dict(entry["inputs"])
            if "audio" in inputs:
                recording = read_recording(bundle.parent / "inputs" / inputs["audio"], config.audio)
                inputs["audio"] = (recording, config.audio.rate)
            if "image" in inputs:
                path = bundle.parent / "inputs" / inputs["image"]
                inputs["image"] = read_picture(path, background=config.image.background)
            prediction = session.infer(**inputs)
            assert set(prediction.used) == set(entry["inputs"])
            heads = {
                name: {"label": head.label, "probabilities": head.probabilities}
                for name, head in prediction.heads.items()
            }
            check(heads, entry["heads"])


def test_the_command_answers_the_same(
    bundle: Path, answers: list[dict[str, Any]], cli: Cli
) -> None:
    subsets = {tuple(entry["inputs"]): entry for entry in answers}
    assert len(subsets) in (1, 3, 7)
    for entry in subsets.values():
        words: list[str | Path] = []
        for name, value in entry["inputs"].items():
            words += [f"--{name}", value if name == "text" else bundle.parent / "inputs" / value]
        said = cli.json("infer", bundle, *words)
        assert set(said["used"]) == set(entry["inputs"])
        check(said["heads"], entry["heads"])


def test_a_missing_file_is_one_sentence(bundle: Path, cli: Cli, tmp_path: Path) -> None:
    done = cli("infer", bundle, "--audio", tmp_path / "none.wav", code=3)
    assert done.stderr.count("\n") == 1
