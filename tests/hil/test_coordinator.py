"""The suite on a place that a labgrid coordinator hands out; the coordinator is a real one."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_sdk.bundle import Bundle

from ..remote.conftest import Server, device_program, server
from .test_suite import run_suite

__all__ = ["device_program", "server"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BIN = Path(sys.prefix) / "bin"


@contextmanager
def running(log: Path, *command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, cwd=log.parent)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def coordinator(server: Server, tmp_path: Path) -> Iterator[str]:
    """The address of a coordinator, to which an exporter has told of the SSH server."""
    if shutil.which(BIN / "labgrid-coordinator") is None:
        pytest.skip("labgrid's coordinator is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    exports = tmp_path / "exports.yaml"
    exports.write_text(
        f"left:\n  NetworkService:\n    address: board\n    username: {getpass.getuser()}\n"
    )
    deadline = time.monotonic() + 60
    log = tmp_path / "exporter.log"
    with running(tmp_path / "coordinator.log", BIN / "labgrid-coordinator", "-l", address):
        # An exporter ends where no coordinator listens yet.
        while not _listens(address):
            assert time.monotonic() < deadline, (tmp_path / "coordinator.log").read_text()
            time.sleep(0.2)
        with running(log, *(BIN / "labgrid-exporter", "-c", address, "-n", "rack", exports)):
            while "rack/left/NetworkService" not in client(address, "resources").stdout:
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            yield address


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def client(address: str, *words: str) -> subprocess.CompletedProcess[str]:
    """labgrid's own client, as somebody at the rack types it."""
    return subprocess.run(
        [BIN / "labgrid-client", "-x", address, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LG_USERNAME": "tester", "LG_HOSTNAME": "here"},
    )


def test_a_place_is_taken_and_its_board_proven(
    coordinator: str,
    server: Server,
    tiny_bundle: Path,
    device_program: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for words in (["create"], ["add-match", "rack/left/NetworkService"]):
        done = client(coordinator, "-p", "bench", *words)
        assert done.returncode == 0, done.stderr
    environment = tmp_path / "boards.yaml"
    environment.write_text(
        "targets:\n  left:\n    resources:\n      RemotePlace: {name: bench}\n    options:\n"
        f"      edge_folder: {tmp_path / 'board'}\n      edge_program: {device_program}\n"
        f"      edge_ssh: ssh -F {server.config}\n"
    )
    monkeypatch.setenv("LG_USERNAME", "tester")
    monkeypatch.setenv("LG_HOSTNAME", "here")
    suite = ["--lg-env", environment, "--lg-coordinator", coordinator, "-k", "golden"]

    free = run_suite(*suite, "--edge-bundle", tiny_bundle, cwd=tmp_path)
    assert free.returncode != 0
    assert "bench" in free.stdout
    assert "not acquired" in free.stdout

    assert client(coordinator, "-p", "bench", "acquire").returncode == 0
    taken = run_suite(*suite, "--edge-bundle", tiny_bundle, cwd=tmp_path)
    assert taken.returncode == 0, taken.stdout[-4000:]
    assert "1 passed" in taken.stdout
    current = Bundle.open(tmp_path / "board" / "current" / "bundle.edge")
    assert current.manifest.digest == Bundle.open(tiny_bundle).manifest.digest
