"""Microphones and cameras, stamped on one clock: what a stream is made of."""

from __future__ import annotations

from .clock import Clock, MonotonicClock, VirtualClock
from .events import (
    Back,
    CameraFrozen,
    CaptureEvent,
    GarbageFrames,
    Retrying,
    SamplesLost,
    Stalled,
    Unplugged,
)
from .protocol import (
    AudioBlock,
    AudioCounters,
    AudioSource,
    Frame,
    FrameCounters,
    FrameSource,
    SourceState,
    StreamEnded,
)

__all__ = [
    "AudioBlock",
    "AudioCounters",
    "AudioSource",
    "Back",
    "CameraFrozen",
    "CaptureEvent",
    "Clock",
    "Frame",
    "FrameCounters",
    "FrameSource",
    "GarbageFrames",
    "MonotonicClock",
    "Retrying",
    "SamplesLost",
    "SourceState",
    "Stalled",
    "StreamEnded",
    "Unplugged",
    "VirtualClock",
]
