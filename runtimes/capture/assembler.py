"""From raw deliveries to blocks of float samples on a time line without holes."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from .events import EventQueue, SamplesLost
from .input_device import InputFormat
from .protocol import AudioBlock
from .resampling import StreamResampler
from .ring import Ring
from .sample_format import decode_samples
from .timeline import Placed, Stamp, TimeLine

Float = NDArray[np.float32]


class Assembler:
    """Reads a ring of raw rows; decodes, fills gaps, resamples, cuts into blocks."""

    def __init__(
        self,
        name: str,
        ring: Ring,
        form: InputFormat,
        *,
        rate: int,
        channels: int,
        block: int,
        longest_fill: float,
        events: EventQueue,
    ) -> None:
        self._name = name
        self._ring = ring
        self._form = form
        self._rate = rate
        self._channels = channels
        self._block = block
        self._longest_fill = round(longest_fill * form.rate)
        self._events = events
        self._line = TimeLine(form.rate)
        # Places on the device's time line of what was fed, and the place that the resampler's
        # first sample had; output place = (place - base) * rate / device rate + output base.
        self._place = 0
        self._base = 0
        self._out_base = 0
        self._resampler = StreamResampler(form.rate, rate, channels)
        self._fifo: deque[Float] = deque()
        self._held = 0
        self._end = 0
        self._next = 0
        self._silences: deque[tuple[int, int]] = deque()
        self._skips: deque[tuple[int, int]] = deque()
        self.blocks = 0
        self.overruns = 0
        self.lost = 0
        self.silence = 0

    @property
    def drift_ppm(self) -> float | None:
        return self._line.fit.drift_ppm

    def add(self, stamp: Stamp) -> None:
        """A delivery, whose rows are in the ring by now."""
        self._line.add(stamp)

    def take(self) -> AudioBlock | None:
        """The next whole block, where there is one."""
        while self._held < self._block:
            placed = self._line.place()
            if placed is None:
                return None
            self._take_in(placed)
        return self._cut()

    def _take_in(self, placed: Placed) -> None:
        stamp = placed.stamp
        if placed.gap or placed.reason == "overrun":
            self._fill(placed.gap, placed.reason)
        rows = stamp.start + stamp.samples - self._ring.position
        if rows <= 0:
            return
        expected = self._ring.position
        position, raw = self._ring.read(rows)
        if position > expected:
            self._fill(position - expected, "slow reader")
        samples = decode_samples(raw, self._form.samples)[:, : self._channels]
        self._push(samples)

    def _push(self, samples: Float) -> None:
        self._place += len(samples)
        self._keep(self._resampler.push(samples))

    def _keep(self, samples: Float) -> None:
        if len(samples):
            self._fifo.append(samples)
            self._held += len(samples)
            self._end += len(samples)

    def _fill(self, gap: int, reason: str) -> None:
        """Put silence into a gap of device samples, or leave out the rest of a long one."""
        begin = self._out_place(self._place)
        missing = round(gap * self._rate / self._form.rate)
        self.overruns += 1
        self.lost += missing
        self._events.put(
            SamplesLost(
                source=self._name,
                time=self._line.fit.time_of(self._place),
                position=begin,
                samples=missing,
                reason=reason,
            )
        )
        if gap > self._longest_fill:
            self._skip(gap, begin)
        elif gap:
            self._silences.append((begin, begin + missing))
            self.silence += missing
            self._push(np.zeros((gap, self._channels), np.float32))

    def _skip(self, gap: int, begin: int) -> None:
        """End the block that is under way with silence, and go on at the far end of the gap."""
        self._keep(self._resampler.flush())
        self._keep(np.zeros((-self._held % self._block, self._channels), np.float32))
        begin = min(begin, self._end)
        self._silences.append((begin, self._end))
        self.silence += self._end - begin
        self._place += gap
        far = max(self._out_place(self._place), self._end)
        self._skips.append((self._end, far - self._end))
        self._base, self._out_base, self._end = self._place, far, far
        self._resampler.restart()

    def _cut(self) -> AudioBlock:
        """One block from the front of what is held."""
        skipped = 0
        if self._skips and self._skips[0][0] == self._next:
            skipped = self._skips.popleft()[1]
            self._next += skipped
        samples = np.empty((self._block, self._channels), np.float32)
        done = 0
        while done < self._block:
            head = self._fifo.popleft()
            used = min(len(head), self._block - done)
            samples[done : done + used] = head[:used]
            if used < len(head):
                self._fifo.appendleft(head[used:])
            done += used
        self._held -= self._block
        position, self._next = self._next, self._next + self._block
        self.blocks += 1
        return AudioBlock(
            samples=samples,
            time=self._time_of(position),
            position=position,
            lost=self._silence_in(position),
            skipped=skipped,
        )

    def _silence_in(self, position: int) -> int:
        end = position + self._block
        while self._silences and self._silences[0][1] <= position:
            self._silences.popleft()
        return sum(max(0, min(end, last) - max(position, first)) for first, last in self._silences)

    def _time_of(self, position: int) -> float:
        place = self._base + (position - self._out_base) * self._form.rate / self._rate
        return self._line.fit.time_of(place)

    def _out_place(self, place: int) -> int:
        return self._out_base + round((place - self._base) * self._rate / self._form.rate)
