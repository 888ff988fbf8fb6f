"""What a governor is shown: decisions gathered over a period, and the sensors of the machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from ..probes.vitals import Vitals, VitalsReader
from .protocol import Governor, Move, Seen

# Ages that are kept of a period; a period with more is judged by its latest.
_MOST = 1024


class Sensors(Protocol):
    """Where vitals come from: the machine's, or a script's in tests."""

    def read(self) -> Vitals:
        """Look now."""
        ...


class Watch:
    """Shows a governor how things go, every period; not for several threads at once.

    Args:
        governor: whom to show it.
        deadline: seconds that data may be old at a decision; None: there is none.
        sensors: by default the machine's own; made when the first period begins.
        cores: how many cores the load is a share of; by default those of this process.
    """

    def __init__(
        self,
        governor: Governor,
        deadline: float | None = None,
        sensors: Callable[[], Sensors] = VitalsReader,
        cores: int | None = None,
    ) -> None:
        self.governor = governor
        self._deadline = deadline
        self._open = sensors
        self._sensors: Sensors | None = None
        self._cores = cores or len(os.sched_getaffinity(0))
        self._ages: list[float] = []
        self._next = 0.0
        #: What was seen last.
        self.seen: Seen | None = None

    def start(self, now: float) -> None:
        """The first period begins."""
        self._sensors = self._open()
        self._ages.clear()
        self._next = now + self.governor.period

    def decided(self, age: float) -> None:
        """A decision was made on data of this age, seconds."""
        if len(self._ages) == _MOST:
            del self._ages[0]
        self._ages.append(age)

    def look(self, now: float) -> Move | None:
        """Show the governor what was seen, if a period is over."""
        if self._sensors is None or now < self._next:
            return None
        self._next = now + self.governor.period
        vitals = self._sensors.read()
        ages, self._ages = sorted(self._ages), []
        misses = None
        if self._deadline is not None and ages:
            misses = sum(age > self._deadline for age in ages) / len(ages)
        self.seen = Seen(
            time=now,
            deadline=self._deadline,
            decisions=len(ages),
            misses=misses,
            data_age=ages[int(0.95 * (len(ages) - 1) + 0.5)] if ages else None,
            # This process may be bound to fewer cores than the others keep busy.
            load=None if vitals.machine is None else min(1.0, vitals.machine / self._cores),
            available=vitals.available,
            temperature=vitals.temperature,
            throttled=vitals.throttled,
            reasons=vitals.reasons,
        )
        return self.governor.look(self.seen)
