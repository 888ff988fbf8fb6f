"""Installing the runtime on a device: the project's own wheel, into an environment there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_sdk.bundle import Bundle
from edge_sdk.errors import UsageError
from edge_sdk.remote import DeployOptions, OpenSsh, deploy


@pytest.mark.slow
def test_the_wheel_is_installed_once(
    board: OpenSsh, versions: tuple[Bundle, ...], tmp_path: Path
) -> None:
    built = subprocess.run(
        ["sh", "scripts/wheel.sh", tmp_path / "wheel"], capture_output=True, text=True, check=True
    )
    folder = tmp_path / "board"
    options = DeployOptions(install=built.stdout.strip(), python=sys.executable)
    first = deploy(versions[0], board, str(folder), options)
    assert first.installed
    assert sum(first.checks.values()) > 0
    # What verified it there is what was installed there.
    program = folder / "venv" / "bin" / "edge-sdk"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("edge-sdk ")
    again = deploy(versions[1], board, str(folder), options)
    assert not again.installed
    assert len(list((folder / "venvs").iterdir())) == 1


def test_what_is_no_wheel_is_refused(
    board: OpenSsh, versions: tuple[Bundle, ...], tmp_path: Path
) -> None:
    for source in (tmp_path / "no.whl", tmp_path):
        with pytest.raises(UsageError, match="wheel"):
            deploy(versions[0], board, str(tmp_path), DeployOptions(install=str(source)))
    assert not (tmp_path / "current").exists()
