"""Temperatures: the kernel's thermal zones, or hardware monitors where it has none."""

from __future__ import annotations

from pathlib import Path

from edge_sdk.errors import DeviceError

from .files import number_of, text_of
from .protocol import Quantity, Reading


class ThermalProbe:
    """Every thermal zone (Raspberry Pi ``cpu-thermal``, Jetson ``tj-thermal`` and others, x86
    ``x86_pkg_temp``); on machines without zones ``coretemp``, ``k10temp`` and their like."""

    name = "thermal"
    quantities: tuple[Quantity, ...] = ("temperature",)

    def __init__(self, root: Path) -> None:
        self._sensors: list[tuple[str, Path]] = []
        for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
            self._add(text_of(zone / "type") or zone.name, zone / "temp")
        if not self._sensors:
            for path in sorted((root / "sys/class/hwmon").glob("hwmon*/temp*_input")):
                chip = text_of(path.parent / "name") or path.parent.name
                label = text_of(path.with_name(path.name.replace("_input", "_label")))
                self._add(f"{chip} {label or path.name.removesuffix('_input')}", path)
        if not self._sensors:
            raise DeviceError("The kernel shows no temperature (no thermal zone, no hwmon sensor).")

    def _add(self, name: str, path: Path) -> None:
        # A zone whose part is asleep (a Jetson's idle GPU) has a file that cannot be read.
        if number_of(path) is not None:
            self._sensors.append((name, path))

    def read(self) -> list[Reading]:
        """Degrees Celsius of every zone that answers."""
        found = [(name, number_of(path)) for name, path in self._sensors]
        return [
            Reading(probe=self.name, name=name, quantity="temperature", value=v / 1000, unit="C")
            for name, v in found
            if v is not None
        ]
