"""Energy over a stretch of time, from whatever sensor sees the most."""

from __future__ import annotations

from itertools import pairwise
from time import monotonic

import msgspec

from edge_sdk.runtimes.probes import Probes, Reading

_ORDER = ("board", "package")


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Joules over ``seconds``, and the sensor that says so."""

    joules: float
    seconds: float
    sensor: str
    scope: str


class Meter:
    """Measures from when it is made. A sensor of power is read at both ends and in between by
    who calls :meth:`look`; a counter of energy needs only the ends."""

    def __init__(self, probes: Probes) -> None:
        self._probes = probes
        self._started = monotonic()
        self._counters = _by_name(probes.read("energy"))
        self._power: list[tuple[float, dict[str, Reading]]] = []
        self.look()

    def look(self) -> None:
        """Read the sensors of power once more."""
        readings = self._probes.read("power")
        if readings:
            self._power.append((monotonic(), _by_name(readings)))

    def spent(self) -> Spent | None:
        """Since the start; None where no sensor sees the board or the processor."""
        self.look()
        seconds = monotonic() - self._started
        now = _by_name(self._probes.read("energy"))
        for scope in _ORDER:
            power = self._watts(scope)
            if power is not None:
                return Spent(
                    joules=power[0] * seconds, seconds=seconds, sensor=power[1], scope=scope
                )
            names = [n for n, r in now.items() if r.scope == scope and n in self._counters]
            if names:
                joules = sum(float(now[n].value) - float(self._counters[n].value) for n in names)
                return Spent(joules=joules, seconds=seconds, sensor=", ".join(names), scope=scope)
        return None

    def _watts(self, scope: str) -> tuple[float, str] | None:
        """On average: the watts of every look, joined by straight lines."""
        curve = [
            (at, sum(float(r.value) for r in found.values() if r.scope == scope), found)
            for at, found in self._power
        ]
        names = [n for n, r in curve[0][2].items() if r.scope == scope] if curve else []
        if not names:
            return None
        area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(curve))
        length = curve[-1][0] - curve[0][0]
        return (area / length if length > 0 else curve[-1][1]), ", ".join(names)


def _by_name(readings: list[Reading]) -> dict[str, Reading]:
    return {f"{r.probe} {r.name}": r for r in readings}
