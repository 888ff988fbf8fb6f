"""What happens in the loop, as typed events; each with its time on the loop's clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

State = Literal["idle", "listening", "thinking", "speaking"]


@dataclass(frozen=True)
class AssistantEvent:
    """Base of all; ``time`` is in seconds on the clock of the microphone."""

    time: float


@dataclass(frozen=True)
class StateChanged(AssistantEvent):
    """The loop went from one state to another, for ``reason``."""

    before: State
    after: State
    reason: str


@dataclass(frozen=True)
class Woken(AssistantEvent):
    """The wake word was heard; ``barged_in`` where it cut an answer short."""

    phrase: str
    score: float
    barged_in: bool = False


@dataclass(frozen=True)
class SelfHeard(AssistantEvent):
    """A phrase was heard that the assistant itself is saying: it does not count."""

    phrase: str
    score: float


@dataclass(frozen=True)
class NothingSaid(AssistantEvent):
    """Nobody spoke after the wake word, or in the window for a follow-up."""


@dataclass(frozen=True)
class Heard(AssistantEvent):
    """An utterance is whole: ``speech_end`` is when its last speech was captured."""

    turn: int
    seconds: float
    speech_end: float
    cut: bool


@dataclass(frozen=True)
class Recognised(AssistantEvent):
    """What was said, as written down by ``recogniser``."""

    turn: int
    text: str
    confidence: float | None
    recogniser: str


@dataclass(frozen=True)
class Understood(AssistantEvent):
    """What the fusion model makes of it: (label, confidence) by head, and what it rests on."""

    turn: int
    heads: dict[str, tuple[str, float]]
    used: tuple[str, ...]
    frame_age: float | None


@dataclass(frozen=True)
class Answered(AssistantEvent):
    """What a skill answers; empty: it stays silent. ``milliseconds`` are of each stage."""

    turn: int
    skill: str
    text: str
    milliseconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SpeechStarted(AssistantEvent):
    """The speaker began; ``latency`` in seconds since the end of the user's speech, if any."""

    text: str
    seconds: float
    latency: float | None


@dataclass(frozen=True)
class SpeechEnded(AssistantEvent):
    """The speaker fell silent; ``cut`` says after which word or call, None: it was done."""

    cut: str | None


@dataclass(frozen=True)
class TimerRang(AssistantEvent):
    """A timer is over."""

    name: str


@dataclass(frozen=True)
class Happened(AssistantEvent):
    """Something of a device: unplugged, samples lost, frozen."""

    source: str
    what: str


@dataclass(frozen=True)
class Failed(AssistantEvent):
    """A stage failed; the loop goes on without its result."""

    stage: str
    sentence: str


@dataclass(frozen=True)
class Moved(AssistantEvent):
    """The governor went from one level to another, for ``reason``."""

    before: str
    after: str
    reason: str


Listener = Callable[[AssistantEvent], None]


def plain(event: AssistantEvent) -> dict[str, Any]:
    """An event as what JSON can hold: its fields, and its kind as ``event``."""
    return {"event": type(event).__name__, **asdict(event)}
