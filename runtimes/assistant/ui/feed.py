"""What the page shows, collected on the loop's thread and handed to any number of readers."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import threading
from collections import deque
from typing import Any

import numpy as np
from PIL import Image

from edge_sdk.errors import EdgeError
from edge_sdk.frontends.audio import AudioFeaturesConfig, LogMel

from ...capture import Frame, FrameSource, StreamEnded
from ...speech.protocol import Samples
from ..events import AssistantEvent, plain

# Events that a reader who comes late is told.
_KEPT = 200
# Bands of the picture of the sound, of the 80 of the front-end.
_BANDS = 40
# Messages that wait for a reader. One that does not keep up loses the sound first; one that has
# stopped reading is let go, and is told everything that is kept when it comes again.
_BEHIND, _MOST = 256, 1000
#: Open pages at a time.
READERS = 16
_WIDTH = 320
# Seconds after which a picture is not what the camera sees.
_OLD = 5.0


class Feed:
    """Events, levels and mel columns, as JSON messages.

    Args:
        camera: whose newest frame is shown; None: there is none.
    """

    def __init__(self, camera: FrameSource | None = None) -> None:
        self._camera = camera
        self._mel = LogMel(AudioFeaturesConfig()).stream()
        self._kept: list[str] = []
        self._readers: set[Reader] = set()
        self._lock = threading.Lock()
        self._frame: Frame | None = None
        self._jpeg = b""

    def event(self, event: AssistantEvent) -> None:
        """Take an event of the loop."""
        message = _message("event", plain(event))
        with self._lock:
            self._kept = [*self._kept[1 - _KEPT :], message]
            readers = tuple(self._readers)
        for reader in readers:
            reader.put(message)

    def sound(self, samples: Samples, end: float) -> None:
        """Take the next samples ``[n]`` at 16 kHz; costs next to nothing while nobody reads."""
        with self._lock:
            readers = tuple(self._readers)
        if not readers:
            return
        level = float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0
        frames = self._mel.push(samples)
        # Pairs of bands, on a scale from 0 to 9: a column is as many digits.
        pairs = frames.reshape(len(frames), _BANDS, -1).mean(axis=2)
        digits = np.clip((pairs + 16.0) / 2.2, 0, 9).astype(int)
        columns = ["".join(map(str, column)) for column in digits.tolist()]
        decibels = round(20 * np.log10(max(level, 1e-5)), 1)
        message = _message("sound", {"time": end, "decibels": decibels, "columns": columns})
        for reader in readers:
            reader.put(message, may_drop=True)

    def picture(self) -> bytes | None:
        """The newest frame as a JPEG, 320 pixels wide; None where there is none of late."""
        if self._camera is None:
            return None
        try:
            frame = self._camera.newest() or self._frame
        except (EdgeError, StreamEnded):
            return None
        if frame is None or self._camera.clock.now() - frame.time > _OLD:
            return None
        if frame is not self._frame:
            # Once, however many look.
            self._frame, self._jpeg = frame, _jpeg(frame)
        return self._jpeg

    @property
    def full(self) -> bool:
        """Whether there are :data:`READERS` already."""
        return len(self._readers) >= READERS

    def join(self) -> Reader:
        """A new reader; it is told what was kept first. Call on its event loop."""
        reader = Reader(asyncio.get_running_loop())
        with self._lock:
            for message in self._kept:
                reader.put(message)
            self._readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """The reader has gone."""
        with self._lock:
            self._readers.discard(reader)


class Reader:
    """One open page."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._waiting: deque[str] = deque()
        self._lost = False
        self._more = asyncio.Event()

    def put(self, message: str, *, may_drop: bool = False) -> None:
        """Hand a message over, from any thread."""
        with self._lock:
            if self._lost or (may_drop and len(self._waiting) >= _BEHIND):
                return
            if len(self._waiting) >= _MOST:
                self._lost = True
                self._waiting.clear()
            else:
                self._waiting.append(message)
        with contextlib.suppress(RuntimeError):  # the server has ended in between
            self._loop.call_soon_threadsafe(self._more.set)

    async def get(self) -> str | None:
        """The next message; None: it had stopped reading, and is to come again."""
        while True:
            with self._lock:
                if self._waiting:
                    return self._waiting.popleft()
                if self._lost:
                    return None
                self._more.clear()
            await self._more.wait()


def _jpeg(frame: Frame) -> bytes:
    picture = Image.fromarray(frame.image)
    picture.thumbnail((_WIDTH, _WIDTH))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=75)
    return content.getvalue()


def _message(kind: str, content: dict[str, Any]) -> str:
    """In the form of server-sent events."""
    return f"event: {kind}\ndata: {json.dumps(content)}\n\n"
