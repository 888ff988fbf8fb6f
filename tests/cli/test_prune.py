"""``edge-sdk prune``: a smaller checkpoint, a table, and sentences for mistakes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_sdk.cli.main import main
from edge_sdk.converters.checkpoint import read_checkpoint
from edge_sdk.converters.sources import Origin, read_source
from edge_sdk.samples import SampleSet

Run = Callable[..., tuple[int, str, str]]

NET = """
from torch import nn


def build():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3),
    )
"""
SPEC = """
name = "eye"
[[inputs]]
name = "picture"
modality = "image"
frontend = { height = 32, width = 32 }
[[outputs]]
name = "colour"
labels = ["red", "green", "blue"]
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main(["prune", *map(str, words)])
        said = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, said.out, said.err

    return call


def test_a_checkpoint_comes_out_smaller(run: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "pruned"
    code, said, _ = run(tiny_checkpoint, "--macs", 0.6, "--no-measure", "--output", out)
    assert code == 0
    assert "of the multiply-accumulates; l2, seed 0." in said
    assert "is the part's embedding, whose width is kept" in said
    assert said.endswith(f"Written: {out}\n")
    before, after = (
        sum(weight.numel() for weight in read_checkpoint(path).model.parameters())
        for path in (tiny_checkpoint, out)
    )
    assert after < before
    assert json.loads((out / "report.json").read_text())["criterion"] == "l2"


def test_recovery_on_data_is_scored_on_other_samples(
    run: Run, tiny_checkpoint: Path, sample_set: SampleSet, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text("ratio = 0.9\nround_to = 1\nsamples = 4\n[recovery]\nbatch = 8\n")
    code, said, err = run(
        tiny_checkpoint, "--plan", plan, "--ratio", 0.3, "--data", sample_set.root, "--recover", 1,
        "--no-measure", "--output", tmp_path / "out", "--json",
    )  # fmt: skip
    assert code == 0, err
    report = json.loads(said)
    assert report["criterion"] == "taylor"
    assert len(report["recovery"]["epochs"]) == 1
    assert report["recovery"]["samples"] < len(sample_set)
    assert report["evaluation_samples"] > 0


def test_a_module_of_ones_own_is_pruned_and_read_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pruned_net.py").write_text(NET)
    (tmp_path / "model.toml").write_text(SPEC)
    words = ("--model", "pruned_net:build", "--spec", "model.toml")
    code, _, err = run(*words, "--ratio", 0.5, "--no-measure", "--output", "out")
    assert code == 0, err
    source = read_source(
        Origin(model="pruned_net:build", weights=Path("out"), spec=Path("model.toml"))
    )
    assert source.module is not None
    shapes = {name: tuple(w.shape) for name, w in source.module.named_parameters()}
    first, second = shapes["0.weight"][0], shapes["3.weight"][0]
    assert first + second == 8, "half of twice eight"
    assert shapes["3.weight"][1] == first
    assert shapes["7.weight"] == (3, second)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ((), 2, "nothing to prune: give ratio, macs, latency, parts or mask"),
        (("--ratio", 0.5, "--macs", 0.5), 2, "ratio and macs contradict each other"),
        (("--ratio", 0.5, "--criterion", "taylor"), 2, "taylor needs samples: give --data"),
        (("--part", "audio"), 2, "--part must be NAME=RATIO, not 'audio'."),
        (("--plan", "nowhere.toml"), 2, "There is no plan at nowhere.toml."),
        (("--ratio", 0.5, "--recover", 3), 2, "Recovery needs samples"),
    ],
)
def test_a_mistake_is_one_sentence(
    words: tuple[object, ...],
    code: int,
    sentence: str,
    run: Run,
    tiny_checkpoint: Path,
    tmp_path: Path,
) -> None:
    given, _, err = run(tiny_checkpoint, *words, "--output", tmp_path / "out")
    assert given == code
    assert sentence in err
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_things_is_not_replaced(
    run: Run, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("all of it")
    code, _, err = run(tiny_checkpoint, "--ratio", 0.2, "--no-measure", "--output", tmp_path)
    assert code == 2
    assert "is no checkpoint: it would be replaced as a whole" in err
    assert (tmp_path / "thesis.txt").exists()
