"""A real SSH server on a port of this machine, with keys of its own; nothing of the user's."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_sdk.bundle import Bundle
from edge_sdk.remote import DeployOptions, OpenSsh, parse_address

from ..bundles import rewrite

SSHD = "/usr/sbin/sshd"


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        port: on 127.0.0.1.
        config: a configuration for ssh that knows the host key and has a key that may enter.
        folder: where keys and known hosts lie.
    """

    port: int
    config: Path
    folder: Path

    @property
    def command(self) -> str:
        """What to connect with."""
        return f"ssh -F {self.config}"

    def address(self, folder: str | Path) -> str:
        """The address of an absolute folder on the server."""
        return f"ssh://board{folder}"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets the current user in, by key alone."""
    if not Path(SSHD).exists() or shutil.which("ssh-keygen") is None:
        pytest.skip("there is no SSH server here: run scripts/system_packages.sh ssh")
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host_key", "user_key", "stranger_key", "other_host_key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name],
            check=True,
        )
    port = _free_port()
    (folder / "authorized_keys").write_bytes((folder / "user_key.pub").read_bytes())
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host_key\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
        f"PidFile none\nMaxStartups 50\nSetEnv PATH={os.environ['PATH']}\n"
    )
    write_known_hosts(folder, port, "host_key")
    config = folder / "config"
    write_config(config, port, "user_key")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where the server confines itself
    process = subprocess.Popen(
        [SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield Server(port=port, config=config, folder=folder)
    finally:
        process.terminate()
        process.wait()


def write_config(path: Path, port: int, key: str) -> None:
    """A configuration with the host ``board``."""
    path.write_text(
        f"Host board\n  HostName 127.0.0.1\n  Port {port}\n  User {getpass.getuser()}\n"
        f"  IdentityFile {path.parent}/{key}\n  IdentitiesOnly yes\n  IdentityAgent none\n"
        f"  UserKnownHostsFile {path.parent}/known_hosts\n  GlobalKnownHostsFile none\n"
    )


def write_known_hosts(folder: Path, port: int, key: str, name: str = "known_hosts") -> None:
    """Known hosts with one of the keys in ``folder`` for the server."""
    kind, value, *_ = (folder / f"{key}.pub").read_text().split()
    (folder / name).write_text(f"[127.0.0.1]:{port} {kind} {value}\n")


@pytest.fixture(scope="session")
def device_program() -> str:
    """How edge-sdk is called on the server: this environment's own, as a board has it."""
    return str(Path(sys.prefix) / "bin" / "edge-sdk")


@pytest.fixture
def board(server: Server) -> Iterator[OpenSsh]:
    """The way to the server."""
    with OpenSsh(parse_address(server.address("/tmp")), server.command) as transport:
        yield transport


@pytest.fixture(scope="session")
def options(device_program: str) -> DeployOptions:
    """A deployment with this environment's edge-sdk on the server."""
    return DeployOptions(edge_sdk=device_program)


@pytest.fixture(scope="session")
def versions(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, ...]:
    """Three bundles of the same graphs."""
    folder = tmp_path_factory.mktemp("versions")
    return tuple(
        Bundle.open(rewrite(tiny_bundle, folder / f"{name}.edge", name=name))
        for name in ("first", "second", "third")
    )


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "the SSH server did not start"
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the SSH server does not listen")
