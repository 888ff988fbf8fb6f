"""The command line as a whole, run as a program of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from .conftest import Run

PROGRAM = [sys.executable, "-c", "from edge_sdk.cli.main import main; main()"]
COMMANDS = ("convert", "infer", "inspect", "targets", "verify")


def program(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*PROGRAM, *words], capture_output=True, text=True, check=False, **options
    )
    assert "Traceback" not in done.stderr
    return done


def test_help_and_version(run: Run) -> None:
    for words in (("--help",), ("-h",)):
        got = run(*words)
        assert (got.code, got.err) == (0, "")
        assert all(f"\n  {command} " in got.out for command in COMMANDS)
    assert run("--version").out == f"edge-sdk {version('edge-sdk')}\n"
    for command in COMMANDS:
        got = run(command, "--help")
        assert (got.code, got.err) == (0, "")
        assert f"edge-sdk {command}" in got.out


def test_usage_errors(refused: Callable[..., str]) -> None:
    assert "No such command 'cook'" in refused(2, "cook")
    assert "No such option" in refused(2, "targets", "--all")
    assert "edge-sdk targets --help" in refused(2, "targets", "--all")


def test_without_a_command_it_shows_the_help_and_fails(run: Run) -> None:
    got = run()
    assert got.code == 2
    assert got.out == ""
    assert "verify" in got.err


def test_the_installed_program(tiny_bundle: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("edge-sdk"), "infer", tiny_bundle, "--text=a", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["used"] == ["text"]


def test_a_mistake_in_a_process_of_its_own() -> None:
    done = program("infer", "none.edge", "--text", "stop", "--json")
    assert done.returncode == 4
    assert done.stderr == "error: There is no bundle at none.edge.\n"
    assert json.loads(done.stdout)["error"]["kind"] == "bundle"


def test_a_reader_that_has_gone() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [*PROGRAM, "targets"], stdout=write, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(write)
    assert done.returncode != 0
    assert done.stderr == ""


def test_standard_output_that_is_full() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "targets"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode not in (0, 120)
    assert done.stderr.startswith("error: ")
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_names_that_are_not_utf8_and_a_plain_locale(tiny_bundle: Path) -> None:
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = program("infer", str(tiny_bundle), "--text", "straße", env=plain)
    assert (done.returncode, done.stderr) == (0, "")
    done = program("inspect", "straße.edge", env=plain)
    assert done.returncode == 4
    done = program("inspect", os.fsdecode(b"\xff.edge"), "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["exit_code"] == 4


def interruptible() -> None:
    """A shell starts its background jobs, and so perhaps these tests, deaf to SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interruption_is_no_traceback(
    run: Run, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    interruptible()
    monkeypatch.setattr("edge_sdk.bundle.Bundle.open", interrupted)
    got = run("inspect", tiny_bundle)
    assert got.code == 130
    assert got.err.strip() == "Interrupted."


@pytest.mark.parametrize(
    ("error", "why"),
    [(MemoryError(), "not enough memory"), (PermissionError(13, "Permission denied", "x"), "x: ")],
)
def test_what_the_system_refuses_is_a_sentence(
    refused: Callable[..., str],
    tiny_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    why: str,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("edge_sdk.bundle.Bundle.open", fails)
    assert why in refused(1, "inspect", tiny_bundle)
