"""A camera whose newest frame is always at hand, and that goes on when its cable does not."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import CaptureError, EdgeError, UsageError

from .backoff import Backoff
from .camera_device import CameraDevice, find_driver
from .clock import Clock, MonotonicClock
from .events import (
    Back,
    CameraFrozen,
    CaptureEvent,
    EventQueue,
    GarbageFrames,
    Retrying,
    Unplugged,
)
from .protocol import Frame, FrameCounters, SourceState, StreamEnded

#: So many broken frames in a row are an event.
_GARBAGE = 3
#: Seconds, beyond the driver's patience, for the capture thread to end.
_CLOSING = 10.0


class Camera:
    """A source of pictures: see :class:`~.protocol.FrameSource`.

    A thread grabs every frame the camera gives, so that none waits in a queue to be old, decodes
    those that are wanted, and keeps the newest. Usable as a context manager.
    """

    def __init__(
        self,
        camera: str | int | CameraDevice = 0,
        *,
        rate: float | None = None,
        size: tuple[int, int] | None = None,
        frozen_seconds: float = 2.0,
        give_up_seconds: float | None = None,
    ) -> None:
        """Nothing is opened before :meth:`start`.

        Args:
            camera: a number, ``/dev/video0``, an ``http://`` (MJPEG) or ``rtsp://`` address, a
                video file (at its own pace), ``picamera2:0``, ``gst:PIPELINE ! appsink``, or a
                driver of your own.
            rate: frames a second that are decoded and kept; by default all.
            size: width and height to ask the camera for; it may choose others.
            frozen_seconds: the same picture, bit by bit, or none for so long is a freeze: the
                picture is not given again as a new one. A stream that is silent for twice as
                long is opened again.
            give_up_seconds: raise after a loss of so long; by default never.

        Raises:
            CaptureError: that is no address of a camera.
            UsageError: the rate is not above 0.
        """
        self.rate = rate
        if isinstance(camera, (str, int)):
            camera = find_driver(camera, size, 2 * frozen_seconds)
        self._device = camera
        self.name = camera.name
        self.clock: Clock = MonotonicClock()
        self._frozen_seconds = frozen_seconds
        self._give_up_seconds = give_up_seconds
        self._events = EventQueue()
        self._state: SourceState = "stopped"
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._seen = self._delivered = 0
        self._reset()

    @property
    def state(self) -> SourceState:
        return self._state

    @property
    def rate(self) -> float | None:
        """Frames a second that are decoded and kept, None: all; may be set while it runs.

        Raises:
            UsageError: it is not above 0.
        """
        return 1.0 / self._period if self._period else None

    @rate.setter
    def rate(self, rate: float | None) -> None:
        if rate is not None and not rate > 0:
            raise UsageError(f"A camera's rate must be above 0 frames a second, not {rate}.")
        self._period = 0.0 if rate is None else 1.0 / rate

    def start(self) -> None:
        if self._state != "stopped":
            raise UsageError(f"The {self.name} has been started already.")
        self._reset()
        self._device.open()
        self._good_at = self.clock.now()
        self._state = "running"
        self._thread = threading.Thread(target=self._run, name=f"edge-sdk {self.name}", daemon=True)
        self._thread.start()

    def newest(self, after: int | None = None, timeout: float | None = 0.0) -> Frame | None:
        least = -1 if after is None else after
        with self._changed:
            # In steps, so that a camera that freezes meanwhile is noticed.
            deadline = None if timeout is None else self.clock.now() + timeout
            while True:
                frame = self._frame
                if frame is not None and frame.number > least:
                    if frame.number > self._seen:
                        self._seen = frame.number
                        self._delivered += 1
                    return frame
                if self._failure is not None:
                    raise self._failure
                if self._state in ("stopped", "ended"):
                    raise StreamEnded(f"The {self.name} gives no more frames.")
                now = self.clock.now()
                self._look(now)
                left = self._frozen_seconds if deadline is None else deadline - now
                if left <= 0:
                    return None
                self._changed.wait(min(left, self._frozen_seconds))

    def stop(self) -> None:
        with self._changed:
            self._state = "stopped"
            self._changed.notify_all()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        thread.join(2 * self._frozen_seconds + _CLOSING)
        if thread.is_alive():
            raise CaptureError(f"The {self.name} does not close: its driver hangs.")
        self._thread = None

    def counters(self) -> FrameCounters:
        with self._changed:
            waiting = self._frame is not None and self._frame.number > self._seen
            return FrameCounters(
                grabbed=self._grabbed,
                delivered=self._delivered,
                dropped=self._grabbed - self._garbage - self._delivered - waiting,
                garbage=self._garbage,
                freezes=self._freezes,
                reconnects=self._reconnects,
            )

    def events(self) -> tuple[CaptureEvent, ...]:
        return self._events.take()

    def __enter__(self) -> Camera:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _reset(self) -> None:
        self._frame: Frame | None = None
        self._failure: EdgeError | None = None
        self._seen = -1
        self._grabbed = self._delivered = self._garbage = 0
        self._freezes = self._reconnects = 0
        self._frozen = False
        self._last: NDArray[np.uint8] | None = None
        self._good_at = self._changed_at = 0.0

    def _run(self) -> None:
        backoff = Backoff()
        while self._state not in ("stopped", "ended"):
            try:
                self._capture(backoff)
            except StreamEnded:
                self._end()
            except EdgeError as error:
                self._lose(str(error))
            self._device.close()
            while self._state == "lost" and not self._reopen(backoff):
                pass
        self._device.close()

    def _capture(self, backoff: Backoff) -> None:
        """Grab frames until there are none or nobody wants them."""
        garbage = 0
        due = 0.0
        while self._state == "running":
            captured = self._device.grab()
            now = self.clock.now()
            image = None
            if captured is not None:
                wanted = captured >= due - 0.1 * self._period
                if not wanted:
                    self._grabbed += 1
                    continue
                image = self._device.retrieve()
            with self._changed:
                self._grabbed += 1
                if image is None or captured is None or _blank(image):
                    garbage += 1
                    self._garbage += 1
                    if garbage == _GARBAGE:
                        self._events.put(GarbageFrames(self.name, now, garbage))
                    if now - self._good_at > max(self._frozen_seconds, 1.0) and garbage > _GARBAGE:
                        raise CaptureError("it gives nothing but broken frames")
                    continue
                garbage = 0
                due = max(due, captured - self._period) + self._period
                if backoff.attempt:
                    away = captured - self._good_at
                    self._reconnects += 1
                    self._events.put(Back(self.name, captured, away, backoff.attempt))
                    backoff.reset()
                self._good_at = now
                self._publish(image, captured)

    def _publish(self, image: NDArray[np.uint8], captured: float) -> None:
        same = self._last is not None and np.array_equal(image, self._last)
        self._last = image
        if not same:
            self._changed_at = captured
            self._frozen = False
        elif captured - self._changed_at > self._frozen_seconds:
            # A sensor's noise makes every picture another one: this is the last one again.
            self._freeze(captured, captured - self._changed_at)
            return
        self._frame = Frame(image, captured, self._grabbed - 1)
        self._changed.notify_all()

    def _look(self, now: float) -> None:
        """Notice, in the reader's thread, that the capture thread waits for too long."""
        quiet = now - self._good_at
        if self._state == "running" and quiet > self._frozen_seconds:
            self._freeze(now, quiet)
        if (
            self._state == "lost"
            and self._give_up_seconds is not None
            and quiet > self._give_up_seconds
        ):
            self._state = "ended"
            self._failure = CaptureError(
                f"The {self.name} was given up: it gave no picture for {quiet:.0f} s."
            )
            raise self._failure

    def _freeze(self, now: float, seconds: float) -> None:
        if not self._frozen:
            self._frozen = True
            self._freezes += 1
            self._events.put(CameraFrozen(self.name, now, seconds))

    def _lose(self, reason: str) -> None:
        with self._changed:
            if self._state == "running":
                self._state = "lost"
                self._events.put(Unplugged(self.name, self.clock.now(), reason))

    def _end(self) -> None:
        with self._changed:
            if self._state == "running":
                self._state = "ended"
            self._changed.notify_all()

    def _reopen(self, backoff: Backoff) -> bool:
        """Wait, and try once."""
        with self._changed:
            wait = backoff.next()
            self._events.put(Retrying(self.name, self.clock.now(), wait, backoff.attempt))
            self._changed.wait_for(lambda: self._state != "lost", wait)
            if self._state != "lost":
                return False
        try:
            self._device.open()
        except EdgeError:
            return False
        with self._changed:
            # It may have been stopped while the device was opening.
            back = self.state == "lost"
            if back:
                self._state = "running"
                self._frozen = False
        return back


def _blank(image: NDArray[np.uint8]) -> bool:
    """Whether a frame is of one colour throughout: what broken cables give, and lens caps."""
    first = image[0, 0]
    if (image[-1, -1] != first).any() or (image[len(image) // 2] != first).any():
        return False
    return not bool((image != first).any())
