"""A conversion killed at any stage leaves no bundle, no half file, and a cache that works."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_sdk.samples import SampleSet

from .conftest import Convert, unpack

# Converts, and stops for good once it has come to the stage named last.
SCRIPT = """
import json, os, sys, time
from pathlib import Path

def stop(*_):
    print("there", flush=True)
    time.sleep(600)

checkpoint, samples, output, cache, place, options = sys.argv[1:]
if place == "writing the bundle":
    os.fsync = stop
if place == "writing the cache":
    replace = Path.replace
    Path.replace = lambda self, to: stop() if Path(cache) in self.parents else replace(self, to)

from edge_sdk.converters import convert
convert(checkpoint, calibration=samples, output=output, cache=cache, target="rpi5",
        **{"precision": "int8", "max_drop": 100, **json.loads(options)},
        progress=lambda stage, done, total: stop() if (stage, done) == (place, total // 2) else 0)
"""


@pytest.fixture(scope="module")
def whole(
    tiny_checkpoint: Path, sample_set: SampleSet, tiny_bundle: Path, stage_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, bytes]:  # fmt: skip
    """What a conversion that nobody disturbs writes."""
    from edge_sdk.converters import convert

    output = tmp_path_factory.mktemp("whole") / "out.edge"
    convert(
        tiny_checkpoint,
        calibration=sample_set.root,
        output=output,
        cache=stage_cache,
        target="rpi5",
        precision="int8",
        max_drop=100,
    )
    return unpack(output)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """An empty folder for outputs."""
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


@pytest.fixture
def kill_at(tiny_checkpoint: Path, sample_set: SampleSet) -> Callable[..., None]:
    """``kill_at(place, output, cache, option=value)``: convert until there, then SIGKILL."""

    def kill(place: str, output: Path, cache: Path, **options: object) -> None:
        words = [tiny_checkpoint, sample_set.root, output, cache, place, json.dumps(options)]
        with subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            said = process.stdout.readline()
            process.kill()
            assert said == "there\n", process.stderr.read()

    return kill


def visible(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


@pytest.mark.parametrize(
    "place",
    ["calibrate image", "calibrate head", "evaluate", "golden", "writing the bundle",
     "writing the cache"],
)  # fmt: skip
def test_a_rerun_after_a_kill_is_as_if_nothing_had_happened(
    place: str,
    kill_at: Callable[..., None],
    exports: Callable[[], Path],
    convert_tiny: Convert,
    whole: dict[str, bytes],
    there: Path,
) -> None:
    cache = exports()
    kill_at(place, there / "out.edge", cache)
    assert visible(there) == []
    convert_tiny(output=there / "out.edge", cache=cache, precision="int8")
    assert unpack(there / "out.edge") == whole
    # What the killed run had written aside is gone as well.
    assert [path.name for path in there.iterdir()] == ["out.edge"]


def test_a_kill_while_an_older_bundle_is_replaced_leaves_it(
    kill_at: Callable[..., None],
    exports: Callable[[], Path],
    convert_tiny: Convert,
    there: Path,
) -> None:
    convert_tiny(output=there / "out.edge", precision="fp32")
    before = (there / "out.edge").read_bytes()
    kill_at("writing the bundle", there / "out.edge", exports())
    assert (there / "out.edge").read_bytes() == before


def test_a_rerun_picks_up_what_was_done(
    kill_at: Callable[..., None],
    exports: Callable[[], Path],
    convert_tiny: Convert,
    there: Path,
) -> None:
    cache = exports()
    kill_at("calibrate head", there / "out.edge", cache)
    kept = {entry: entry.stat().st_ino for entry in cache.iterdir()}
    assert len(kept) == 4 + 3
    stages: list[str] = []
    convert_tiny(
        output=there / "out.edge",
        cache=cache,
        precision="int8",
        progress=lambda stage, done, total: stages.append(stage),
    )
    calibrated = {stage for stage in stages if stage.startswith("calibrate")}
    assert calibrated == {"calibrate head"}
    assert all(entry.stat().st_ino == number for entry, number in kept.items())


def test_a_rerun_measures_what_was_not_measured_yet(
    kill_at: Callable[..., None],
    exports: Callable[[], Path],
    convert_tiny: Convert,
    there: Path,
) -> None:
    cache = exports()
    kill_at("measure text", there / "out.edge", cache, measure=True)
    stages: list[str] = []
    convert_tiny(
        output=there / "out.edge",
        cache=cache,
        precision="int8",
        measure=True,
        progress=lambda stage, done, total: stages.append(stage),
    )
    once = list(dict.fromkeys(stages))
    assert once == ["export", "measure text", "measure head", "evaluate", "golden"]


def test_a_rerun_does_not_recover_again(
    kill_at: Callable[..., None],
    exports: Callable[[], Path],
    convert_tiny: Convert,
    there: Path,
    tmp_path: Path,
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        "[pruning]\nratios = [0.3]\n[pruning.plan]\nsamples = 8\n"
        "[pruning.plan.recovery]\nepochs = 1\n"
    )
    cache = exports()
    kill_at("evaluate pruned 30%", there / "out.edge", cache, recipe=str(recipe))
    stages: list[str] = []
    convert_tiny(
        output=there / "out.edge",
        cache=cache,
        precision="int8",
        recipe=recipe,
        progress=lambda stage, done, total: stages.append(stage),
    )
    assert "importance" in stages
    assert "recover" not in stages
    assert "evaluate pruned 30%" in stages
    # The embeddings of the model as it came were kept, and are not made again.
    assert "evaluate" not in stages


def test_a_damaged_cache_is_made_anew(
    exports: Callable[[], Path], convert_tiny: Convert, whole: dict[str, bytes], there: Path
) -> None:
    cache = exports()
    convert_tiny(output=there / "one.edge", cache=cache, precision="int8")
    for entry in cache.iterdir():
        content = entry.read_bytes()
        if content[32:].startswith(b"{"):
            entry.write_bytes(content.replace(b"1", b"7"))
    convert_tiny(output=there / "two.edge", cache=cache, precision="int8")
    assert unpack(there / "two.edge") == whole


def test_the_command_killed_while_it_exports_leaves_a_cache_to_go_on_with(
    tiny_checkpoint: Path,
    sample_set: SampleSet,
    convert_tiny: Convert,
    whole: dict[str, bytes],
    there: Path,
    tmp_path: Path,
) -> None:
    cache = tmp_path / "cache"
    words = [
        "convert", tiny_checkpoint, "--calibration", sample_set.root, "--precision", "int8",
        "--cache", cache, "--output", there / "out.edge",
    ]  # fmt: skip
    program = [Path(sys.executable).parent / "edge-sdk", *words]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "export ...\n"
        # The first of four graphs is kept: the second is being made.
        while not (cache.is_dir() and any(not e.name.startswith(".") for e in cache.iterdir())):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    assert visible(there) == []
    kept = {entry: entry.stat().st_ino for entry in cache.iterdir()}
    assert 1 <= len(kept) < 4
    convert_tiny(output=there / "out.edge", cache=cache, precision="int8")
    assert unpack(there / "out.edge") == whole
    assert all(entry.stat().st_ino == number for entry, number in kept.items())
