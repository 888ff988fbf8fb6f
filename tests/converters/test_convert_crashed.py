"""A converter that dies, for real, fails its own target; the others of the run are written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_sdk.bundle import Bundle
from edge_sdk.converters import convert_targets
from edge_sdk.converters.export import tflite_process
from edge_sdk.errors import SOME_FAILED, CrashError
from edge_sdk.samples import SampleSet
from edge_sdk.targets import TargetProfile

BACKEND = """
import os, signal

class Backend:
    engine = "crashing"
    precisions = ("int8", "fp32")

    def build(self, part, precision):
        {deed}

    def runner(self, artefact, *, optimise=False):
        raise AssertionError("nothing was made")
"""


def profile(engine: str) -> TargetProfile:
    return TargetProfile(
        name="bad", description="x", arch="aarch64", cpu="x", cores=1, memory_mb=64,
        engines=(engine,), precisions=("fp32",),
    )  # fmt: skip


def plugin(folder: Path, deed: str) -> None:
    """A converter of somebody else's, installed beside the SDK."""
    (folder / "crashing.py").write_text(BACKEND.format(deed=deed))
    info = folder / "crashing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: crashing\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[edge_sdk.backends]\ncrashing = crashing:Backend\n")


def convert(
    folder: Path, checkpoint: Path, samples: SampleSet, cache: Path, output: Path, *targets: str
) -> tuple[int, dict[str, dict[str, dict[str, object]]], str]:
    (folder / "bad.toml").write_text(
        'name = "bad"\ndescription = "x"\narch = "aarch64"\ncpu = "x"\ncores = 1\n'
        'memory_mb = 64\nengines = ["crashing"]\n'
    )
    words = [str(Path(sys.executable).with_name("edge-sdk")), "convert", str(checkpoint), "--json"]
    words += [word for target in targets for word in ("--target", target)]
    words += ["--calibration", str(samples.root), "--output", str(output), "--max-drop", "100"]
    words += ["--precision", "fp32", "--cache", str(cache)]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout), done.stderr


DEEDS = pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed while converting the part {} for "
         "crashing in fp32 (SIGSEGV)"),
        ("raise KeyError('odd')", "failed while converting the part {} for crashing in fp32: "
         "KeyError: 'odd'"),
    ],
)  # fmt: skip


@DEEDS
def test_one_target_ends_with_a_sentence_and_the_code_of_a_crash(
    deed: str, words: str, tiny_checkpoint: Path, sample_set: SampleSet, stage_cache: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    plugin(tmp_path, deed)
    there = tmp_path / "there"
    there.mkdir()
    # A name with a byte that is no UTF-8, as file systems allow it.
    output = there / "out\udcff.edge"
    code, said, stderr = convert(
        tmp_path, tiny_checkpoint, sample_set, stage_cache, output, "bad.toml"
    )
    error = said["error"]
    assert (code, error["exit_code"], error["kind"]) == (CrashError.exit_code,) * 2 + ("crash",)
    assert words.partition("{}")[2] in str(error["message"])
    assert stderr.splitlines()[-1] == f"error: {error['message']}"
    assert "Traceback" not in stderr
    assert list(there.iterdir()) == []


@DEEDS
def test_the_others_of_the_run_are_written(
    deed: str, words: str, tiny_checkpoint: Path, sample_set: SampleSet, stage_cache: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    plugin(tmp_path, deed)
    code, told, stderr = convert(
        tmp_path, tiny_checkpoint, sample_set, stage_cache, tmp_path, "bad.toml", "rpi5"
    )
    said = told["targets"]
    assert code == SOME_FAILED
    first = Bundle.open(next(tmp_path.glob("*-rpi5.edge"))).manifest.parts[0].name
    error = said["bad"]["error"]
    assert error["kind"] == "crash"
    assert words.format(first) in str(error["message"])
    assert said["rpi5"]["editions"]
    assert "Traceback" not in stderr
    assert [path.name for path in tmp_path.glob("*.edge")] == [
        Path(str(said["rpi5"]["output"])).name
    ]


def test_tools_that_die_are_no_reason_to_fall_back(
    tiny_checkpoint: Path, sample_set: SampleSet, stage_cache: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    script = f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})"
    monkeypatch.setattr(tflite_process, "COMMAND", (sys.executable, "-c", script))
    outcomes = convert_targets(
        tiny_checkpoint, [profile("litert"), "rpi5"], calibration=sample_set.root,
        output=tmp_path, max_drop=100, precision="fp32", cache=tmp_path / "cache",
    )  # fmt: skip
    assert isinstance(outcomes[0].error, CrashError)
    assert "TFLite tools crashed" in str(outcomes[0].error)
    assert "SIGSEGV" in str(outcomes[0].error)
    assert outcomes[1].report is not None
    assert [path.name for path in tmp_path.glob("*.edge")] == [
        Path(str(outcomes[1].report.output)).name
    ]
