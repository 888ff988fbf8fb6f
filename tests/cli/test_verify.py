"""``edge-sdk verify``: everything holds, or exit code 4 and where it does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ..bundles import flipped, manifest_of, members, rewrite, with_golden, with_rungs, zip_of
from .conftest import Run

Refused = Callable[..., str]


def test_a_sound_bundle(run: Run, tiny_bundle: Path, tiny_bundle_folder: Path) -> None:
    for path in (tiny_bundle, tiny_bundle_folder):
        got = run("verify", path)
        assert (got.code, got.err) == (0, "")
        assert "FAILED" not in got.out
        files = len(manifest_of(path).files)
        assert f"{files} files match their hashes" in got.out
        assert "onnxruntime (onnxruntime " in got.out
        assert "golden checks hold" in got.out


def test_as_json(run: Run, tiny_bundle: Path) -> None:
    got = run("verify", tiny_bundle, "--json")
    assert (got.code, got.err) == (0, "")
    assert got.json["ok"] is True
    assert got.json["not_checked"] == {}
    (edition,) = got.json["editions"].values()
    assert list(edition["engines"]) == list(got.json["editions"]) == ["onnxruntime"]
    assert set(edition["providers"].values()) == {"CPUExecutionProvider"}
    stages = edition["stages"]
    assert all(stage["ok"] for stage in stages)
    golden = manifest_of(tiny_bundle).golden
    assert {stage["sample"] for stage in stages} == {sample.id for sample in golden}
    kinds = {stage["stage"] for stage in stages}
    for name in ("audio", "image", "text"):
        assert {f"features.{name}", f"embedding.{name}"} <= kinds
    for name in ("intent", "colour"):
        assert {f"output.{name}", f"end-to-end.{name}"} <= kinds


def test_a_golden_value_that_is_not_reproduced(run: Run, tiny_bundle: Path, tmp_path: Path) -> None:
    path = with_golden(
        tiny_bundle, tmp_path / "bad.edge", "embedding.audio", lambda a: a + np.float32(5)
    )
    got = run("verify", path)
    assert got.code == 4
    row = next(line for line in got.out.splitlines() if line.startswith("embedding.audio"))
    assert row.endswith("FAILED")
    assert "error: " in got.err
    assert "does not reproduce its golden outputs" in got.err
    assert f"embedding.audio of sample {manifest_of(path).golden[0].id}" in got.err
    told = run("verify", path, "--json")
    assert told.code == 4
    assert told.json["ok"] is False
    failed = [stage for stage in told.json["editions"]["onnxruntime"]["stages"] if not stage["ok"]]
    assert failed[0]["stage"] == "embedding.audio"
    assert failed[0]["max_abs"] == pytest.approx(5, abs=0.5)
    assert "does not reproduce" in told.err


def test_any_damaged_file(refused: Refused, tiny_bundle_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bundle_folder, tmp_path / "copy"))
    for name in ("manifest.json", "report.json", "parts/head.int8.onnx", "golden/00/audio.wav"):
        path = folder / name
        content = path.read_bytes()
        path.write_bytes(flipped(content, len(content) // 3))
        sentence = refused(4, "verify", folder)
        assert "damaged" in sentence or "altered" in sentence
        path.write_bytes(content)


def test_other_things_wrong_with_a_bundle(
    refused: Refused, tiny_bundle: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bad.edge"
    assert "There is no bundle" in refused(4, "verify", path)
    zip_of(path, [*members(tiny_bundle), ("extra", b"x")])
    assert "does not name: extra" in refused(4, "verify", path)
    rewrite(tiny_bundle, path, golden=())
    assert "no golden sample" in refused(4, "verify", path)
    name = manifest_of(tiny_bundle).golden[0].features
    rewrite(tiny_bundle, path, {name: b"no arrays"})
    assert "golden values in" in refused(4, "verify", path)
    rewrite(tiny_bundle, path, {"parts/audio.int8.onnx": b"no graph"})
    assert "refuses the graph" in refused(6, "verify", path)
    assert "no engine 'steam'" in refused(2, "verify", tiny_bundle, "--engine", "steam")


def test_every_rung_is_checked(run: Run, tiny_bundle: Path, tmp_path: Path) -> None:
    path = with_rungs(tiny_bundle, tmp_path / "ladder.edge")
    rungs = ["onnxruntime", "onnxruntime.small", "onnxruntime.audio-only"]
    for words in ((), ("--engine", "onnxruntime")):
        got = run("verify", path, *words, "--json")
        assert got.code == 0
        assert list(got.json["editions"]) == rungs
    one = run("verify", path, "--engine", "onnxruntime.audio-only", "--json")
    (edition,) = one.json["editions"].values()
    assert set(edition["providers"]) == {"audio", "head"}


def test_it_says_where_every_part_ran(run: Run, tiny_bundle: Path) -> None:
    got = run("verify", tiny_bundle, "--require-provider", "cpuexecutionprovider")
    assert (got.code, got.err) == (0, "")
    head = next(line for line in got.out.splitlines() if line.startswith("part "))
    assert head.split() == ["part", "precision", "provider", "nodes", "elsewhere", "in", "float"]
    told = run("verify", tiny_bundle, "--json", "--require-provider", "CPUExecutionProvider").json
    assert told["ok"] is True
    assert told["elsewhere"] == []
    placed = {one["part"]: one for one in told["editions"]["onnxruntime"]["placement"]}
    assert set(placed) == {"audio", "image", "text", "head"}
    for one in placed.values():
        assert (one["engine"], one["precision"]) == ("onnxruntime", "int8")
        assert set(one["nodes"]) == {one["provider"]} == {"CPUExecutionProvider"}
        assert one["elsewhere"] == 0
    # The recurrent layers of an int8 edition stay float, and its convolutions do not.
    assert placed["audio"]["in_float"]["GRU"] == 1
    assert placed["audio"]["nodes"]["CPUExecutionProvider"]["QLinearConv"] >= 1
    assert "QLinearConv" not in placed["audio"]["in_float"]


def test_another_provider_than_the_required_one(run: Run, tiny_bundle: Path) -> None:
    got = run("verify", tiny_bundle, "--require-provider", "XNNPACK")
    assert got.code == 6
    assert "golden checks hold" in got.out
    assert "The edition onnxruntime does not run wholly on XNNPACK" in got.err
    assert "nodes of audio run elsewhere (CPUExecutionProvider: " in got.err
    told = run("verify", tiny_bundle, "--json", "--require-provider", "XNNPACK")
    assert told.code == 6
    assert told.json["ok"] is False
    assert "XNNPACK" in told.json["elsewhere"][0]


@pytest.mark.parametrize("stage", ["output.intent", "output.colour"])
def test_outputs_of_another_graph_are_caught(
    run: Run, tiny_bundle: Path, tmp_path: Path, stage: str
) -> None:
    for number, change in enumerate((lambda a: -a, lambda a: np.roll(a, 1), lambda a: a * 0)):
        path = with_golden(tiny_bundle, tmp_path / f"{number}.edge", stage, change)
        got = run("verify", path)
        assert got.code == 4
        row = next(line for line in got.out.splitlines() if line.startswith(stage))
        assert "FAILED" in row
