"""What a command uses: CPU time and peak memory, as the kernel accounts them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from edge_sdk.errors import DeviceError

_LAUNCHER = Path(__file__).with_name("launcher.py")


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """One finished command.

    Attributes:
        cpu_seconds: user and system time of the process and the children it waited for.
        peak_bytes: the largest resident size that any one of them reached.
        exit_code: negative where a signal ended it.
        output: its standard output.
        problems: its standard error.
    """

    cpu_seconds: float
    peak_bytes: int
    exit_code: int
    output: bytes = b""
    problems: str = ""


def measure(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Usage:
    """Run ``command`` to its end; returns what it used, whatever its exit code.

    Args:
        command: the program and its arguments.
        environment: variables set on top of this process's.
    """
    reading, writing = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_LAUNCHER), str(writing), *command],
            pass_fds=(writing,),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        report = pipe.read()
    problems = done.stderr.decode(errors="replace")
    if done.returncode != 0 or not report:
        raise DeviceError(f"{Path(command[0]).name} could not be started: {_last_line(problems)}")
    usage = msgspec.json.decode(report, type=Usage)
    return msgspec.structs.replace(usage, output=done.stdout, problems=problems)


def measure_success(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> Usage:
    """As :func:`measure`, for a command that has to succeed.

    Raises:
        DeviceError: it failed; the sentence carries what it said last.
    """
    usage = measure(command, environment=environment)
    if usage.exit_code != 0:
        name = " ".join([Path(command[0]).name, *command[1:2]])
        raise DeviceError(
            f"The measured command {name} failed with exit code {usage.exit_code}: "
            f"{_last_line(usage.problems)}"
        )
    return usage


def edge_sdk(*arguments: str) -> list[str]:
    """The command line ``edge-sdk`` of this very environment, with ``arguments``."""
    script = Path(sys.executable).with_name("edge-sdk")
    if script.is_file():
        return [str(script), *arguments]
    return [sys.executable, "-c", "from edge_sdk.cli.main import main; main()", *arguments]


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing."
