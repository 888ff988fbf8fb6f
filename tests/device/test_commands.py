"""The commands that need no bundle, and the one that needs more than a device has."""

from __future__ import annotations

from pathlib import Path

from .conftest import Cli


def test_targets_come_with_the_wheel(cli: Cli) -> None:
    names = [target["name"] for target in cli.json("targets")["targets"]]
    assert names[0] == "local"
    assert {"rpi5", "rpi4", "jetson-orin-nano", "x86-64-v3"} <= set(names)


def test_convert_says_what_to_install(cli: Cli, tmp_path: Path) -> None:
    output = tmp_path / "it.edge"
    words = ("convert", tmp_path, "--calibration", tmp_path, "--output", output)
    said = cli(*words, code=11).stderr
    assert "pip install 'edge-sdk[convert]'" in said
    assert not output.exists()


def test_the_version_is_the_wheel_s(cli: Cli) -> None:
    assert cli("--version").stdout.startswith("edge-sdk 0.")
