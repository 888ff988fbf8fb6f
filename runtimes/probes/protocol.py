"""What a probe is: a kind of sensor that this machine has, found once and read often.

A new probe is one module with a class of this protocol, named by the entry-point group
``edge_sdk.probes``.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

Quantity = Literal["temperature", "frequency", "governor", "throttle", "power", "energy", "mode"]
#: What an electrical sensor sees: all of the board, the processor's package, or one rail.
Scope = Literal["board", "package", "rail", ""]


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sensor, read once.

    Attributes:
        probe: the probe's name.
        name: the sensor's own name, as the machine calls it.
        quantity: what it measures.
        value: in ``unit``; a text for ``governor`` and ``mode``.
        unit: ``C``, ``MHz``, ``W``, ``J``; empty for texts, flags and counts.
        scope: what an electrical sensor sees.
        counts: whether the value only ever grows (joules, throttle events): two readings make a
            difference, one alone says nothing. A throttle reading that does not count is 1 while
            the machine is slowed down, else 0.
    """

    probe: str
    name: str
    quantity: Quantity
    value: float | str
    unit: str = ""
    scope: Scope = ""
    counts: bool = False


class Probe(Protocol):
    """Sensors that were found.

    It is made with the folder in which ``/sys`` and ``/proc`` lie, and raises
    :class:`~edge_sdk.errors.DeviceError` with the reason where the machine has no such sensor or
    does not let it be read.
    """

    name: str
    quantities: tuple[Quantity, ...]

    def read(self) -> list[Reading]:
        """Read every sensor now.

        Raises:
            DeviceError: a sensor stopped answering.
            OSError: its file cannot be read any more.
        """
        ...
