"""``edge-sdk infer``: answers, as a table and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_sdk import FusionSession
from edge_sdk.frontends.image import read_picture
from edge_sdk.frontends.recording import read_recording
from edge_sdk.samples import SampleSet

from ..synthetic import COLOURS, LABELS
from .conftest import Run


@pytest.fixture(scope="module")
def options(sample_set: SampleSet) -> dict[str, tuple[str, str]]:
    sample = sample_set[0]
    return {
        "audio": ("--audio", str(sample_set.path(sample.audio))),
        "image": ("--image", str(sample_set.path(sample.image))),
        "text": ("--text", sample.text),
    }


@pytest.mark.parametrize(
    "names", [("audio",), ("image",), ("text",), ("image", "text"), ("audio", "image", "text")]
)
def test_it_answers_what_the_session_answers(
    run: Run, tiny_bundle: Path, options: dict, names: tuple[str, ...]
) -> None:
    got = run("infer", tiny_bundle, *(w for name in names for w in options[name]), "--json")
    assert (got.code, got.err) == (0, "")
    assert set(got.json) == {"heads", "used", "timings"}
    assert got.json["used"] == list(names)
    with FusionSession.open(tiny_bundle) as session:
        config = session.frontends.config.audio
        read = {
            "audio": lambda path: (read_recording(path, config), config.rate),
            "image": read_picture,
            "text": str,
        }
        expected = session.infer(**{name: read[name](options[name][1]) for name in names})
    for name, labels in (("intent", LABELS), ("colour", COLOURS)):
        head = got.json["heads"][name]
        assert list(head["probabilities"]) == list(labels)
        assert head["probabilities"] == pytest.approx(expected.heads[name].probabilities)
        assert head["label"] == expected.heads[name].label


def test_the_table(run: Run, tiny_bundle: Path) -> None:
    got = run("infer", tiny_bundle, "--text", "stop", "--top", "2")
    assert (got.code, got.err) == (0, "")
    lines = got.out.splitlines()
    assert lines[0].split() == ["head", "label", "confidence", "next"]
    assert lines[1].startswith("intent")
    assert lines[2].startswith("colour")
    assert lines[2].count(".") == 2  # the label's confidence and that of one other
    assert lines[-1].startswith("used text; milliseconds: frontend.text")


def test_a_folder_an_engine_and_threads(run: Run, tiny_bundle_folder: Path) -> None:
    got = run("infer", tiny_bundle_folder, "--text", "stop", "--engine", "onnxruntime",
              "--threads", "1", "--json")  # fmt: skip
    assert got.code == 0
    assert got.json["used"] == ["text"]
