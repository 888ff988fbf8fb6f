"""Measuring in a fresh process, and its mistakes told as one's own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from edge_sdk.errors import DeviceError, EdgeError
from edge_sdk.files import is_folder

T = TypeVar("T")


def in_fresh_process(module: str, order: Any, result: type[T]) -> T:
    """Run ``python -m module ORDER.json OUTPUT.json``.

    Args:
        module: its ``main`` writes a ``result`` as JSON, or an object with ``error`` and ``kind``.
        order: what is to be done, as JSON.
        result: what is expected back.

    Raises:
        EdgeError: what the process met, under its own class.
        DeviceError: the process could not be started or died.
    """
    with tempfile.TemporaryDirectory(prefix="edge-sdk-fresh-") as folder:
        said, output = Path(folder) / "order.json", Path(folder) / "output.json"
        said.write_bytes(msgspec.json.encode(order))
        done = subprocess.run(
            [sys.executable, "-m", module, str(said), str(output)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 or not output.is_file():
            lines = done.stderr.strip().splitlines()
            how = f"by signal {-done.returncode}" if done.returncode < 0 else "early"
            raise DeviceError(
                f"The measuring process ended {how}: {lines[-1] if lines else 'it said nothing'}."
            )
        content = output.read_bytes()
    failure = msgspec.json.decode(content, type=_Failure)
    if failure.error is not None:
        known = {c.kind: c for c in EdgeError.__subclasses__()}
        raise known.get(failure.kind, EdgeError)(failure.error)
    return msgspec.json.decode(content, type=result)


class _Failure(msgspec.Struct):
    error: str | None = None
    kind: str = ""


def drop_pages(path: Path) -> None:
    """Ask the kernel to forget the file or folder, so that the next reader meets the disk."""
    for file in path.rglob("*") if is_folder(path) else [path]:
        try:
            handle = os.open(file, os.O_RDONLY)
        except OSError:
            continue
        try:
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        except OSError:
            continue
        finally:
            os.close(handle)
