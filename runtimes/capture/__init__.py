"""Microphones and cameras, stamped on one clock: what a stream is made of."""

from __future__ import annotations

from .absent import NoMicrophone
from .alignment import Aligner
from .array import MicrophoneArray
from .beamformed import Beamformed
from .camera import Camera
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
from .microphone import Microphone
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
from .replay import ReplayAudio, ReplayVideo
from .simulated import SimulatedCamera, SimulatedInput

__all__ = [
    "Aligner",
    "AudioBlock",
    "AudioCounters",
    "AudioSource",
    "Back",
    "Beamformed",
    "Camera",
    "CameraFrozen",
    "CaptureEvent",
    "Clock",
    "Frame",
    "FrameCounters",
    "FrameSource",
    "GarbageFrames",
    "Microphone",
    "MicrophoneArray",
    "MonotonicClock",
    "NoMicrophone",
    "ReplayAudio",
    "ReplayVideo",
    "Retrying",
    "SamplesLost",
    "SimulatedCamera",
    "SimulatedInput",
    "SourceState",
    "Stalled",
    "StreamEnded",
    "Unplugged",
    "VirtualClock",
]
