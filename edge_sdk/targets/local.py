"""The target ``local``: the machine this process runs on, as the kernel describes it."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Literal

from ..errors import UsageError
from .profile import Int8Scheme, TargetProfile

# What decides the int8 scheme or the speed of a kernel; the rest of the flags is noise here.
_X86 = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
_ARM = ("asimd", "asimddp", "fphp", "i8mm", "bf16", "sve")

# Boards without a name of their own in cpuinfo: ARM's numbers of its cores.
_CORES = {
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd41": "Cortex-A78",
    "0xd42": "Cortex-A78AE",
}


def detect_local(cpuinfo: str | None = None, machine: str | None = None) -> TargetProfile:
    """The profile of this machine.

    Args:
        cpuinfo: text in the format of ``/proc/cpuinfo``; read from there if not given.
        machine: as :func:`platform.machine`.

    Raises:
        UsageError: the machine is neither x86-64 nor 64-bit ARM.
    """
    machine = machine or platform.machine()
    if cpuinfo is None:
        path = Path("/proc/cpuinfo")
        cpuinfo = path.read_text(errors="replace") if path.exists() else ""
    arch: Literal["x86_64", "aarch64"]
    known: tuple[str, ...]
    if machine in ("x86_64", "AMD64"):
        arch, known = "x86_64", _X86
    elif machine in ("aarch64", "arm64"):
        arch, known = "aarch64", _ARM
    else:
        raise UsageError(
            f"This machine is {machine}; there is a local target for x86_64 and aarch64 only. "
            "Name a target, or give a profile of your own as a .toml file."
        )
    flags = set(_field(cpuinfo, "flags|Features").split())
    features = tuple(name for name in known if name in flags)
    exact = arch == "aarch64" or bool(flags & {"avx512_vnni", "avx_vnni"})
    return TargetProfile(
        name="local",
        description="this machine, as detected",
        arch=arch,
        cpu=_field(cpuinfo, "model name|Model") or _CORES.get(_field(cpuinfo, "CPU part"), machine),
        features=features,
        cores=os.cpu_count() or 1,
        memory_mb=max(1, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20),
        int8=Int8Scheme(reduce_range=not exact),
    )


def _field(cpuinfo: str, names: str) -> str:
    found = re.search(rf"^(?:{names})\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found.group(1).strip() if found else ""
