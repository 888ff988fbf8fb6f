"""The power mode that somebody chose: a Jetson's nvpmodel, a laptop's or server's profile."""

from __future__ import annotations

import re
from pathlib import Path

from edge_sdk.errors import DeviceError

from .files import text_of
from .protocol import Quantity, Reading


class PowerModeProbe:
    """nvpmodel's mode with its name, ``platform_profile``, energy preference, turbo."""

    name = "power-mode"
    quantities: tuple[Quantity, ...] = ("mode",)

    def __init__(self, root: Path) -> None:
        self._root = root
        if not self.read():
            raise DeviceError("The machine has no power modes that the kernel or nvpmodel tells.")

    def read(self) -> list[Reading]:
        """The modes as texts."""
        cpu = self._root / "sys/devices/system/cpu"
        turbo = text_of(cpu / "cpufreq/boost")
        stopped = text_of(cpu / "intel_pstate/no_turbo")
        if stopped is not None:
            turbo = {"0": "1", "1": "0"}.get(stopped, stopped)
        found = {
            "nvpmodel": self._nvpmodel(),
            "platform profile": text_of(self._root / "sys/firmware/acpi/platform_profile"),
            "energy preference": text_of(cpu / "cpufreq/policy0/energy_performance_preference"),
            "turbo": {"1": "on", "0": "off"}.get(turbo or "", turbo),
        }
        return [
            Reading(probe=self.name, name=name, quantity="mode", value=value)
            for name, value in found.items()
            if value
        ]

    def _nvpmodel(self) -> str | None:
        """``0 (MAXN)``, from the status and the configuration that nvpmodel itself keeps."""
        status = text_of(self._root / "var/lib/nvpmodel/status")
        number = re.search(r"pmode:(\d+)", status or "")
        if not number:
            return None
        mode = int(number[1])
        named = re.search(
            rf"<\s*POWER_MODEL\s+ID={mode}\s+NAME=(\S+?)\s*>",
            text_of(self._root / "etc/nvpmodel.conf") or "",
        )
        return f"{mode} ({named[1]})" if named else str(mode)
