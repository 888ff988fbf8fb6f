"""The TFLite tools in a process of their own: what crashes there is a sentence here."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from edge_sdk.errors import CrashError, DependencyError, ExportError, ending

# The worker's module; tests put another command here.
COMMAND: tuple[str, ...] = (sys.executable, "-m", "edge_sdk.converters.export.tflite_worker")
#: Seconds after which a conversion of one part counts as hung.
TIMEOUT = 900.0
RESULT, FAILURE = "result", "failure.json"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why the worker gave up: the exception's class and message, the operator if it names one."""

    kind: str
    message: str
    missing: bool = False


def run_worker(
    task: str, part: str, files: Mapping[str, bytes], *, timeout: float | None = None
) -> bytes:
    """Run one task of the worker over ``files`` and return its result.

    Args:
        task: ``export`` or ``quantise``.
        part: the part's name, for sentences.
        files: the task's inputs, by file name.
        timeout: seconds; :data:`TIMEOUT` by default.

    Raises:
        DependencyError: the TFLite tools are not installed.
        CrashError: the tools crashed or hung.
        ExportError: the tools gave up.
    """
    limit = TIMEOUT if timeout is None else timeout
    with tempfile.TemporaryDirectory(prefix="edge-sdk-tflite-") as place:
        folder = Path(place)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        # hash order must not reach the result
        environment = {**os.environ, "PYTHONHASHSEED": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
        try:
            done = subprocess.run(
                [*COMMAND, task, str(folder)],
                capture_output=True,
                env=environment,
                stdin=subprocess.DEVNULL,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CrashError(
                f"The TFLite tools did not finish to {task} the part {part} in {limit:g} seconds."
            ) from error
        if done.returncode == 0 and (folder / RESULT).is_file():
            return (folder / RESULT).read_bytes()
        if (folder / FAILURE).is_file():
            failure = msgspec.json.decode((folder / FAILURE).read_bytes(), type=Failure)
            if failure.missing:
                raise DependencyError(
                    "Converting to TFLite needs the packages of the build host: "
                    f"pip install 'edge-sdk[convert]' ({failure.message})."
                )
            raise ExportError(
                f"The TFLite tools cannot {task} the part {part}: {failure.kind}: "
                f"{failure.message.rstrip('.')}."
            )
        raise CrashError(
            f"The TFLite tools crashed while they were to {task} the part {part} "
            f"({ending(done.returncode)}){_last_line(done.stderr)}."
        )


def _last_line(stderr: bytes) -> str:
    """What the tools said last, without the dump of a crash handler."""
    text = stderr.decode(errors="replace").split("Fatal Python error")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"; they last said: {lines[-1][:300]}" if lines else ""
