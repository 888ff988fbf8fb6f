"""What a camera gives, watched until it is enough."""

from __future__ import annotations

import time
from collections.abc import Callable

from edge_sdk.runtimes.capture import Camera, CaptureEvent, Frame
from tests.capture.resources import PATIENCE


def watch_until(camera: Camera, done: Callable[[list[Frame]], bool]) -> list[Frame]:
    frames: list[Frame] = []
    deadline = time.monotonic() + PATIENCE
    while not done(frames):
        assert time.monotonic() < deadline, camera.counters()
        frame = camera.newest(frames[-1].number if frames else None, timeout=0.2)
        if frame is not None:
            frames.append(frame)
    return frames


def events_until(camera: Camera, kind: type[CaptureEvent]) -> list[CaptureEvent]:
    events: list[CaptureEvent] = []

    def seen(_: list[Frame]) -> bool:
        events.extend(camera.events())
        return any(isinstance(event, kind) for event in events)

    watch_until(camera, seen)
    return events
