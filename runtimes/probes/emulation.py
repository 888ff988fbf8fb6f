"""Whether this processor is a program: an emulated board's times are not a board's times."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

import msgspec

from .files import text_of

#: Set by what boots an emulated board, where the board cannot know by itself.
VARIABLE = "EDGE_SDK_EMULATED"
#: What it says where the clock counts instructions: times there are the same in every run, so that
#: they can be compared with each other, and still no board's.
COUNTED = "qemu-icount"


class Emulation(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out.

    Attributes:
        emulated: whether instructions are translated. A virtual machine that runs on the
            processor itself (KVM) is not emulated.
        kind: ``qemu-user``, ``qemu-system``, ``rosetta``, what the variable says, or ``none``.
        evidence: what says so.
    """

    emulated: bool
    kind: str
    evidence: str


def detect_emulation(
    root: Path = Path("/"),
    *,
    machine: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Emulation:
    """Look for the traces that emulators leave.

    A registered ``binfmt_misc`` handler is no trace: it says what the host could run, not what
    runs this process. Where QEMU's generic ARM machine does not show KVM's clock, it counts as
    emulated: better to claim too little.

    Args:
        root: where ``/proc`` and ``/sys`` lie.
        machine: as :func:`platform.machine`.
        environment: of the process.
    """
    machine = machine or platform.machine()
    told = environment.get(VARIABLE, "")
    if told not in ("", "0"):
        return Emulation(emulated=True, kind=told, evidence=f"${VARIABLE} says so")
    # QEMU's user mode answers for /proc/self itself, but not for this name of the same thing.
    for name in ("proc/thread-self/exe", f"proc/self/task/{os.getpid()}/exe"):
        try:
            program = (root / name).readlink()
        except OSError:
            continue
        if program.name.startswith("qemu-"):
            return Emulation(emulated=True, kind="qemu-user", evidence=f"{program} runs it")
    cpuinfo = text_of(root / "proc/cpuinfo") or ""
    if "VirtualApple" in cpuinfo:
        return Emulation(emulated=True, kind="rosetta", evidence="the processor is VirtualApple")
    clocks = text_of(root / "sys/devices/system/clocksource/clocksource0/available_clocksource")
    kvm = "kvm-clock" in (clocks or "") or _kvm_clock(root)
    if "QEMU TCG" in cpuinfo:
        return Emulation(emulated=True, kind="qemu-system", evidence="the processor is QEMU TCG")
    if kvm:
        return Emulation(emulated=False, kind="none", evidence="a virtual machine on KVM")
    if "QEMU Virtual CPU" in cpuinfo:
        return Emulation(
            emulated=True, kind="qemu-system", evidence="QEMU's processor, and no clock of KVM"
        )
    compatible = text_of(root / "proc/device-tree/compatible") or ""
    if "linux,dummy-virt" in compatible:
        return Emulation(
            emulated=True, kind="qemu-system", evidence="QEMU's ARM machine, and no clock of KVM"
        )
    vendor = text_of(root / "sys/class/dmi/id/sys_vendor") or ""
    if "QEMU" in vendor and machine in ("aarch64", "arm64"):
        return Emulation(
            emulated=True, kind="qemu-system", evidence="QEMU's firmware, and no clock of KVM"
        )
    return Emulation(emulated=False, kind="none", evidence="no trace of an emulator")


def _kvm_clock(root: Path) -> bool:
    names = (root / "sys/class/ptp").glob("ptp*/clock_name")
    return any("KVM" in (text_of(name) or "") for name in names)
