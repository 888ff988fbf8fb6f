"""What a microphone's driver is: it opens, and hands over raw samples as they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .clock import Clock
from .sample_format import SampleFormat

#: Raw samples, how many frames they are, when the first was captured (seconds on the capture
#: clock), and whether the device says that it lost some before them. Called from the driver's own
#: thread; it must not wait.
Deliver = Callable[[bytes, int, float, bool], None]


@dataclass(frozen=True)
class InputFormat:
    """What a device gives."""

    rate: int
    channels: int
    samples: SampleFormat


@dataclass(frozen=True)
class Wanted:
    """What a device is asked for: None leaves the choice to it."""

    #: Hertz that the reader gets, and the device's where it can.
    rate: int
    channels: int
    #: Seconds of sound in a delivery.
    seconds: float
    device_rate: int | None = None
    samples: SampleFormat | None = None


class InputDevice(Protocol):
    """A driver for one microphone."""

    name: str

    @property
    def clock(self) -> Clock:
        """What its stamps are of."""
        ...

    #: Whether opening and closing may take long, so that it is done aside.
    slow: bool

    def open(self, wanted: Wanted, deliver: Deliver) -> InputFormat:
        """Begin to deliver.

        Raises:
            CaptureError: there is no such device, or it refuses.
            DependencyError: the package behind it is not installed.
        """
        ...

    def active(self) -> bool:
        """False once the device is known to be gone."""
        ...

    def wait(self, seconds: float) -> None:
        """Return when something was delivered, or ``seconds`` have passed."""
        ...

    def close(self) -> None:
        """Release the device; nothing is delivered any more. May be called twice."""
        ...
