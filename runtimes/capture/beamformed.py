"""An array of microphones as a source of one channel."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import UsageError

from .array import MicrophoneArray
from .beamforming import Beamformer
from .clock import Clock
from .events import CaptureEvent
from .protocol import AudioBlock, AudioCounters, AudioSource, SourceState, StreamEnded


class Beamformed:
    """Listens in one direction with the channels of ``source``: an :class:`AudioSource` itself.

    Blocks keep their places, times and counts of lost samples; they come up to 32 ms later.
    """

    def __init__(
        self,
        source: AudioSource,
        array: MicrophoneArray | str,
        *,
        direction: float | None = None,
    ) -> None:
        """Nothing is started here.

        Args:
            source: gives as many channels as the array has microphones.
            array: where these are, or what :meth:`MicrophoneArray.load` takes.
            direction: azimuth in degrees to listen in; by default the loudest one is followed.

        Raises:
            UsageError: the numbers of channels differ, or the array is not written as one.
            InputError: the array's file cannot be used.
        """
        array = array if isinstance(array, MicrophoneArray) else MicrophoneArray.load(array)
        if source.channels != array.channels:
            raise UsageError(
                f"The array has {array.channels} microphones and the {source.name} "
                f"{source.channels} channels."
            )
        self._source = source
        self._beam = Beamformer(array, source.rate, direction=direction)
        self.name = source.name
        self.rate = source.rate
        self.channels = 1
        self.block = source.block
        self.clock: Clock = source.clock
        self._held = 0
        self._ended = False
        self._reset()

    @property
    def direction(self) -> float | None:
        """Azimuth in degrees that is listened in; None before anything was heard."""
        return self._beam.direction

    @property
    def state(self) -> SourceState:
        return self._source.state

    def start(self) -> None:
        self._reset()
        self._source.start()

    def read(self, timeout: float | None = None) -> AudioBlock | None:
        deadline = None if timeout is None else self.clock.now() + timeout
        while True:
            if self._ready and self._held >= len(self._ready[0].samples):
                return self._cut()
            if self._ended:
                raise StreamEnded(f"The {self.name} is over.")
            left = None if deadline is None else max(0.0, deadline - self.clock.now())
            try:
                block = self._source.read(left)
            except StreamEnded:
                self._ended = True
                self._keep(self._beam.flush())
                continue
            if block is None:
                return None
            if block.skipped:
                # What was held back belongs before the gap.
                self._keep(self._beam.flush())
            self._ready.append(block)
            self._keep(self._beam.push(block.samples))

    def stop(self) -> None:
        self._source.stop()

    def counters(self) -> AudioCounters:
        return self._source.counters()

    def events(self) -> tuple[CaptureEvent, ...]:
        return self._source.events()

    def __enter__(self) -> Beamformed:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _reset(self) -> None:
        self._beam.restart()
        self._ready: deque[AudioBlock] = deque()
        self._out: deque[NDArray[np.float32]] = deque()
        self._held = 0
        self._ended = False

    def _keep(self, samples: NDArray[np.float32]) -> None:
        self._out.append(samples)
        self._held += len(samples)

    def _cut(self) -> AudioBlock:
        """The oldest block, with the beam's samples in the place of its own."""
        block = self._ready.popleft()
        joined = np.concatenate(self._out)
        count = len(block.samples)
        self._out.clear()
        self._out.append(joined[count:])
        self._held -= count
        return AudioBlock(
            samples=joined[:count, None],
            time=block.time,
            position=block.position,
            lost=block.lost,
            skipped=block.skipped,
        )
