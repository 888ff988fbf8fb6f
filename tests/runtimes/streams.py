"""A microphone and a camera that are not there, for streams on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edge_sdk.runtimes.capture import Microphone, SimulatedCamera, SimulatedInput, VirtualClock
from edge_sdk.runtimes.streaming.events import Decision, StreamEvent
from edge_sdk.runtimes.streaming.live import LiveStream

from ..synthetic import picture, speech_like

SOUND = speech_like(20.0, seed=3).clip(-1, 1)
HOP = 0.08


def heard(first: int, count: int) -> np.ndarray[Any, Any]:
    at = np.arange(first, first + count) % len(SOUND)
    return SOUND[at, None].astype(np.float32)


def seen(number: int) -> np.ndarray[Any, Any]:
    return picture(32, 24, seed=number)


Sound = Callable[[int, int], np.ndarray[Any, Any]]


class Devices:
    """A microphone and a camera that are not there, on one virtual clock."""

    def __init__(
        self, *, camera: dict[str, Any] | None = None, sound: Sound = heard, **faults: Any
    ) -> None:
        self.clock = VirtualClock(100.0)
        self.microphone = Microphone(SimulatedInput(self.clock, sound, **faults), block=1280)
        self.camera = SimulatedCamera(self.clock, seen, **(camera or {}))


def until(stream: LiveStream, seconds: float) -> list[StreamEvent]:
    """The events of the next ``seconds``."""
    events: list[StreamEvent] = []
    for event in stream:
        events.append(event)
        if event.time >= 100.0 + seconds:
            break
    return events


def decisions(events: list[StreamEvent]) -> list[Decision]:
    return [event for event in events if isinstance(event, Decision)]
