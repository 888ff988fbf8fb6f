"""A bundle made elsewhere holds here: hashes, golden outputs, description."""

from __future__ import annotations

from pathlib import Path

from edge_sdk import Bundle

from .conftest import Cli


def test_every_file_of_the_bundle_is_whole(bundle: Path) -> None:
    opened = Bundle.open(bundle)
    assert opened.check_files() == len(opened.manifest.files)


def test_verify_reproduces_the_golden_outputs(bundle: Path, cli: Cli) -> None:
    said = cli.json("verify", bundle)
    assert said["ok"] is True
    parts = {part.name for part in Bundle.open(bundle).manifest.parts}
    (edition,) = said["editions"].values()
    assert edition["providers"] == dict.fromkeys(parts, "CPUExecutionProvider")
    stages = {entry["stage"].split(".")[0] for entry in edition["stages"]}
    assert {"features", "embedding", "output"} <= stages


def test_verify_refuses_a_flipped_byte(bundle: Path, cli: Cli, tmp_path: Path) -> None:
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    harmed = tmp_path / "harmed.edge"
    harmed.write_bytes(content)
    assert "damaged" in cli("verify", harmed, code=4).stderr


def test_inspect_describes_the_bundle(bundle: Path, cli: Cli) -> None:
    manifest = Bundle.open(bundle).manifest
    said = cli.json("inspect", bundle)
    assert said["manifest"]["digest"] == manifest.digest
    table = cli("inspect", bundle).stdout
    assert all(part.name in table for part in manifest.parts)
