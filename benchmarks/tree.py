"""What a command and all its children use together: time, and memory as it is shared out."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from edge_sdk.errors import DeviceError

_EVERY_SECONDS = 0.25


class TreeUsage(msgspec.Struct, frozen=True, kw_only=True):
    """One finished command: wall and CPU time, and the largest memory of its tree that was seen.

    In ``peak_bytes`` what the processes share with each other counts once, and files that others
    have open too count whole: who else runs changes nothing.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def measure_tree(command: Sequence[str]) -> TreeUsage:
    """Run ``command`` to its end, looking at its tree four times a second.

    Raises:
        DeviceError: it failed; the sentence carries what it said last.
    """
    peak = 0
    with tempfile.TemporaryFile() as problems:
        started = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=problems
        )
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, _memory(_tree(process.pid)))
            time.sleep(_EVERY_SECONDS)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            problems.seek(0)
            last = problems.read().decode(errors="replace").strip().splitlines()[-1:]
            raise DeviceError(
                f"The measured command {Path(command[0]).name} failed with exit code "
                f"{process.returncode}: {' '.join(last)}"
            )
    return TreeUsage(seconds=seconds, cpu_seconds=usage.ru_utime + usage.ru_stime, peak_bytes=peak)


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue  # it has ended meanwhile
    return found


def _memory(pids: Sequence[int]) -> int:
    """Bytes of all together: what they share counts once, however many others share it too."""
    own = 0
    files: dict[str, int] = {}
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps").read_text()
        except OSError:
            continue  # it has ended meanwhile
        where, resident, proportional = "", 0, 0
        for line in text.splitlines():
            words = line.split()
            if words[0] == "Rss:":
                resident = int(words[1]) << 10
            elif words[0] == "Pss:":
                proportional = int(words[1]) << 10
            elif words[0] == "Anonymous:":
                anonymous = int(words[1]) << 10
                if where:
                    files[where] = max(files.get(where, 0), resident - anonymous)
                    own += anonymous
                else:
                    own += proportional
            elif not words[0].endswith(":"):
                # Addresses, rights, offset, device, inode (0: no file), path.
                where = " ".join(words[2:5]) if words[4] != "0" else ""
    return own + sum(files.values())
