"""Where captured samples belong in time, and which are missing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .clock_fit import ClockFit

#: Lateness, in seconds, from which samples may be missing; below, it is jitter.
LATE = 0.06
#: The same where the device itself says that it lost some.
LATE_FLAGGED = 0.003
#: So long, in seconds, the samples after a suspected gap are held back: late deliveries that were
#: only queued somewhere catch up, lost samples never do.
SETTLE = 0.3


@dataclass(frozen=True)
class Stamp:
    """One delivery of a device."""

    #: Index of its first sample among all that the device delivered.
    start: int
    samples: int
    #: When the first sample was captured.
    captured: float
    #: When the delivery came.
    arrived: float
    #: The device says that samples were lost before these.
    overflow: bool = False
    #: The first delivery after the device was opened again.
    reopened: bool = False


@dataclass(frozen=True)
class Placed:
    """A delivery with its place: ``gap`` samples are missing before it."""

    stamp: Stamp
    gap: int
    reason: str


class TimeLine:
    """Judges deliveries, all in samples of the device's rate.

    A device that stalls, or a sound server that drops what nobody fetched, raises no flag: only
    the clock shows that fewer samples came than time has passed.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._pending: deque[Stamp] = deque()
        self._shift = 0
        self.fit = ClockFit(rate)

    def add(self, stamp: Stamp) -> None:
        """A delivery has come."""
        self._pending.append(stamp)

    def place(self) -> Placed | None:
        """The next delivery whose place is certain; None where one must wait for more."""
        if not self._pending:
            return None
        head = self._pending[0]
        if head.reopened:
            return self._accept_reopened(head)
        if not self.fit.started:
            return self._accept(head)
        limit = LATE_FLAGGED if head.overflow else max(LATE, 2 * head.samples / self._rate)
        if self._late(head) <= limit:
            return self._accept(head, "overrun" if head.overflow else "")
        least = min(self._late(stamp) for stamp in self._pending)
        if least <= limit:
            self._pending.popleft()
            return Placed(head, 0, "late")
        if self._pending[-1].arrived - head.arrived < SETTLE:
            return None
        gap = round(least * self._rate)
        self._shift += gap
        return self._accept(head, "overrun" if head.overflow else "gap", gap)

    def _accept(self, stamp: Stamp, reason: str = "", gap: int = 0) -> Placed:
        self._pending.popleft()
        self.fit.add(stamp.start + self._shift, stamp.captured)
        return Placed(stamp, gap, reason)

    def _accept_reopened(self, stamp: Stamp) -> Placed:
        """The time away is the gap; the device's clock is another one from here on."""
        gap = 0
        if self.fit.started:
            gap = max(0, round(self._late(stamp) * self._rate))
            self._shift += gap
            # Joined without a step: what the rounding leaves is below one sample.
            self.fit.restart()
        return self._accept(stamp, "unplugged", gap)

    def _late(self, stamp: Stamp) -> float:
        return stamp.captured - self.fit.time_of(stamp.start + self._shift)
