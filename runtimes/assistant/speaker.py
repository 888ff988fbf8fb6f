"""What plays the assistant's voice, and one that plays into memory."""

from __future__ import annotations

from typing import Protocol

from ..capture import Clock
from ..speech import Speech
from ..speech.protocol import Samples
from .played import Played


class Speaker(Protocol):
    """A loudspeaker, or what stands for one."""

    #: From 0 to 100; takes effect at once.
    volume: int

    @property
    def playing(self) -> bool:
        """Whether something is being played."""
        ...

    @property
    def began(self) -> float | None:
        """When the first sample of what was played last left, on the clock; None: not yet."""
        ...

    @property
    def broke(self) -> float | None:
        """When it last ran dry in the midst of something, on the clock; None: it never did."""
        ...

    def play(self, speech: Speech) -> None:
        """Begin to play, in the place of what is being played, and return at once.

        Raises:
            DeviceError: the device is gone.
        """
        ...

    def played(self, start: float, count: int) -> Samples | None:
        """What left it from ``start`` on the clock, float32 ``[count]`` at 16 kHz; None: nothing.

        It may say so too early by the time that its buffers hold back.
        """
        ...

    def stop(self) -> None:
        """Fall silent within a few milliseconds."""
        ...

    def close(self) -> None:
        """Release the device."""
        ...


def gain(volume: int) -> float:
    """What samples are multiplied with: loudness is heard as a power of the amplitude."""
    return (volume / 100) ** 2


class MemorySpeaker:
    """Keeps what it is given, as long on its clock as it would sound: for replays and tests."""

    def __init__(self, clock: Clock, volume: int = 70) -> None:
        self.volume = volume
        #: (start, what was heard of it, at which volume), in the order they were played.
        self.heard: list[tuple[float, Speech, int]] = []
        self._clock = clock
        self._end = self._start = -1.0
        self._began: float | None = None
        self._played = Played()

    @property
    def playing(self) -> bool:
        return self._clock.now() < self._end

    @property
    def began(self) -> float | None:
        return self._began

    @property
    def broke(self) -> float | None:
        return None

    def play(self, speech: Speech) -> None:
        self.stop()
        now = self._clock.now()
        self._start = self._began = now
        self._end = now + len(speech.samples) / speech.rate
        self.heard.append((now, speech, self.volume))
        self._played.begin(now, speech, gain(self.volume))

    def played(self, start: float, count: int) -> Samples | None:
        return self._played.between(start, count)

    def stop(self) -> None:
        """Cut what is being played where it is."""
        if not self.playing:
            return
        start, speech, volume = self.heard.pop()
        kept = round((self._clock.now() - start) * speech.rate)
        self.heard.append((start, Speech(speech.samples[:kept], speech.rate), volume))
        self._end = self._clock.now()
        self._played.cut(self._end)

    def close(self) -> None:
        self.stop()
