"""Emulators by their traces, and what is no trace of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_sdk.runtimes.probes.emulation import VARIABLE, detect_emulation

from .boards import raspberry_pi, tree

CLOCK = "sys/devices/system/clocksource/clocksource0/available_clocksource"


def test_qemu_user_is_seen_through(tmp_path: Path) -> None:
    root = raspberry_pi(tmp_path)  # the cpuinfo of a real board, as emulators give it
    (root / "proc/thread-self").mkdir()
    (root / "proc/thread-self/exe").symlink_to("/usr/bin/qemu-aarch64-static")
    found = detect_emulation(root, machine="aarch64", environment={})
    assert found.emulated
    assert found.kind == "qemu-user"


@pytest.mark.parametrize(
    ("files", "machine", "emulated"),
    [
        ({"proc/cpuinfo": "model name : QEMU TCG CPU version 2.5+"}, "x86_64", True),
        ({"proc/cpuinfo": "model name : QEMU Virtual CPU version 2.5+"}, "x86_64", True),
        (
            {"proc/cpuinfo": "model name : QEMU Virtual CPU version 2.5+", CLOCK: "kvm-clock tsc"},
            "x86_64",
            False,
        ),
        ({"proc/device-tree/compatible": "linux,dummy-virt\0"}, "aarch64", True),
        (
            {
                "proc/device-tree/compatible": "linux,dummy-virt\0",
                "sys/class/ptp/ptp0/clock_name": "KVM virtual PTP\n",
            },
            "aarch64",
            False,
        ),
        ({"sys/class/dmi/id/sys_vendor": "QEMU\n"}, "aarch64", True),
        ({"sys/class/dmi/id/sys_vendor": "QEMU\n", CLOCK: "kvm-clock"}, "x86_64", False),
        ({"proc/cpuinfo": "model name : VirtualApple @ 2.50GHz"}, "x86_64", True),
        # A handler that is registered runs other programs, not this one.
        ({"proc/sys/fs/binfmt_misc/qemu-aarch64": "enabled\n"}, "x86_64", False),
        ({}, "x86_64", False),
    ],
)
def test_machines(tmp_path: Path, files: dict[str, str], machine: str, emulated: bool) -> None:
    found = detect_emulation(tree(tmp_path, files), machine=machine, environment={})
    assert found.emulated is emulated
    assert found.evidence
    assert (found.kind == "none") is not emulated


def test_a_real_board_is_real(tmp_path: Path) -> None:
    root = raspberry_pi(tmp_path)
    assert not detect_emulation(root, machine="aarch64", environment={}).emulated


def test_what_boots_the_board_may_say_so(tmp_path: Path) -> None:
    found = detect_emulation(tmp_path, environment={VARIABLE: "qemu-system"})
    assert (found.emulated, found.kind) == (True, "qemu-system")
    assert not detect_emulation(tmp_path, environment={VARIABLE: "0"}).emulated
