"""``edge-sdk deploy`` as a user types it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_sdk.benchmarks.profile import read_result
from edge_sdk.bundle import Bundle
from edge_sdk.samples import SampleSet

from ..cli.conftest import Run, refused, run
from .conftest import Server

__all__ = ["refused", "run"]


def test_deploy_list_and_roll_back(
    run: Run,
    server: Server,
    versions: tuple[Bundle, ...],
    device_program: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDGE_SDK_SSH", server.command)
    place = server.address(tmp_path)
    for bundle in versions[:2]:
        done = run("deploy", bundle.path, place, "--edge-sdk", device_program)
        assert done.code == 0, done.err
        assert "is current on board" in done.out
    listed = run("deploy", "--list", place)
    assert listed.out.splitlines()[1].startswith("current")
    found = run("deploy", "--list", place, "--json").json
    assert found["current"] == versions[1].manifest.digest
    back = run("deploy", "--rollback", place, "--edge-sdk", device_program, "--json").json
    assert back["release"]["name"] == "first"
    assert back["previous"] == versions[1].manifest.digest


def test_what_makes_no_sense_is_refused(refused: Callable[..., str], tiny_bundle: Path) -> None:
    assert "a bundle and an address" in refused(2, "deploy", tiny_bundle)
    assert "an address alone" in refused(2, "deploy", "--rollback", tiny_bundle, "ssh://rpi5")
    assert "of the form" in refused(2, "deploy", tiny_bundle, "rpi5:/srv")
    assert "two calls" in refused(2, "deploy", "--rollback", "--list", "ssh://rpi5")
    absent = refused(11, "deploy", "--list", "ssh://rpi5", "--ssh", "no-such-ssh")
    assert "openssh-client" in absent


def test_profile_on_a_device(
    run: Run,
    server: Server,
    versions: tuple[Bundle, ...],
    sample_set: SampleSet,
    device_program: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDGE_SDK_SSH", server.command)
    board = tmp_path / "board"
    words = ("--device", server.address(board), "--edge-sdk", device_program, "--rounds", "1",
             "--calls", "10", "--samples", sample_set.root,
             "--json", tmp_path / "out.json")  # fmt: skip
    done = run("profile", versions[0].path, *words)
    assert done.code == 0, done.err
    result = read_result(tmp_path / "out.json")
    assert result.bundle.digest == versions[0].manifest.digest
    assert result.stages["total"].calls == 10
    # It was measured from what was sent: nothing became current, and the samples are there.
    assert result.options.samples is not None
    assert result.options.samples.startswith(str(board))
    assert not (board / "current").exists()

    wrong = run("profile", versions[0].path, *words, "--part", "nose")
    assert wrong.code == 2
    assert "board: " in wrong.err
    assert "nose" in wrong.err


def test_options_of_a_device_need_one(run: Run, tiny_bundle: Path) -> None:
    done = run("profile", tiny_bundle, "--install", "pip")
    assert done.code == 2
    assert "give --device" in done.err
