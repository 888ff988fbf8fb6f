"""A worker that stays and is asked through pipes: one line a question, one of JSON an answer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from edge_sdk.errors import DeviceError

# Helper threads of a BLAS would be counted with the one thread that is compared.
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}


class Running:
    """A process that has said that it is ready; a context manager.

    Args:
        command: the worker and its arguments.
        log: a file for what it says besides.

    Raises:
        DeviceError: it ended; the sentence carries what it said last.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._problems = log.open("w+b")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._problems,
            env={**os.environ, **_ONE_THREAD},
        )
        try:
            self._read()
        except DeviceError:
            self.close()
            raise

    def times(self) -> dict[str, float]:
        """One measurement by what it measures, each the CPU time of one run."""
        return msgspec.convert(self._ask("time"), dict[str, float])

    def answers(self) -> dict[str, list[int]]:
        """The winning class of every held-out sample by head."""
        return msgspec.convert(self._ask("answers"), dict[str, list[int]])

    def _ask(self, what: str) -> Any:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{what}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # reading says why
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._problems.seek(0)
            last = self._problems.read().decode(errors="replace").strip().splitlines()[-1:]
            raise DeviceError(f"A worker ended: {' '.join(last) or 'it said nothing.'}")
        return msgspec.json.decode(line)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._problems.close()

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
