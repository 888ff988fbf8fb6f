"""Installing the runtime on a device: the project's own wheel, into an environment there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from edge_sdk.benchmarks.profile import ProfileOptions, read_result
from edge_sdk.benchmarks.profile.remote import profile_on
from edge_sdk.bundle import Bundle
from edge_sdk.errors import UsageError
from edge_sdk.remote import DeployOptions, OpenSsh, deploy

from ..cli.conftest import Run, run
from .conftest import Server

__all__ = ["run"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = subprocess.run(
        ["sh", "scripts/wheel.sh", tmp_path_factory.mktemp("wheel")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return Path(built.stdout.strip())


@pytest.fixture(scope="module")
def wheels(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel with all that it needs."""
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--dest", folder, f"{wheel}[onnx]"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


def installed_in(board: Path) -> str:
    """What calls itself edge-sdk in the environment that was made on the board."""
    program = board / "venv" / "bin" / "edge-sdk"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.strip()


@pytest.mark.slow
def test_a_profile_installs_from_a_folder_of_wheels(
    run: Run,
    server: Server,
    versions: tuple[Bundle, ...],
    wheels: Path,
    tmp_path: Path,
) -> None:
    """As on a board without a network: everything is sent, nothing is fetched."""
    board = tmp_path / "board"
    words = ("profile", versions[0].path, "--device", server.address(board), "--ssh",
             server.command, "--install", wheels, "--rounds", "1", "--calls", "10",
             "--json", tmp_path / "out.json")  # fmt: skip
    done = run(*words)
    assert done.code == 0, done.err
    result = read_result(tmp_path / "out.json")
    assert result.bundle.digest == versions[0].manifest.digest
    assert installed_in(board) == f"edge-sdk {result.software.edge_sdk}"
    assert not (board / "current").exists()
    made = {path: path.stat().st_mtime_ns for path in (board / "venvs").iterdir()}
    again = run(*words)
    assert again.code == 0, again.err
    assert {path: path.stat().st_mtime_ns for path in (board / "venvs").iterdir()} == made


@pytest.mark.slow
def test_a_profile_installs_from_the_index_of_the_device(
    board: OpenSsh, versions: tuple[Bundle, ...], wheels: Path, tmp_path: Path
) -> None:
    """The device's pip is set up with an index: here a folder, and nothing beside it."""
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\n"{sys.executable}" "$@" || exit\n'
        'for place in "$@"; do :; done\n'
        f"printf '[global]\\nno-index = true\\nfind-links = {wheels}\\n' > \"$place/pip.conf\"\n"
    )
    python.chmod(0o755)
    folder = tmp_path / "board"
    options = ProfileOptions(rounds=1, calls=10)
    way = DeployOptions(install="pip", python=str(python))
    result = profile_on(versions[0], board, str(folder), options, way)
    assert result.stages["total"].calls == 10
    assert installed_in(folder) == f"edge-sdk {version('edge-sdk')}"


@pytest.mark.slow
def test_the_wheel_is_installed_once(
    board: OpenSsh, versions: tuple[Bundle, ...], wheel: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "board"
    options = DeployOptions(install=str(wheel), python=sys.executable)
    first = deploy(versions[0], board, str(folder), options)
    assert first.installed
    assert sum(first.checks.values()) > 0
    # What verified it there is what was installed there.
    assert installed_in(folder).startswith("edge-sdk ")
    again = deploy(versions[1], board, str(folder), options)
    assert not again.installed
    assert len(list((folder / "venvs").iterdir())) == 1


@pytest.mark.slow
def test_from_a_folder_a_new_version_costs_its_own_wheel_alone(
    board: OpenSsh, versions: tuple[Bundle, ...], wheels: Path, tmp_path: Path
) -> None:
    newer, folder = tmp_path / "wheels", tmp_path / "board"
    shutil.copytree(wheels, newer)
    options = DeployOptions(install=str(newer), python=sys.executable)
    assert deploy(versions[0], board, str(folder), options).installed
    with zipfile.ZipFile(next(newer.glob("edge_sdk-*.whl")), "a") as archive:
        archive.writestr("edge_sdk/newer.txt", "a file more")
    second = deploy(versions[1], board, str(folder), options)
    assert second.installed
    assert sum(second.checks.values()) > 0
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    assert (site / "edge_sdk" / "newer.txt").exists()
    assert not (site / "numpy").exists()
    assert len(list((folder / "libs").iterdir())) == 1


def test_what_is_no_wheel_is_refused(
    board: OpenSsh, versions: tuple[Bundle, ...], tmp_path: Path
) -> None:
    for source in (tmp_path / "no.whl", tmp_path):
        with pytest.raises(UsageError, match="wheel"):
            deploy(versions[0], board, str(tmp_path), DeployOptions(install=str(source)))
    assert not (tmp_path / "current").exists()
