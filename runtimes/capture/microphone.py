"""A microphone that goes on: through overruns, stalls and unplugged cables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import perf_counter

import numpy as np

from edge_sdk.errors import CaptureError, EdgeError, UsageError

from .assembler import Assembler
from .backoff import Backoff
from .clock import Clock
from .events import Back, CaptureEvent, EventQueue, Retrying, Stalled, Unplugged
from .input_device import InputDevice, InputFormat, Wanted
from .portaudio import PortAudioInput
from .protocol import AudioBlock, AudioCounters, SourceState, StreamEnded
from .ring import Ring
from .sample_format import SAMPLE_BYTES, SampleFormat
from .timeline import Stamp

#: Deliveries whose stamps, and whose times in the callback, are kept.
_STAMPS = 4096
#: Longest wait, in seconds, before the device is looked at.
_LOOK = 0.25
#: Longest wait, in seconds, for a device to close.
_CLOSING = 5.0


class Microphone:
    """A source of sound: see :class:`~.protocol.AudioSource`.

    The capture callback copies raw bytes into a ring and stamps them; everything else is done by
    the thread that reads. Usable as a context manager and as an iterable of blocks.
    """

    def __init__(
        self,
        device: str | int | InputDevice = "default",
        *,
        rate: int = 16000,
        channels: int = 1,
        block: int | None = None,
        callback_seconds: float | None = None,
        device_rate: int | None = None,
        samples: SampleFormat | None = None,
        buffer_seconds: float = 4.0,
        longest_fill: float = 2.0,
        stall_seconds: float = 1.0,
        reopen_seconds: float = 10.0,
        give_up_seconds: float | None = None,
    ) -> None:
        """Nothing is opened before :meth:`start`.

        Args:
            device: ``default``, a number or part of a name from ``edge-sdk devices``,
                ``pulse:NAME``, ``alsa:hw:1,0``, or a driver of your own.
            rate: hertz of the blocks.
            channels: 1 to 8; of a device with more, the first ones.
            block: samples in a block; by default 20 ms.
            callback_seconds: sound in one delivery of the device; by default a block, at most
                0.1 s. Fewer deliveries cost less.
            device_rate: hertz to open the device at; by default ``rate`` where it can, else its
                own, and the sound is resampled.
            samples: format to open the device with; by default the first that it takes.
            buffer_seconds: sound that waits for a slow reader before the oldest is lost.
            longest_fill: gaps up to so many seconds are filled with silence; over a longer one the
                position jumps.
            stall_seconds: no sound for so long is a stall, reported once.
            reopen_seconds: no sound for so long, and the device is taken for lost.
            give_up_seconds: raise after a loss of so long; by default never.

        Raises:
            UsageError: an argument is out of its range.
        """
        if not 1 <= channels <= 8:
            raise UsageError(f"A microphone has 1 to 8 channels, not {channels}.")
        if not 1000 <= rate <= 192000:
            raise UsageError(f"A rate is 1000 to 192000 Hz, not {rate}.")
        block = rate // 50 if block is None else block
        if not 1 <= block <= rate * buffer_seconds / 2:
            raise UsageError(
                f"A block has 1 to {rate * buffer_seconds / 2:.0f} samples "
                f"(half of {buffer_seconds:g} s), not {block}."
            )
        self._device = PortAudioInput(device) if isinstance(device, (str, int)) else device
        self.name = self._device.name
        self.rate = rate
        self.channels = channels
        self.block = block
        self.clock: Clock = self._device.clock
        seconds = callback_seconds or min(0.1, block / rate)
        self._wanted = Wanted(rate, channels, seconds, device_rate, samples)
        self._buffer_seconds = buffer_seconds
        self._longest_fill = longest_fill
        self._stall_seconds = stall_seconds
        self._reopen_seconds = reopen_seconds
        self._give_up_seconds = give_up_seconds
        self._events = EventQueue()
        self._state: SourceState = "stopped"
        # Held while the device is opened or closed.
        self._moving = threading.Lock()
        self._reset()

    @property
    def state(self) -> SourceState:
        return self._state

    @property
    def hanging(self) -> float:
        """Seconds for which the driver has not come back from opening the device anew, if it has
        not; 0: it does not hang. Only a new process gets rid of it."""
        helper = self._helper
        return 0.0 if helper is None or not helper.is_alive() else self.clock.now() - self._helped

    def start(self) -> None:
        if self._state != "stopped":
            raise UsageError(f"The {self.name} has been started already.")
        self._reset()
        with self._moving:
            self._form = self._device.open(self._wanted, self._deliver)
            self._prepare(self._form)
            self._heard = self._opened = self.clock.now()
            self._state = "running"

    def read(self, timeout: float | None = None) -> AudioBlock | None:
        deadline = None if timeout is None else self.clock.now() + timeout
        while True:
            assembler = self._assembler
            if assembler is None or self._state in ("stopped", "ended"):
                raise StreamEnded(f"The {self.name} was stopped.")
            self._take_stamps(assembler)
            block = assembler.take()
            if block is not None:
                return block
            now = self.clock.now()
            if deadline is not None and now >= deadline:
                return None
            wait = self._watch(now)
            self._device.wait(wait if deadline is None else min(wait, deadline - now))

    def stop(self) -> None:
        if self._state == "stopped":
            return
        self._state = "stopped"
        self._aside(self._close)
        if self._helper is not None and self._helper is not threading.current_thread():
            self._helper.join(_CLOSING)
            if self._helper.is_alive():
                raise CaptureError(
                    f"The {self.name} does not close: its driver or sound server hangs."
                )

    def counters(self) -> AudioCounters:
        assembler = self._assembler
        if assembler is None:
            return AudioCounters()
        calls = self._durations[: min(self._calls, _STAMPS)]
        return AudioCounters(
            blocks=assembler.blocks,
            samples=assembler.blocks * self.block,
            overruns=assembler.overruns,
            lost=assembler.lost,
            silence=assembler.silence,
            stalls=self._stalls,
            reconnects=self._reconnects,
            drift_ppm=assembler.drift_ppm,
            callback_p99_ms=float(np.quantile(calls, 0.99)) * 1e3 if calls.size else None,
        )

    def events(self) -> tuple[CaptureEvent, ...]:
        return self._events.take()

    def __enter__(self) -> Microphone:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __iter__(self) -> Iterator[AudioBlock]:
        while True:
            try:
                block = self.read()
            except StreamEnded:
                return
            if block is not None:
                yield block

    def _reset(self) -> None:
        self._ring: Ring | None = None
        self._assembler: Assembler | None = None
        self._stamps = Ring(_STAMPS, 6, np.float64)
        self._stamp = np.zeros((1, 6))
        self._durations = np.zeros(_STAMPS)
        self._calls = 0
        self._backoff = Backoff()
        self._helper: threading.Thread | None = None
        self._helped = 0.0
        self._retry_at = 0.0
        self._heard = self._opened = 0.0
        self._stalled = False
        self._opening = self._heard_opening = 0
        self._reconnects = self._stalls = 0

    def _prepare(self, form: InputFormat) -> None:
        self._row_bytes = form.channels * SAMPLE_BYTES[form.samples]
        ring = Ring(round(self._buffer_seconds * form.rate), self._row_bytes, np.uint8)
        self._assembler = Assembler(
            self.name,
            ring,
            form,
            rate=self.rate,
            channels=self.channels,
            block=self.block,
            longest_fill=self._longest_fill,
            events=self._events,
        )
        # From here on the callback keeps what comes.
        self._ring = ring

    def _deliver(self, data: bytes, frames: int, captured: float, overflow: bool) -> None:
        """Copy and stamp: runs in the device's own thread, which must never be late."""
        started = perf_counter()
        ring = self._ring
        if ring is None:
            return
        stamp = (ring.written, frames, captured, self.clock.now(), overflow, self._opening)
        ring.write(np.frombuffer(data, np.uint8).reshape(frames, self._row_bytes))
        self._stamp[0] = stamp
        self._stamps.write(self._stamp)
        self._durations[self._calls % _STAMPS] = perf_counter() - started
        self._calls += 1

    def _take_stamps(self, assembler: Assembler) -> None:
        _, rows = self._stamps.read(_STAMPS)
        for start, frames, captured, arrived, overflow, opening in rows.tolist():
            reopened = opening != self._heard_opening
            if reopened:
                self._heard_opening = opening
                self._reconnects += 1
                away, attempts = arrived - self._heard, self._backoff.attempt
                self._events.put(Back(self.name, arrived, away, attempts))
                self._backoff.reset()
            self._heard = arrived
            self._stalled = False
            assembler.add(
                Stamp(int(start), int(frames), captured, arrived, bool(overflow), reopened)
            )

    def _watch(self, now: float) -> float:
        """Look after the device; seconds until it is worth looking again."""
        if self._state == "lost":
            return self._retry(now)
        quiet = now - max(self._heard, self._opened)
        if quiet > 3 * self._wanted.seconds and not self._device.active():
            return self._lose(now, "the device has gone")
        if quiet > self._reopen_seconds:
            return self._lose(now, f"no sound came for {quiet:.1f} s")
        if quiet > self._stall_seconds and not self._stalled:
            self._stalled = True
            self._stalls += 1
            self._events.put(Stalled(self.name, now, quiet))
        return _LOOK

    def _lose(self, now: float, reason: str) -> float:
        self._state = "lost"
        self._events.put(Unplugged(self.name, now, reason))
        return self._schedule(now)

    def _schedule(self, now: float) -> float:
        wait = self._backoff.next()
        self._retry_at = now + wait
        self._events.put(Retrying(self.name, now, wait, self._backoff.attempt))
        return min(wait, _LOOK)

    def _retry(self, now: float) -> float:
        if self._helper is not None:
            return _LOOK
        if self._give_up_seconds is not None and now - self._heard > self._give_up_seconds:
            self._state = "ended"
            raise CaptureError(
                f"The {self.name} was given up: nothing was heard of it for "
                f"{now - self._heard:.0f} s."
            )
        if now < self._retry_at:
            return min(self._retry_at - now, _LOOK)
        self._aside(self._reopen)
        return _LOOK

    def _aside(self, work: Callable[[], None]) -> None:
        """Do what may take long in a thread of its own, so that readers are not held up."""
        if not self._device.slow:
            work()
            return
        self._helped = self.clock.now()
        self._helper = threading.Thread(target=work, name=f"edge-sdk {self.name}", daemon=True)
        self._helper.start()

    def _close(self) -> None:
        with self._moving:
            self._device.close()

    def _reopen(self) -> None:
        form = self._form
        # The same format as before: what is captured goes into the same ring.
        wanted = replace(
            self._wanted, channels=form.channels, device_rate=form.rate, samples=form.samples
        )
        with self._moving:
            self._device.close()
            if self._state != "lost":
                return
            self._opening += 1
            try:
                self._device.open(wanted, self._deliver)
            except EdgeError:
                self._schedule(self.clock.now())
            else:
                if self._state == "lost":
                    self._opened = self.clock.now()
                    self._state = "running"
            self._helper = None
