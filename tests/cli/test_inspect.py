"""``edge-sdk inspect`` and ``edge-sdk targets``."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from edge_sdk.targets import TargetProfile, target_names

from ..bundles import manifest_of, rewrite, with_rungs
from .conftest import Run


def test_inspect_says_what_is_in_a_bundle(run: Run, tiny_bundle: Path) -> None:
    got = run("inspect", tiny_bundle)
    assert (got.code, got.err) == (0, "")
    manifest = manifest_of(tiny_bundle)
    for part in manifest.parts:
        row = next(line for line in got.out.splitlines() if line.startswith(part.name + " "))
        assert "int8" in row
        assert "onnxruntime" in row
    assert "GRU" in got.out
    for told in ("tiny for local", "intent: 3 labels (stop, what-is-this, play)", "16000 Hz",
                 "24x24", "10 tokens", manifest.frontends_hash[:16],
                 manifest.provenance.checkpoint[:16], "torch", "golden samples: 4",
                 "held-out share of the calibration set"):  # fmt: skip
        assert told in got.out


def test_inspect_as_json(run: Run, tiny_bundle: Path) -> None:
    got = run("inspect", tiny_bundle, "--json")
    assert (got.code, got.err) == (0, "")
    assert got.json["path"] == str(tiny_bundle)
    with zipfile.ZipFile(tiny_bundle) as archive:
        sizes = {i.filename: i.file_size for i in archive.infolist()}
    assert got.json["size"]["total"] == sum(sizes.values()) - sizes["manifest.json"]
    assert got.json["size"]["parts"] == sum(s for n, s in sizes.items() if n.startswith("parts/"))
    expected = msgspec.to_builtins(manifest_of(tiny_bundle))
    assert msgspec.json.decode(msgspec.json.encode(got.json["manifest"])) == msgspec.json.decode(
        msgspec.json.encode(expected)
    )


def test_inspect_shows_the_ladder(run: Run, tiny_bundle: Path, tmp_path: Path) -> None:
    got = run("inspect", with_rungs(tiny_bundle, tmp_path / "ladder.edge"))
    assert got.code == 0
    assert "onnxruntime.audio-only: answers on audio alone" in got.out
    rows = got.out[got.out.index("From the costliest to the cheapest") :].splitlines()[2:]
    assert [row.split()[:2] for row in rows[:3]] == [
        ["full", "onnxruntime"],
        ["small", "onnxruntime.small"],
        ["audio-only", "onnxruntime.audio-only"],
    ]
    assert "audio, image, text" in rows[1]


def test_inspect_refuses(refused: Callable[..., str], tiny_bundle: Path, tmp_path: Path) -> None:
    assert "There is no bundle" in refused(4, "inspect", tmp_path / "none.edge")
    assert "it has no manifest.json" in refused(4, "inspect", tmp_path)
    newer = rewrite(tiny_bundle, tmp_path / "newer.edge", schema=7)
    assert "schema 7" in refused(4, "inspect", newer)
    assert "There is no bundle" in refused(4, "inspect", "\udcff.edge")


def test_inspect_of_a_bundle_with_a_name_that_is_not_utf8(
    run: Run, tiny_bundle: Path, tmp_path: Path
) -> None:
    path = rewrite(tiny_bundle, tmp_path / "\udcff.edge")
    for command in ("inspect", "verify"):
        assert run(command, path).code == 0
        assert run(command, path, "--json").json["path"].endswith("\N{REPLACEMENT CHARACTER}.edge")


def test_targets_lists_every_profile(run: Run) -> None:
    got = run("targets")
    assert (got.code, got.err) == (0, "")
    rows = {line.split()[0]: line for line in got.out.splitlines()[1:]}
    assert set(rows) == set(target_names())
    assert "7 bit" in rows["x86-64-v3"]
    assert "8 bit" in rows["rpi5"]


def test_targets_as_json_can_be_read_back(run: Run) -> None:
    got = run("targets", "--json")
    profiles = msgspec.convert(got.json["targets"], type=tuple[TargetProfile, ...])
    assert tuple(profile.name for profile in profiles) == target_names()
