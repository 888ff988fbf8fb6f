from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_sdk.cli.main import main
from edge_sdk.errors import UsageError
from edge_sdk.runtimes.assistant.service import NAME, Manager, Signs, unit
from edge_sdk.runtimes.speech import Transcript

from .parts import SILENCE, Stage, sound
from .test_loop import FROG, QUIET, TURN


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


def test_a_manager_that_does_not_read_holds_nobody_up(notified: socket.socket) -> None:
    """As systemd does when it is busy: a socket of its kind takes ten messages or so."""
    manager = Manager()
    for _ in range(2000):
        manager.tell(STATUS="listening", WATCHDOG="1")
    notified.recv(1000)
    manager.tell(STATUS="after it")
    notified.setblocking(False)
    last = b""
    with contextlib.suppress(BlockingIOError):
        while True:
            last = notified.recv(1000)
    assert last == b"STATUS=after it"
    manager.close()


def test_a_manager_that_comes_back_is_told_again(notified: socket.socket, tmp_path: Path) -> None:
    manager = Manager()
    (tmp_path / "notify").rename(tmp_path / "away")
    manager.tell(WATCHDOG="1")
    (tmp_path / "away").rename(tmp_path / "notify")
    manager.tell(WATCHDOG="1")
    assert notified.recv(1000) == b"WATCHDOG=1"
    manager.close()


def test_signs_of_life_are_as_often_as_the_manager_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    assert Manager().interval == 5
    monkeypatch.setenv("WATCHDOG_USEC", "6000000")
    assert Manager().interval == 2


class _Hanging:
    """A recogniser that hangs for a while; what the manager was told meanwhile."""

    def __init__(self, notified: socket.socket) -> None:
        self._notified = notified
        self.told: list[bytes] = []

    def transcribe(self, samples: object) -> Transcript:
        _drained(self._notified)
        time.sleep(0.1)
        self.told = _drained(self._notified)
        return Transcript("what is this")

    def close(self) -> None: ...


def _drained(notified: socket.socket) -> list[bytes]:
    notified.setblocking(False)
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(notified.recv(1000))
    return found


def test_a_stage_that_hangs_gives_no_sign_of_life(
    notified: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "3000")
    hanging = _Hanging(notified)
    stage = Stage(sound((SILENCE, 1.0), *TURN), [FROG], config=QUIET,
                  recognisers={"words": hanging})  # fmt: skip
    manager = Manager()
    signs = Signs(manager)
    stage.assistant.listen(signs.event)
    stage.assistant.beat(signs.beat)
    before: list[bytes] = []
    stage.assistant.beat(lambda: before.extend(_drained(notified)))
    stage.play()
    assert before[0] == b"READY=1\nSTATUS=idle"
    assert b"WATCHDOG=1" in before
    assert hanging.told == []
    manager.close()


def test_a_driver_that_hangs_gives_no_sign_of_life(
    notified: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "3")
    manager, hangs = Manager(), [0.0]
    signs = Signs(manager, lambda: hangs[0])
    signs.beat()
    assert b"WATCHDOG=1" in _drained(notified)
    hangs[0] = 31.0
    time.sleep(0.01)
    signs.beat()
    assert _drained(notified) == [b"STATUS=the driver of the microphone hangs"]
    manager.close()


def test_a_manager_that_has_gone_is_no_error(notified: socket.socket, tmp_path: Path) -> None:
    manager = Manager()
    (tmp_path / "notify").unlink()
    manager.tell(WATCHDOG="1")
    manager.tell(WATCHDOG="1")
    manager.close()


@pytest.mark.parametrize("page", [False, True])
@pytest.mark.parametrize("system", [False, True])
def test_the_unit_is_one_that_systemd_takes(page: bool, system: bool, tmp_path: Path) -> None:
    user = "root" if system else None
    text = unit(["/bin/sh", "-c", "echo 100% $HOME 'a b'"], page=page, system=system, user=user)
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
    said = " ".join(capsys.readouterr().out.split())
    assert f"systemctl --user enable --now {NAME}" in said
    assert "loginctl enable-linger" in said


def _printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["assist", "install-service", *words, "--print"])
    assert not ended.value.code
    return capsys.readouterr().out


def test_a_camera_on_the_network_is_reached_by_the_service(
    tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = _printed(capsys, str(tiny_bundle), "--camera", "rtsp://192.0.2.7/1")
    assert "PrivateNetwork" not in text
    assert "AF_UNIX" not in text
    assert "IPAddressDeny" not in text


def test_a_service_of_the_system_has_an_account_and_a_folder_for_timers(
    tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = _printed(capsys, str(tiny_bundle), "--system", "--run-as", "speaker")
    assert "\nUser=speaker\nSupplementaryGroups=audio video\n" in text
    assert "\nStateDirectory=edge-sdk\nEnvironment=EDGE_SDK_STATE=%S/edge-sdk\n" in text
    assert "User=" not in _printed(capsys, str(tiny_bundle), "--system")
    with pytest.raises(SystemExit) as ended:
        main(["assist", "install-service", str(tiny_bundle), "--run-as", "me", "--print"])
    assert ended.value.code == UsageError.exit_code
    assert "--system" in capsys.readouterr().err


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
