"""Whether the kernel is cooling the machine by slowing it down."""

from __future__ import annotations

from pathlib import Path

from edge_sdk.errors import DeviceError

from .files import number_of, text_of
from .protocol import Quantity, Reading

# Cooling devices that cost speed; a fan does not.
_SLOW = ("cpufreq", "cpu", "processor", "devfreq", "gpu", "intel_powerclamp")


class CoolingProbe:
    """The kernel's cooling devices that lower clocks; x86 counters of throttle events; a Jetson's
    over-current events."""

    name = "cooling"
    quantities: tuple[Quantity, ...] = ("throttle",)

    def __init__(self, root: Path) -> None:
        self._states: list[tuple[str, Path]] = []
        self._counts: list[tuple[str, Path]] = []
        for device in sorted((root / "sys/class/thermal").glob("cooling_device*")):
            kind = text_of(device / "type") or ""
            if kind.lower().startswith(_SLOW) and number_of(device / "cur_state") is not None:
                self._states.append((f"{kind} {device.name[14:]}", device / "cur_state"))
        cpu = root / "sys/devices/system/cpu"
        for file in sorted(cpu.glob("cpu[0-9]*/thermal_throttle/*_throttle_count")):
            self._counts.append((f"{file.parts[-3]} {file.name}", file))
        for file in sorted((root / "sys/class/hwmon").glob("hwmon*/oc*_event_cnt")):
            self._counts.append((file.name, file))
        if not self._states and not self._counts:
            raise DeviceError("The kernel shows no cooling device and no throttle counter.")

    def read(self) -> list[Reading]:
        """1 for a cooling device in use, and the event counters as they stand."""
        found = []
        for name, path in self._states:
            state = number_of(path)
            if state is not None:
                found.append(self._reading(name, float(state > 0), counts=False))
        for name, path in self._counts:
            count = number_of(path)
            if count is not None:
                found.append(self._reading(name, count, counts=True))
        return found

    def _reading(self, name: str, value: float, *, counts: bool) -> Reading:
        return Reading(probe=self.name, name=name, quantity="throttle", value=value, counts=counts)
