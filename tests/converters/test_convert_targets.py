"""Several targets in one run: a bundle each, and one that fails does not stop the others."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from edge_sdk.bundle import Bundle
from edge_sdk.cli.main import main
from edge_sdk.converters import convert, convert_targets
from edge_sdk.errors import SOME_FAILED, BudgetError, DataError, StorageError, UsageError
from edge_sdk.samples import SampleSet
from edge_sdk.targets import Budgets, load_target


def test_a_bundle_for_each_target(
    tiny_checkpoint: Path, sample_set: SampleSet, stage_cache: Path, tmp_path: Path
) -> None:
    outcomes = convert_targets(
        tiny_checkpoint, ["rpi5", "x86-64-v3"], calibration=sample_set.root, output=tmp_path,
        max_drop=100, cache=stage_cache,
    )  # fmt: skip
    assert [o.target for o in outcomes] == ["rpi5", "x86-64-v3"]
    for outcome in outcomes:
        assert outcome.error is None
        assert outcome.report is not None
        bundle = Bundle.open(str(outcome.report.output))
        assert bundle.manifest.target == load_target(outcome.target)
        assert bundle.path.parent == tmp_path
    alone = tmp_path / "alone.edge"
    convert(
        tiny_checkpoint, target="rpi5", calibration=sample_set.root, output=alone, max_drop=100,
        cache=stage_cache,
    )  # fmt: skip
    assert alone.read_bytes() == Path(str(outcomes[0].report.output)).read_bytes()  # type: ignore[union-attr]


def test_a_target_that_fails_does_not_stop_the_others(
    tiny_checkpoint: Path, sample_set: SampleSet, stage_cache: Path, tmp_path: Path
) -> None:
    small = msgspec.structs.replace(
        load_target("rpi4"), name="small", budgets=Budgets(max_size="1KB")
    )
    outcomes = convert_targets(
        tiny_checkpoint, [small, "rpi5"], calibration=sample_set.root, output=tmp_path,
        max_drop=100, cache=stage_cache,
    )  # fmt: skip
    assert isinstance(outcomes[0].error, BudgetError)
    assert outcomes[1].report is not None
    assert [path.suffix for path in tmp_path.iterdir()] == [".edge"]


def test_an_unknown_target_ends_the_run_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean rpi5"):
        convert_targets("none", ["rpi5", "rpi55"], calibration="none", output=tmp_path)


def test_the_folder_is_made(
    tiny_checkpoint: Path, sample_set: SampleSet, stage_cache: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "out"
    (outcome,) = convert_targets(
        tiny_checkpoint, ["rpi5"], calibration=sample_set.root, output=folder, max_drop=100,
        precision="fp32", cache=stage_cache,
    )  # fmt: skip
    assert outcome.report is not None
    assert [str(path) for path in folder.iterdir()] == [outcome.report.output]


def test_a_folder_made_for_nothing_goes_again(tiny_checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for folder in (tmp_path / "new" / "out", tmp_path / "there"):
        with pytest.raises(DataError, match="no sample set"):
            convert_targets(
                tiny_checkpoint, ["rpi5", "rpi4"], calibration=tmp_path / "none", output=folder
            )
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize("place", ["out", "out/below"])
def test_a_file_in_the_way_of_the_folder_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(StorageError, match="a file is where a folder is to be"):
        convert_targets("none", ["rpi5", "rpi4"], calibration="none", output=tmp_path / place)
    assert (tmp_path / "out").read_text() == "mine"


def test_the_exit_code_says_that_some_failed(
    tiny_checkpoint: Path, sample_set: SampleSet, stage_cache: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    profile = Path(tmp_path / "small.toml")
    profile.write_text(
        'name = "small"\ndescription = "x"\narch = "aarch64"\ncpu = "x"\ncores = 1\n'
        "memory_mb = 64\n[budgets]\nmax_size = '1KB'\n"
    )
    words = ["convert", tiny_checkpoint, "--target", profile, "--target", "rpi5", "--json"]
    words += ["--calibration", sample_set.root, "--output", tmp_path, "--max-drop", 100]
    words += ["--cache", stage_cache]
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert ended.value.code == SOME_FAILED
    out, err = capsys.readouterr()
    said = json.loads(out)["targets"]
    assert said["small"]["error"]["kind"] == "budget"
    assert said["rpi5"]["editions"][0]["engine"] == "onnxruntime"
    assert "error: small: " in err
