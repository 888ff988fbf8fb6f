"""The few numbers that decide whether a running device is well; cheap enough for once a second."""

from __future__ import annotations

from pathlib import Path

import msgspec

from . import Probes, find_probes
from .load import Load
from .memory import available_bytes, resident_bytes


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the device; None is "not measured".

    Attributes:
        temperature: of the hottest zone, degrees Celsius.
        throttled: whether the device is slowed down now, or was since the last look.
        reasons: the sensors that say so.
        resident: memory of this process, bytes.
        available: memory that programs may still take, bytes.
        cpu: cores that this process kept busy since the last look (1.0 is one core).
        machine: cores that all processes kept busy.
    """

    temperature: float | None
    throttled: bool | None
    reasons: tuple[str, ...]
    resident: int
    available: int | None
    cpu: float
    machine: float | None


class VitalsReader:
    """Looks again at each :meth:`read`; not for several threads at once.

    Args:
        root: where ``/sys`` and ``/proc`` lie.
        probes: the probes to read; by default all that are found.
    """

    def __init__(self, root: Path = Path("/"), probes: Probes | None = None) -> None:
        self._root = root
        self.probes = find_probes(root) if probes is None else probes
        self._load = Load(root)
        self._counts: dict[tuple[str, str], float] = {}
        # A ceiling that stood before we began is a setting, not a reaction to our load.
        self._settings = {
            r.name for r in self.probes.read("throttle") if r.probe == "frequency" and r.value
        }
        self.read()

    def read(self) -> Vitals:
        """Look now."""
        heat, slow = [], []
        known = False
        for reading in self.probes.read("temperature", "throttle"):
            if isinstance(reading.value, str):
                continue
            if reading.quantity == "temperature":
                heat.append(reading.value)
                continue
            known = True
            if reading.counts:
                key = (reading.probe, reading.name)
                if reading.value > self._counts.get(key, reading.value):
                    slow.append(reading.name)
                self._counts[key] = reading.value
            elif reading.value and reading.name not in self._settings:
                slow.append(reading.name)
        share = self._load.share()
        return Vitals(
            temperature=max(heat) if heat else None,
            throttled=bool(slow) if known else None,
            reasons=tuple(slow),
            resident=resident_bytes(root=self._root),
            available=available_bytes(root=self._root),
            cpu=share.process,
            machine=share.machine,
        )
