"""Which picture belongs to a stretch of sound: the nearest in time, or none."""

from __future__ import annotations

from collections import deque

from edge_sdk.errors import UsageError

from .protocol import Frame, FrameSource


class Aligner:
    """Keeps the last frames of a camera, and finds the one for a window of sound.

    Both are stamped at capture on one clock, so no drift between the devices adds up: what
    differs is at most half a frame's period and what the stamps themselves are off.
    """

    def __init__(self, camera: FrameSource, *, keep: int = 16) -> None:
        """Nothing is started here.

        Args:
            camera: where frames come from.
            keep: frames that are kept; the window must be younger than the oldest of them.

        Raises:
            UsageError: ``keep`` is below 1.
        """
        if keep < 1:
            raise UsageError(f"An aligner keeps at least 1 frame, not {keep}.")
        self._camera = camera
        self._frames: deque[Frame] = deque(maxlen=keep)
        #: How often there was a frame, and how often there was none near enough.
        self.found = 0
        self.missing = 0

    def nearest_frame(self, time: float, max_age: float) -> Frame | None:
        """The frame nearest to ``time`` (seconds on the sources' clock, such as a window's middle).

        None where none is within ``max_age`` seconds of it: the picture is missing then, and is
        to be masked, not fused. Never waits. It fetches the camera's newest frame at each call:
        what comes between two calls is never decoded into it, so call it as often as windows end.

        Raises:
            StreamEnded, CaptureError: as :meth:`~.protocol.FrameSource.newest`.
        """
        self.add(self._camera.newest(self._frames[-1].number if self._frames else None))
        frame = min(self._frames, key=lambda frame: abs(frame.time - time), default=None)
        if frame is None or abs(frame.time - time) > max_age:
            self.missing += 1
            return None
        self.found += 1
        return frame

    def add(self, frame: Frame | None) -> None:
        """Keep a frame that was fetched elsewhere."""
        if frame is not None and (not self._frames or frame.number > self._frames[-1].number):
            self._frames.append(frame)
