"""The clock that everything captured is stamped on, and one that tests move by hand."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds on a clock that never jumps; only differences mean something."""

    def now(self) -> float:
        """The time, in seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass; none or fewer than none pass at once."""
        ...


class MonotonicClock:
    """The machine's monotonic clock: setting the date or the time zone does not move it."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


class VirtualClock:
    """A clock on which time passes when somebody sleeps, and then at once.

    With it a recording is replayed as fast as the machine can, and gives the same each time.
    A tool for tests too: an hour takes as long as the work done in it. Safe for several threads,
    but each one that sleeps moves the time for all.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            with self._lock:
                self._now += seconds

    def move_to(self, moment: float) -> None:
        """Let it be ``moment``, where it is not later already."""
        with self._lock:
            self._now = max(self._now, moment)
