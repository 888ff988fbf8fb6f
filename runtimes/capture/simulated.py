"""Devices that are not there, on a virtual clock: tools for tests, ours and yours.

They have what real ones do to a stream: clocks that drift, late and lost deliveries, cables that
are pulled. An hour takes as long as the work that is done with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import CaptureError

from .clock import VirtualClock
from .events import CaptureEvent
from .input_device import Deliver, InputFormat, Wanted
from .protocol import Frame, FrameCounters, SourceState, StreamEnded

#: Float32 ``[n, channels]`` from the index of the first sample and n.
Sound = Callable[[int, int], NDArray[np.float32]]
#: RGB, uint8 ``[height, width, 3]``, from the number of the frame.
Picture = Callable[[int], NDArray[np.uint8]]
#: From and to, in seconds on the clock.
Spans = Sequence[tuple[float, float]]


class SimulatedInput:
    """A driver for :class:`~.microphone.Microphone` that gives what it is told to.

    Args:
        clock: the clock that waiting for sound moves.
        sound: what is heard; by default silence.
        rate: hertz of the device, by its own clock.
        drift_ppm: how much faster that clock is than ``clock``.
        jitter: seconds by which deliveries are late, on average (exponentially distributed).
        gaps: spans whose sound is lost without a flag.
        flagged: spans whose sound is lost, and the device says so.
        unplugged: spans during which the device is gone.
        seed: of the jitter.
    """

    slow = False

    def __init__(
        self,
        clock: VirtualClock,
        sound: Sound | None = None,
        *,
        rate: int = 16000,
        drift_ppm: float = 0.0,
        jitter: float = 0.0,
        gaps: Spans = (),
        flagged: Spans = (),
        unplugged: Spans = (),
        seed: int = 0,
    ) -> None:
        self.name = "simulated microphone"
        self.clock: VirtualClock = clock
        self._sound = sound
        self._rate = rate
        self._true_rate = rate * (1.0 + drift_ppm * 1e-6)
        self._jitter = jitter
        self._gaps = tuple(gaps)
        self._flagged = tuple(flagged)
        self._unplugged = tuple(unplugged)
        self._random = np.random.default_rng(seed)
        self._deliver: Deliver | None = None
        self._begin = clock.now()
        self._next = 0
        self._overflow = False

    def open(self, wanted: Wanted, deliver: Deliver) -> InputFormat:
        if _inside(self.clock.now(), self._unplugged):
            raise CaptureError(f"The {self.name} is not plugged in.")
        self._channels = wanted.channels
        self._frames = max(1, round(wanted.seconds * self._rate))
        self._deliver = deliver
        # What sounds while nobody listens is not kept.
        self._next = round((self.clock.now() - self._begin) * self._true_rate)
        return InputFormat(self._rate, wanted.channels, "float32")

    def active(self) -> bool:
        return self._deliver is not None and not _inside(self.clock.now(), self._unplugged)

    def wait(self, seconds: float) -> None:
        until = self.clock.now() + seconds
        while self._deliver is not None:
            captured = self._begin + self._next / self._true_rate
            due = captured + self._frames / self._true_rate
            if due > until:
                break
            if not _inside(due, self._unplugged):
                late = self._random.exponential(self._jitter) if self._jitter else 0.0
                self.clock.move_to(due + late)
                if self._hand_over(self._deliver, captured, late):
                    return
            self._next += self._frames
        self.clock.move_to(until)

    def close(self) -> None:
        self._deliver = None

    def _hand_over(self, deliver: Deliver, captured: float, late: float) -> bool:
        """Deliver, unless it is to be lost; whether anything came."""
        flagged = _inside(captured, self._flagged)
        if flagged or _inside(captured, self._gaps):
            self._overflow = self._overflow or flagged
            return False
        if self._sound is None:
            samples = np.zeros((self._frames, self._channels), np.float32)
        else:
            samples = np.ascontiguousarray(self._sound(self._next, self._frames), "<f4")
        self._next += self._frames
        overflow, self._overflow = self._overflow, False
        deliver(samples.tobytes(), self._frames, captured + late, overflow)
        return True


class SimulatedCamera:
    """A source of pictures on a virtual clock.

    Args:
        clock: the clock that waiting for a frame moves.
        picture: what is seen; by default the number of the frame as a shade of grey, 2 x 2.
        fps: frames a second, by the camera's own clock.
        drift_ppm: how much faster that clock is than ``clock``.
        missing: spans without a frame.
        end: when there are no more frames, in seconds on the clock; by default never.
    """

    def __init__(
        self,
        clock: VirtualClock,
        picture: Picture | None = None,
        *,
        fps: float = 15.0,
        drift_ppm: float = 0.0,
        missing: Spans = (),
        end: float | None = None,
    ) -> None:
        self.name = "simulated camera"
        self.clock: VirtualClock = clock
        self._picture = picture or _shade
        self._period = 1.0 / (fps * (1.0 + drift_ppm * 1e-6))
        self._missing = tuple(missing)
        self._end = end
        self._begin = clock.now()
        self._state: SourceState = "stopped"
        self._delivered: set[int] = set()

    @property
    def state(self) -> SourceState:
        return self._state

    def start(self) -> None:
        self._begin = self.clock.now()
        self._delivered = set()
        self._state = "running"

    def newest(self, after: int | None = None, timeout: float | None = 0.0) -> Frame | None:
        if self._state != "running":
            raise StreamEnded(f"The {self.name} was stopped.")
        least = -1 if after is None else after
        until = None if timeout is None else self.clock.now() + timeout
        while True:
            number = self._latest(self.clock.now())
            if number is not None and number > least:
                self._delivered.add(number)
                return Frame(self._picture(number), self._time_of(number), number)
            due = self._due(self.clock.now())
            if self._end is not None and due > self._end:
                self._state = "ended"
                raise StreamEnded(f"The {self.name} has no more frames.")
            if until is not None and due > until:
                self.clock.move_to(until)
                return None
            self.clock.move_to(due)

    def stop(self) -> None:
        self._state = "stopped"

    def counters(self) -> FrameCounters:
        latest = self._latest(self.clock.now())
        grabbed = 0 if latest is None else latest + 1
        delivered = len(self._delivered)
        return FrameCounters(grabbed=grabbed, delivered=delivered, dropped=grabbed - delivered)

    def events(self) -> tuple[CaptureEvent, ...]:
        return ()

    def _time_of(self, number: int) -> float:
        return self._begin + number * self._period

    def _latest(self, now: float) -> int | None:
        """The newest frame that there is; None before the first."""
        now = now if self._end is None else min(now, self._end)
        number = int((now - self._begin) / self._period + 1e-9)
        while number >= 0 and _inside(self._time_of(number), self._missing):
            number -= 1
        return number if number >= 0 and self._time_of(number) <= now + 1e-9 else None

    def _due(self, now: float) -> float:
        """When the next frame comes."""
        number = int((now - self._begin) / self._period + 1e-9) + 1
        while _inside(self._time_of(number), self._missing):
            number += 1
        return self._time_of(number)


def _inside(moment: float, spans: Spans) -> bool:
    return any(begin <= moment < end for begin, end in spans)


def _shade(number: int) -> NDArray[np.uint8]:
    return np.full((2, 2, 3), number % 256, np.uint8)
