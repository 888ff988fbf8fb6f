from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_sdk.cli.main import main
from edge_sdk.errors import UsageError
from edge_sdk.runtimes.assistant.service import NAME, Manager, unit


@pytest.fixture
def notified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A service manager's socket."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(tmp_path / "notify"))
    listening.settimeout(30)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    yield listening
    listening.close()


def test_the_manager_is_told(notified: socket.socket) -> None:
    manager = Manager()
    manager.tell(READY="1", STATUS="idle")
    assert notified.recv(1000) == b"READY=1\nSTATUS=idle"
    manager.close()


def test_without_a_manager_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Manager().tell(READY="1")


def test_a_manager_that_has_gone_is_no_error(notified: socket.socket, tmp_path: Path) -> None:
    manager = Manager()
    (tmp_path / "notify").unlink()
    manager.tell(WATCHDOG="1")
    manager.tell(WATCHDOG="1")


@pytest.mark.parametrize("page", [False, True])
@pytest.mark.parametrize("system", [False, True])
def test_the_unit_is_one_that_systemd_takes(page: bool, system: bool, tmp_path: Path) -> None:
    text = unit(["/bin/sh", "-c", "echo 100% $HOME 'a b'"], page=page, system=system)
    assert ("PrivateNetwork=yes" in text) is not page
    assert ("multi-user.target" in text) is system
    (tmp_path / NAME).write_text(text)
    if shutil.which("systemd-analyze") is None:
        return
    found = subprocess.run(
        ["systemd-analyze", "verify", *([] if system else ["--user"]), str(tmp_path / NAME)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert NAME not in found.stderr, found.stderr


def test_install_service_writes_the_unit_and_says_how_to_start_it(
    tiny_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["assist", "install-service", str(tiny_bundle), "--camera", "0", "--mic", "hw 1"])
    assert not ended.value.code
    written = (tmp_path / "systemd" / "user" / NAME).read_text()
    assert f"assist {tiny_bundle}" in written
    assert "--camera 0" in written
    assert "'hw 1'" in written
    assert f"systemctl --user enable --now {NAME}" in " ".join(capsys.readouterr().out.split())


def test_a_service_goes_by_the_policy_that_was_asked_for(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[down]\nload = 0.5\n")
    words = ["assist", "install-service", str(tiny_bundle), "--print", "--policy"]
    for given, said in ((str(policy), f"--policy {policy}"), ("none", "--policy none")):
        with pytest.raises(SystemExit) as ended:
            main([*words, given])
        assert not ended.value.code
        assert said in capsys.readouterr().out
    policy.write_text("lavels = 3\n")
    with pytest.raises(SystemExit) as ended:
        main([*words, str(policy)])
    assert ended.value.code == UsageError.exit_code
    assert "is no policy of a governor" in capsys.readouterr().err


def test_install_service_refuses_what_is_no_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["assist", "install-service", str(tmp_path / "no.edge"), "--print"])
    assert ended.value.code == 4
    assert "no.edge" in capsys.readouterr().err
