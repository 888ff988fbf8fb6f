"""``edge-sdk convert``: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_sdk import Bundle
from edge_sdk.cli.main import main
from edge_sdk.samples import SampleSet

from ..synthetic import make_sample_set

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    tiny_checkpoint: Path,
    sample_set: SampleSet,
    tiny_bundle: Path,
    stage_cache: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    """``run(*flags, option=value)``: the exit code, standard output, standard error."""

    def call(
        *flags: str, checkpoint: Path = tiny_checkpoint, **options: Any
    ) -> tuple[int, str, str]:
        given: dict[str, Any] = {
            "target": "rpi5",
            "calibration": sample_set.root,
            "output": tmp_path / "out.edge",
            "max_drop": 100,
            "cache": stage_cache,
            **options,
        }
        words = ["convert", str(checkpoint), *flags]
        for name, value in given.items():
            if value is not None:
                words += [f"--{name.replace('_', '-')}", str(value)]
        with pytest.raises(SystemExit) as caught:
            main(words)
        said = capfd.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, said.out, said.err

    return call


@pytest.fixture
def new_samples(tmp_path: Path) -> Path:
    """A sample set that nothing has been cached for, too small to hold a share out."""
    return make_sample_set(tmp_path / "new", count=40, seed=7).root


def test_it_prints_what_was_shipped_and_what_it_costs(run: Run, tmp_path: Path) -> None:
    code, out, _ = run()
    assert code == 0
    bundle = Bundle.open(tmp_path / "out.edge")
    lines = out.splitlines()
    parts = lines[: lines.index("")]
    for part in bundle.manifest.parts:
        (row,) = [line.split() for line in parts if line.startswith(f"{part.name} ")]
        size = bundle.manifest.files[part.variants[0].file].size
        assert row[1:3] == [part.variants[0].precision, f"{size / 1e3:.1f}"]
    for head in bundle.manifest.heads:
        assert any(line.startswith(f"{head.name} ") for line in lines[len(parts) :])
    (audio,) = [line for line in parts if line.startswith("audio ")]
    assert "1 GRU" in audio
    assert str(tmp_path / "out.edge") in lines[-1]


def test_json_is_one_object_and_nothing_else(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("--json", precision="int8")
    assert code == 0
    said = json.loads(out)
    assert said["output"] == str(tmp_path / "out.edge")
    (edition,) = said["editions"]
    assert edition["engine"] == "onnxruntime"
    assert [part["precision"] for part in edition["parts"]] == ["int8"] * 4
    assert edition["size"] == Bundle.open(tmp_path / "out.edge").size("parts/")


def test_progress_and_warnings_go_to_standard_error(run: Run, new_samples: Path) -> None:
    code, out, err = run("--json", calibration=new_samples, precision="int8")
    assert code == 0
    json.loads(out)
    lines = err.splitlines()
    stages = ["export", *(f"calibrate {p}" for p in ("audio", "image", "text", "head")),
              "evaluate", "golden"]  # fmt: skip
    assert lines[:-1] == [f"{stage} ..." for stage in stages]
    assert lines[-1].startswith("warning: The gate used the 40 calibration samples themselves")


def test_an_evaluation_set_is_taken(run: Run, tmp_path: Path) -> None:
    held = make_sample_set(tmp_path / "held", count=6, seed=9)
    code, out, _ = run(evaluation=held.root)
    assert code == 0
    assert "on 6 samples (evaluation set)" in out


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        ({"target": "rpi55"}, 2, "did you mean rpi5"),
        ({"max_drop": -1}, 2, "max-drop"),
        ({"precision": "int4"}, 2, "precision"),
        ({"calibration": None}, 2, "--calibration"),
        ({"checkpoint": Path("nowhere")}, 7, "no checkpoint at nowhere"),
        ({"calibration": "nowhere"}, 8, "no sample set at nowhere"),
        ({"output": "no/where.edge"}, 10, "folder does not exist"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_code(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any],
    code: int, sentence: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    got, out, err = run(**options)
    assert (got, out) == (code, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert sentence in err
    assert not list(tmp_path.glob("*.edge"))


def test_a_broken_budget_exits_with_5_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "to" / "out.edge"
    output.parent.mkdir()
    profile = tmp_path / "small.toml"
    profile.write_text(
        'name = "small"\ndescription = "a tiny one"\narch = "aarch64"\ncpu = "any"\n'
        "cores = 1\nmemory_mb = 64\n[budgets]\nmax_size = '1KB'\n"
    )
    code, out, err = run("--json", target=profile, output=output)
    assert code == 5
    said = json.loads(out)["error"]
    assert (said["kind"], said["exit_code"]) == ("budget", 5)
    assert said["message"] in err
    assert "and 1.00KB for small; no bundle was written" in said["message"]
    assert list(output.parent.iterdir()) == []


def test_budgets_recipe_ladder_and_report(run: Run, tmp_path: Path, sample_set: SampleSet) -> None:
    code, out, err = run(
        "--report", calibration=None, data=sample_set.root, max_latency="10s", max_size="1MB",
        variants="full,audio-only", write_recipe=tmp_path / "used.toml",
        report_to=tmp_path / "report",
    )  # fmt: skip
    assert code == 0
    lines = out.splitlines()
    (front,) = [line for line in lines if line.startswith("Candidates, measured on ")]
    assert "tiny for rpi5 on onnxruntime, variant audio-only;" in lines
    rows = lines[lines.index(front) + 1 :]
    assert rows[0].split() == ["candidate", "points", "lost", "MB", "ms", "+-"]
    assert any(row.rstrip().endswith("ships") for row in rows)
    assert "note: Times were measured on " in err
    assert "standing for rpi5" in err
    bundle = Bundle.open(tmp_path / "out.edge")
    assert bundle.manifest.ladder == ("full", "audio-only")
    assert (tmp_path / "used.toml").read_bytes() == bundle.read("recipe.toml")
    for name in ("report.html", "report.json"):
        assert (tmp_path / "report" / name).read_bytes() == bundle.read(name)
    again = tmp_path / "again.edge"
    code, out, err = run(target=None, max_drop=None, recipe=tmp_path / "used.toml", output=again)
    assert code == 0
    assert "Candidates" not in out
    assert Bundle.open(again).manifest.editions == bundle.manifest.editions


def test_what_is_for_one_target_is_refused_with_several(run: Run, tmp_path: Path) -> None:
    code, _, err = run("--target", "rpi4", report_to=tmp_path / "report")
    assert code == 2
    assert "--report-to takes one --target" in err


def test_a_cache_and_no_cache_contradict_each_other(run: Run) -> None:
    code, _, err = run("--no-cache")
    assert code == 2
    assert "contradict" in err


@pytest.mark.parametrize("missing", ["torch", "onnx", "onnxscript", "safetensors"])
def test_a_missing_package_is_named_with_the_way_to_get_it(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, missing: str
) -> None:
    (tmp_path / "it.pt").write_bytes(b"")
    words = ["convert", "it.pt", "--calibration", "samples", "--output", "out.edge"]
    absent = tmp_path_factory.mktemp("absent")
    (absent / f"{missing}.py").write_text(f"raise ModuleNotFoundError(name={missing!r})")
    done = subprocess.run(
        [Path(sys.executable).with_name("edge-sdk"), *words], cwd=tmp_path, capture_output=True,
        text=True, env={**os.environ, "PYTHONPATH": str(absent)},
    )  # fmt: skip
    assert done.returncode == 11, done.stderr
    assert done.stderr.count("\n") == 1
    assert f"({missing})" in done.stderr
    assert "pip install 'edge-sdk[convert]'" in done.stderr
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["it.pt"]


def test_kernels_of_no_kit_cannot_be_checked(run: Run) -> None:
    code, _, said = run("--check-kernels")
    assert code == 2
    assert "no target has the engine tensorrt" in said


@pytest.mark.slow
def test_kernels_of_a_kit_are_reported(run: Run) -> None:
    pytest.importorskip("tensorrt_rtx")
    code, out, said = run("--check-kernels", "--engine", "tensorrt", "--json", precision="int8")
    assert code == 0, said
    (edition,) = json.loads(out)["editions"]
    for part in edition["parts"]:
        for attempt in part["attempts"]:
            assert "planned nodes have int8 kernels" in attempt["kernels"]
