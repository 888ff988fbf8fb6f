"""The suite for boards, end to end: two boards of a labgrid environment, which are SSH servers."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edge_sdk.bundle import Bundle
from edge_sdk.samples import SampleSet

from ..remote.conftest import Server, device_program, server

__all__ = ["device_program", "server"]

# Every verification on a board is a fresh process there.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run_suite(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """pytest as a user calls it, with nothing of this project's settings."""
    command = [sys.executable, "-m", "pytest", "-c", "/dev/null", "-p", "no:cacheprovider",
               "--pyargs", "edge_sdk.benchmarks.hil", *words]  # fmt: skip
    return subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False
    )


def write_environment(path: Path, server: Server, program: str, *boards: str) -> Path:
    targets = "".join(
        f"  {board}:\n    resources:\n      NetworkService:\n        address: board\n"
        f"        username: {getpass.getuser()}\n    options:\n"
        f"      edge_folder: {path.parent / board}\n      edge_program: {program}\n"
        f"      edge_ssh: ssh -F {server.config}\n"
        for board in boards
    )
    path.write_text(f"targets:\n{targets}")
    return path


def test_every_bundle_on_every_board(
    server: Server,
    tiny_bundle: Path,
    sample_set: SampleSet,
    device_program: str,
    tmp_path: Path,
) -> None:
    environment = write_environment(
        tmp_path / "boards.yaml", server, device_program, "left", "right"
    )
    budgets = tmp_path / "budgets.toml"
    budgets.write_text('[local.limits]\n"peak_mb" = 2000\n[local.regression]\n"peak_mb" = "50%"\n')
    done = run_suite(
        "--lg-env", environment, "--edge-bundle", tiny_bundle, "--edge-samples", sample_set.root,
        "--edge-limit", "20", "--edge-agreement", "0.7", "--edge-budgets", budgets,
        "--edge-soak", "2",
        "--junitxml", tmp_path / "junit.xml", "--edge-matrix", tmp_path / "matrix.html",
        "-n", "2",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert " 14 passed, 4 skipped" in done.stdout, done.stdout[-500:]
    for board in ("left", "right"):
        current = Bundle.open(tmp_path / board / "current" / "bundle.edge")
        assert current.manifest.digest == Bundle.open(tiny_bundle).manifest.digest
    told = {
        (p.get("name"), p.get("value"))
        for p in ElementTree.parse(tmp_path / "junit.xml").iter("property")
    }
    assert {("edge_sdk.board", "left"), ("edge_sdk.board", "right")} <= told
    page = (tmp_path / "matrix.html").read_text()
    assert page.count("7 of 7 passed") >= 2


def test_a_limit_that_is_missed_fails_there(
    server: Server, tiny_bundle: Path, device_program: str, tmp_path: Path
) -> None:
    environment = write_environment(tmp_path / "boards.yaml", server, device_program, "left")
    budgets = tmp_path / "budgets.toml"
    budgets.write_text('[local.limits]\n"peak_mb" = 1\n')
    done = run_suite(
        "--lg-env", environment, "--edge-bundle", tiny_bundle, "--edge-budgets", budgets,
        "-k", "budgets", "--edge-matrix", tmp_path / "matrix.html",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "over 1 MB" in done.stdout
    assert "FAILED" in (tmp_path / "matrix.html").read_text()


def test_a_profile_is_held_against_the_one_before(
    server: Server, tiny_bundle: Path, device_program: str, tmp_path: Path
) -> None:
    environment = write_environment(tmp_path / "boards.yaml", server, device_program, "left")
    budgets, baseline = tmp_path / "budgets.toml", tmp_path / "baseline"
    words: list[str | Path] = [
        "--lg-env", environment, "--edge-bundle", tiny_bundle, "--edge-budgets", budgets,
        "--edge-baseline", baseline, "-k", "baseline",
    ]  # fmt: skip
    budgets.write_text('[local.regression]\n"peak_mb" = "50%"\n')
    assert "makes it" in run_suite(*words, "-ra", cwd=tmp_path).stdout
    assert run_suite(*words, "--edge-write-baseline", cwd=tmp_path).returncode == 0
    assert run_suite(*words, cwd=tmp_path).returncode == 0
    before = baseline / "left" / f"{tiny_bundle.stem}.json"
    less = json.loads(before.read_text())
    less["memory"]["peak"]["rounds"] = [v / 2 for v in less["memory"]["peak"]["rounds"]]
    before.write_text(json.dumps(less))
    done = run_suite(*words, cwd=tmp_path)
    assert done.returncode == 1
    assert "peak_mb" in done.stdout


def test_a_board_that_is_not_in_the_environment_is_a_sentence(
    server: Server, tiny_bundle: Path, device_program: str, tmp_path: Path
) -> None:
    environment = write_environment(tmp_path / "boards.yaml", server, device_program, "left")
    done = run_suite(
        "--lg-env", environment, "--edge-bundle", tiny_bundle, "--edge-board", "middle",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode != 0
    assert "has no target 'middle'; it has left" in done.stdout + done.stderr
