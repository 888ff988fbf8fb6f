"""What a live stream tells: decisions, losses, devices, faults, moves, its end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..capture.events import CaptureEvent
from ..prediction import Prediction, plain
from .tally import StreamCounters


@dataclass(frozen=True)
class StreamEvent:
    """Base of all; ``time`` is in seconds on the clock of the sources."""

    time: float


@dataclass(frozen=True)
class Decision(StreamEvent):
    """The model's answer on what was newest.

    Attributes:
        number: counts decisions, from 0.
        prediction: the answer; ``used`` names the modalities it rests on.
        data_age: seconds since the end of the sound (without sound: since the frame) it rests on.
        latency: seconds from the moment the data were at hand to the decision.
        window: from and to, the sound that the audio embedding covers; None: there is none.
        frame_age: how much older than the end of that sound (without sound: than the decision)
            the frame is, seconds; below 0 it is younger; None: there is no frame, or none that is
            near enough, and the picture counts as missing.
        rung: of the bundle's ladder.
        level: of the governor; empty without one.
        late: whether the data were older than the deadline.
    """

    number: int
    prediction: Prediction
    data_age: float
    latency: float
    window: tuple[float, float] | None
    frame_age: float | None
    rung: str
    level: str
    late: bool


@dataclass(frozen=True)
class DecisionsLost(StreamEvent):
    """``count`` hops of sound had no decision of their own: newer sound was there already.

    The machine was busy, or the reader of the stream was. ``total`` counts since the beginning.
    """

    count: int
    total: int


@dataclass(frozen=True)
class Captured(StreamEvent):
    """Something of a device: unplugged, back, samples lost, frozen."""

    event: CaptureEvent


@dataclass(frozen=True)
class Failed(StreamEvent):
    """A stage (``audio``, ``image``, ``text``, ``head``, ``rung``, a device) raised.

    It is tried again with the next data; ``in_a_row`` counts since it last worked.
    """

    stage: str
    sentence: str
    in_a_row: int


@dataclass(frozen=True)
class Moved(StreamEvent):
    """The governor went from one level to another, for ``reason``; ``rung`` holds from now on."""

    before: str
    after: str
    rung: str
    reason: str


@dataclass(frozen=True)
class Ended(StreamEvent):
    """The last event.

    ``over``: the microphone has no more (without one, the camera). ``stopped``: by the program.
    ``failed``: a device was given up (``fault`` is ``device``), or a stage failed too often in a
    row (``engine``); ``sentence`` says it.
    """

    reason: Literal["over", "stopped", "failed"]
    sentence: str
    counters: StreamCounters
    fault: Literal["", "device", "engine"] = ""


def plain_event(event: StreamEvent) -> dict[str, Any]:
    """An event as what JSON can hold: its fields, and its kind as ``event``."""
    fields: dict[str, Any] = {"event": type(event).__name__}
    if isinstance(event, Decision):
        for name in event.__dataclass_fields__:
            value = getattr(event, name)
            fields[name] = plain(value) if isinstance(value, Prediction) else value
    elif isinstance(event, Captured):
        fields |= {"time": event.time, "what": type(event.event).__name__, **asdict(event.event)}
    else:
        fields |= asdict(event)
    return fields
