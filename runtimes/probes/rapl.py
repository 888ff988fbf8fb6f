"""Energy of an x86 processor: the kernel's RAPL counters."""

from __future__ import annotations

from pathlib import Path

from edge_sdk.errors import DeviceError

from .files import number_of, text_of
from .protocol import Quantity, Reading


class RaplProbe:
    """Joules of every package since the probe was made; a counter that wraps is followed."""

    name = "rapl"
    quantities: tuple[Quantity, ...] = ("energy",)

    def __init__(self, root: Path) -> None:
        zones = sorted((root / "sys/class/powercap").glob("intel-rapl:*"))
        # "intel-rapl:0" is a package, "intel-rapl:0:0" a part of it.
        packages = [zone for zone in zones if zone.name.count(":") == 1]
        if not packages:
            raise DeviceError("The processor shows no energy counter (RAPL).")
        self._files: list[tuple[str, Path, float]] = []
        for zone in packages:
            if number_of(zone / "energy_uj") is None:
                raise DeviceError(
                    f"{zone / 'energy_uj'} may be read by root alone: run as root, or give the "
                    "file to your group."
                )
            span = number_of(zone / "max_energy_range_uj") or 0.0
            self._files.append((text_of(zone / "name") or zone.name, zone / "energy_uj", span))
        self._last = {name: self._now(path) for name, path, _ in self._files}
        self._total = dict.fromkeys(self._last, 0.0)

    def read(self) -> list[Reading]:
        """Joules by package; read at least once a minute, so that no turn of a counter is lost."""
        found = []
        for name, path, span in self._files:
            now = self._now(path)
            step = now - self._last[name]
            self._total[name] += step if step >= 0 else step + span
            self._last[name] = now
            found.append(
                Reading(
                    probe=self.name,
                    name=name,
                    quantity="energy",
                    value=self._total[name] / 1e6,
                    unit="J",
                    scope="package",
                    counts=True,
                )
            )
        return found

    @staticmethod
    def _now(path: Path) -> float:
        value = number_of(path)
        if value is None:
            raise DeviceError(f"{path} cannot be read")
        return value
