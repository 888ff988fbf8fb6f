"""A microphone that is not there."""

from __future__ import annotations

from collections.abc import Callable

from .clock import Clock, MonotonicClock
from .events import CaptureEvent
from .protocol import AudioBlock, AudioCounters, SourceState, StreamEnded


class NoMicrophone:
    """Gives no sound, ever, and lets time pass: see :class:`~.protocol.AudioSource`.

    Args:
        rate: hertz that sound would have.
        clock: by default the machine's.
        over: asked at each look whether the stream has ended; by default it never does.
    """

    name, channels = "no microphone", 1

    def __init__(
        self,
        rate: int = 16000,
        *,
        clock: Clock | None = None,
        over: Callable[[], bool] | None = None,
    ) -> None:
        self.rate, self.block = rate, rate // 50
        self.clock: Clock = clock or MonotonicClock()
        self._over = over
        self._state: SourceState = "stopped"

    @property
    def state(self) -> SourceState:
        return self._state

    def start(self) -> None:
        self._state = "running"

    def read(self, timeout: float | None = None) -> AudioBlock | None:
        """None, after ``timeout`` seconds (None: one)."""
        if self._over is not None and self._over():
            self._state = "ended"
        if self._state != "running":
            raise StreamEnded("There is no more to wait for.")
        self.clock.sleep(1.0 if timeout is None else timeout)
        return None

    def stop(self) -> None:
        self._state = "stopped"

    def counters(self) -> AudioCounters:
        return AudioCounters()

    def events(self) -> tuple[CaptureEvent, ...]:
        return ()
