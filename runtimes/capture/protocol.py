"""What a source of sound or of pictures is, whatever is behind it.

Every source is stamped at capture on one :class:`~.clock.Clock`, loses the oldest and never the
newest where its reader is slow, and counts what it loses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from .clock import Clock
from .events import CaptureEvent

#: ``lost``: the device has gone and is tried again; ``ended``: a recording is over, or the device
#: was given up.
SourceState = Literal["stopped", "running", "lost", "ended"]


class StreamEnded(Exception):
    """The source has given all it had, or was stopped; not an error."""


@dataclass(frozen=True, eq=False)
class AudioBlock:
    """Samples that follow each other without a gap."""

    #: float32 ``[n, channels]`` in [-1, 1]; n is the source's ``block``, but for the last one.
    samples: NDArray[np.float32]
    #: When the first sample was captured, in seconds on the source's clock.
    time: float
    #: Index of the first sample on the source's time line: lost samples have places on it too.
    position: int
    #: How many of the samples are silence in the place of lost ones.
    lost: int = 0
    #: Samples left out just before this block, because the gap was longer than the source fills
    #: with silence; ``position`` has moved on by them. Stateful readers start anew.
    skipped: int = 0

    def mono(self) -> NDArray[np.float32]:
        """The mean of the channels, float32 ``[n]``."""
        if self.samples.shape[1] == 1:
            return self.samples[:, 0]
        return np.ascontiguousarray(self.samples.mean(axis=1, dtype=np.float32))


@dataclass(frozen=True)
class AudioCounters:
    """What a source of sound has done since ``start()``; samples are at the source's rate."""

    blocks: int = 0
    samples: int = 0
    #: How often samples were lost: the device's buffer or the ring ran over, or a gap was seen.
    overruns: int = 0
    #: Samples that were captured or due, and never came to the reader.
    lost: int = 0
    #: Those of the lost ones that silence stands for.
    silence: int = 0
    stalls: int = 0
    reconnects: int = 0
    #: How much faster the device's clock is than the source's clock; None: not known yet.
    drift_ppm: float | None = None
    #: 99th percentile of the time inside the capture callback; None: there is none, or no call yet.
    callback_p99_ms: float | None = None


class AudioSource(Protocol):
    """A microphone, or what stands for one. Read by one thread."""

    #: How events and messages call it.
    name: str
    #: Hertz, after resampling.
    rate: int
    channels: int
    #: Samples in a block.
    block: int
    clock: Clock

    @property
    def state(self) -> SourceState: ...

    def start(self) -> None:
        """Begin to capture.

        Raises:
            CaptureError: there is no such device, or it cannot be opened.
            DependencyError: the package behind it is not installed.
        """
        ...

    def read(self, timeout: float | None = None) -> AudioBlock | None:
        """The next block; None where none is complete within ``timeout`` seconds (None: no limit).

        A device that is gone gives None until it is back.

        Raises:
            StreamEnded: there will be no more.
            CaptureError: the device was given up.
        """
        ...

    def stop(self) -> None:
        """Release the device; may be called twice, and from any thread."""
        ...

    def counters(self) -> AudioCounters: ...

    def events(self) -> tuple[CaptureEvent, ...]:
        """What has happened since the last call, oldest first."""
        ...


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture."""

    #: RGB, uint8 ``[height, width, 3]``.
    image: NDArray[np.uint8]
    #: When it was captured, in seconds on the source's clock.
    time: float
    #: Counts what the camera gave, from 0, whether it was looked at or not.
    number: int


@dataclass(frozen=True)
class FrameCounters:
    """What a source of pictures has done since ``start()``."""

    #: Frames that the camera gave.
    grabbed: int = 0
    #: Frames that came to the reader.
    delivered: int = 0
    #: Good frames that were replaced by newer ones before anybody asked, or were not wanted.
    dropped: int = 0
    #: Frames that could not be decoded.
    garbage: int = 0
    #: How often the camera froze.
    freezes: int = 0
    reconnects: int = 0


class FrameSource(Protocol):
    """A camera, or what stands for one."""

    name: str
    clock: Clock

    @property
    def state(self) -> SourceState: ...

    def start(self) -> None:
        """Begin to capture; raises as :meth:`AudioSource.start`."""
        ...

    def newest(self, after: int | None = None, timeout: float | None = 0.0) -> Frame | None:
        """The newest frame, where its number is above ``after``.

        Otherwise waits up to ``timeout`` seconds (None: no limit) for such a frame; None where
        none comes.

        Raises:
            StreamEnded: there will be no more.
            CaptureError: the camera was given up.
        """
        ...

    def stop(self) -> None:
        """Release the camera; may be called twice, and from any thread."""
        ...

    def counters(self) -> FrameCounters: ...

    def events(self) -> tuple[CaptureEvent, ...]:
        """What has happened since the last call, oldest first."""
        ...
