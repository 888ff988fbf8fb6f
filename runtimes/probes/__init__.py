"""Sensors of this machine: temperature, frequency, throttling, power, memory, load.

A probe is a class of the protocol in :mod:`.protocol`, named by the entry-point group
``edge_sdk.probes``; a board with a sensor of its own adds one. What a machine does not have is
reported with the reason, never as a zero.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from edge_sdk.errors import DeviceError

from .protocol import Probe, Quantity, Reading

__all__ = ["Probe", "Probes", "Quantity", "Reading", "find_probes", "probe_names"]

GROUP = "edge_sdk.probes"


class Probes:
    """The probes that work on this machine, found once and read often.

    Attributes:
        absent: by name of a probe, why it cannot be read here.
    """

    def __init__(self, probes: list[Probe], absent: dict[str, str]) -> None:
        self._probes = probes
        self.absent = absent

    def read(self, *quantities: Quantity) -> list[Reading]:
        """Read now; only probes that have one of ``quantities``, or all.

        A sensor that stops answering is left out of the answer; its reason goes to ``absent``.
        """
        found: list[Reading] = []
        for probe in self._probes:
            if quantities and not set(quantities) & set(probe.quantities):
                continue
            try:
                readings = probe.read()
            except (DeviceError, OSError, ValueError) as error:
                self.absent[probe.name] = f"it stopped answering: {error}"
                continue
            found += [r for r in readings if not quantities or r.quantity in quantities]
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """The probes that were found."""
        return tuple(probe.name for probe in self._probes)


def probe_names() -> tuple[str, ...]:
    """The names of all registered probes, whether this machine has their sensors or not."""
    return tuple(sorted(entry.name for entry in entry_points(group=GROUP)))


def find_probes(root: Path = Path("/")) -> Probes:
    """Look for the sensors of every registered probe.

    Args:
        root: where ``/sys`` and ``/proc`` lie; another one reads a recorded tree.
    """
    probes: list[Probe] = []
    absent: dict[str, str] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            probes.append(entry.load()(root))
        except (DeviceError, OSError, ImportError) as error:
            absent[entry.name] = str(error)
    return Probes(probes, absent)
