"""Memory, load and sensors, looked at while something else runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

import msgspec

from edge_sdk.runtimes.probes import Probes
from edge_sdk.runtimes.probes.memory import resident_bytes

#: Seconds between two looks. A look at the memory costs some ten microseconds.
MEMORY_EVERY = 0.05
SENSORS_EVERY = 1.0


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the sensors: seconds since the start; None is "not measured"."""

    seconds: float
    temperature: float | None
    mhz: float | None
    watts: float | None


class Sampler:
    """A thread that looks around until the block ends; with every look at the sensors it calls
    ``also``.

    Attributes:
        memory: (seconds, resident bytes), in order.
        looks: at the sensors, in order.
    """

    def __init__(self, probes: Probes, also: Callable[[], None] = lambda: None) -> None:
        self._probes = probes
        self._also = also
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="edge-sdk-sampler", daemon=True)
        self.memory: list[tuple[float, int]] = []
        self.looks: list[Look] = []

    def __enter__(self) -> Sampler:
        self._started = monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        following = 0.0
        while True:
            seconds = monotonic() - self._started
            self.memory.append((round(seconds, 3), resident_bytes()))
            if seconds >= following:
                self.looks.append(look_at(self._probes, seconds))
                self._also()
                following = seconds + SENSORS_EVERY
            if self._done.wait(MEMORY_EVERY):
                return


def look_at(probes: Probes, seconds: float) -> Look:
    """Read temperature (the hottest zone), clock (the fastest core) and power now."""
    heat, clocks, power = [], [], {"board": 0.0, "package": 0.0}
    for reading in probes.read("temperature", "frequency", "power"):
        if isinstance(reading.value, str):
            continue
        if reading.quantity == "temperature":
            heat.append(reading.value)
        elif reading.quantity == "frequency" and reading.name.startswith("cpu"):
            clocks.append(reading.value)
        elif reading.scope in power:
            power[reading.scope] += reading.value
    return Look(
        seconds=round(seconds, 3),
        temperature=max(heat) if heat else None,
        mhz=max(clocks) if clocks else None,
        # The whole board where a sensor sees it, else the processor.
        watts=power["board"] or power["package"] or None,
    )
