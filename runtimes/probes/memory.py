"""Memory of this process and of the machine, from the kernel's own accounts."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from edge_sdk.errors import DeviceError

from .files import text_of

_CGROUP = Path("sys/fs/cgroup")
# Limit and use: version 2, version 1.
_CGROUPS = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)
_LINE = re.compile(r"^(\w+):\s+(\d+) kB", re.MULTILINE)


class ProcessMemory(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of one process.

    Attributes:
        resident: in memory now, shared libraries counted in full (RSS).
        peak: the largest ``resident`` so far.
        unique: what would be free if the process ended (USS); None where the kernel does not tell.
    """

    resident: int
    peak: int
    unique: int | None


def process_memory(process: int | str = "self", *, root: Path = Path("/")) -> ProcessMemory:
    """The memory of a process.

    ``unique`` walks the process's pages, about a millisecond for each 100 MB; sample it seldom.

    Raises:
        DeviceError: there is no such process, or the kernel has no ``/proc``.
    """
    folder = root / "proc" / str(process)
    status = _fields(folder / "status")
    if "VmRSS" not in status:
        raise DeviceError(f"The kernel does not tell the memory of process {process}.")
    pages = _fields(folder / "smaps_rollup")
    private = [pages[name] for name in ("Private_Clean", "Private_Dirty") if name in pages]
    return ProcessMemory(
        resident=status["VmRSS"],
        peak=status.get("VmHWM", status["VmRSS"]),
        unique=sum(private) if private else None,
    )


def resident_bytes(*, root: Path = Path("/")) -> int:
    """RSS of this process alone: a few microseconds."""
    import resource

    text = text_of(root / "proc/self/statm")
    if text is None:
        raise DeviceError("The kernel does not tell the memory of this process.")
    return int(text.split()[1]) * resource.getpagesize()


def available_bytes(*, root: Path = Path("/")) -> int | None:
    """What programs may still take without swapping; a container's limit counts. None: unknown."""
    found = _fields(root / "proc/meminfo").get("MemAvailable")
    for limit, used in _CGROUPS:
        most, now = text_of(root / _CGROUP / limit), text_of(root / _CGROUP / used)
        if most and now and most.isdigit() and now.isdigit():
            left = max(0, int(most) - int(now))
            found = left if found is None else min(found, left)
    return found


def _fields(path: Path) -> dict[str, int]:
    """Bytes by name, of a file with lines ``Name:   123 kB``."""
    return {name: int(value) * 1024 for name, value in _LINE.findall(text_of(path) or "")}
