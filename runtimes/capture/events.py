"""What happens to a source while it captures, each with its time on the source's clock."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class CaptureEvent:
    """Base of all: ``source`` names the device, ``time`` is in seconds on the source's clock."""

    source: str
    time: float


@dataclass(frozen=True)
class Unplugged(CaptureEvent):
    """The device has gone, or refuses to go on; ``reason`` says how that was seen."""

    reason: str


@dataclass(frozen=True)
class Retrying(CaptureEvent):
    """The device is tried again in ``seconds``; ``attempt`` counts from 1."""

    seconds: float
    attempt: int


@dataclass(frozen=True)
class Back(CaptureEvent):
    """The device delivers again, ``seconds`` after it was last heard of."""

    seconds: float
    attempts: int


@dataclass(frozen=True)
class SamplesLost(CaptureEvent):
    """``samples`` are missing from ``position`` on (both at the source's rate).

    ``reason`` is ``overrun`` (the device's buffer ran over), ``slow reader`` (the ring did),
    ``gap`` (the device fell behind the clock without saying so) or ``unplugged``.
    """

    position: int
    samples: int
    reason: str


@dataclass(frozen=True)
class Stalled(CaptureEvent):
    """The device is open, raises no flag, and has delivered nothing for ``seconds``."""

    seconds: float


@dataclass(frozen=True)
class CameraFrozen(CaptureEvent):
    """The camera has given the same picture, or none, for ``seconds``."""

    seconds: float


@dataclass(frozen=True)
class GarbageFrames(CaptureEvent):
    """The camera gave ``frames`` in a row that hold no picture."""

    frames: int


class EventQueue:
    """Keeps the newest events until somebody takes them; never blocks the thread that adds."""

    def __init__(self, capacity: int = 256) -> None:
        self._events: deque[CaptureEvent] = deque(maxlen=capacity)
        self._lock = threading.Lock()

    def put(self, event: CaptureEvent) -> None:
        """Add an event; the oldest makes room for it."""
        with self._lock:
            self._events.append(event)

    def take(self) -> tuple[CaptureEvent, ...]:
        """The events since the last call, oldest first."""
        with self._lock:
            taken = tuple(self._events)
            self._events.clear()
        return taken
