"""Keeps a session, where the user wants that: sound, pictures, events; it can be replayed."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from edge_sdk.errors import InputError, storage_errors

from ..capture import Clock, Frame, FrameCounters, FrameSource, SourceState
from ..capture.events import CaptureEvent
from ..speech import RATE
from ..speech.protocol import Samples
from .events import AssistantEvent, plain


class Recorder:
    """Writes a session folder: ``audio.wav``, ``video/`` with ``times.json``, ``events.jsonl``.

    Args:
        folder: a new or empty folder.

    Raises:
        InputError: there is something in it already.
        StorageError: it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} is not empty: a recording needs a folder of its own.")
        self.folder = folder
        with storage_errors(folder):
            (folder / "video").mkdir(parents=True)
            self._sound = soundfile.SoundFile(
                folder / "audio.wav", "w", samplerate=RATE, channels=1, subtype="PCM_16"
            )
            self._events = (folder / "events.jsonl").open("w", encoding="utf-8")
        self._start: float | None = None
        self._times: list[float] = []

    def sound(self, samples: Samples, end: float) -> None:
        """Take the next samples ``[n]``, whose last one is of time ``end``."""
        if self._start is None:
            self._start = end - len(samples) / RATE
        with storage_errors(self.folder):
            self._sound.write(np.clip(samples, -1.0, 1.0))

    def event(self, event: AssistantEvent) -> None:
        """Take an event of the loop."""
        with storage_errors(self.folder):
            self._events.write(json.dumps(plain(event)) + "\n")
            self._events.flush()

    def frame(self, frame: Frame) -> None:
        """Take a frame that was looked at."""
        with storage_errors(self.folder):
            Image.fromarray(frame.image).save(
                self.folder / "video" / f"{len(self._times):06d}.png", compress_level=1
            )
        self._times.append(frame.time)

    def close(self) -> None:
        """Finish the files; without sound there is no ``audio.wav``."""
        start = self._start
        if start is None:
            # Without a microphone the pictures are the session.
            start = self._times[0] if self._times else 0.0
        times = [round(max(0.0, time - start), 4) for time in self._times]
        with storage_errors(self.folder):
            self._sound.close()
            if self._start is None:
                (self.folder / "audio.wav").unlink()
            self._events.close()
            (self.folder / "video" / "times.json").write_text(json.dumps(times), encoding="utf-8")


class RecordedCamera:
    """A camera whose frames are kept as they are looked at."""

    def __init__(self, camera: FrameSource, recorder: Recorder) -> None:
        self._camera, self._recorder = camera, recorder
        self._last = -1
        self._lock = threading.Lock()
        self.name = camera.name
        self.clock: Clock = camera.clock

    @property
    def state(self) -> SourceState:
        return self._camera.state

    def start(self) -> None:
        self._camera.start()

    def newest(self, after: int | None = None, timeout: float | None = 0.0) -> Frame | None:
        frame = self._camera.newest(after, timeout)
        # The loop looks, and the page.
        with self._lock:
            if frame is not None and frame.number > self._last:
                self._last = frame.number
                self._recorder.frame(frame)
        return frame

    def stop(self) -> None:
        self._camera.stop()

    def counters(self) -> FrameCounters:
        return self._camera.counters()

    def events(self) -> tuple[CaptureEvent, ...]:
        return self._camera.events()
