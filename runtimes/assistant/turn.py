"""One turn: what was said and seen, what was made of it, and the answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from ..prediction import Prediction
from ..speech import Transcript
from .config import AssistantConfig
from .timers import Timers


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What a skill is given.

    Attributes:
        number: counts the turns from 1.
        transcript: what was recognised.
        prediction: what the fusion model says.
        seen: whether a camera frame was part of it.
    """

    number: int
    transcript: Transcript
    prediction: Prediction
    seen: bool

    def head(self, name: str | None) -> tuple[str, float] | None:
        """Label and confidence of a head; None where the model has no such head."""
        if name is None or name not in self.prediction.heads:
            return None
        found = self.prediction.heads[name]
        return found.label, found.confidence


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a skill answers.

    Attributes:
        text: to be spoken; empty: stay silent.
        follow_up: whether the user may go on without the wake word.
    """

    text: str = ""
    follow_up: bool = True


class Home(msgspec.Struct, kw_only=True):
    """What skills may use and change.

    Attributes:
        config: the assistant's configuration.
        timers: the timers that run.
        now: the local time of day.
        volume: of the speaker, 0 to 100.
        last: what was said last.
        remembered: labels that the user wanted kept, in order.
    """

    config: AssistantConfig
    timers: Timers
    now: Callable[[], datetime]
    volume: int
    last: str = ""
    remembered: list[str] = []

    def name(self, label: str) -> str:
        """A label in words."""
        thing = self.config.things.get(label)
        return thing.name if thing is not None and thing.name else label.replace("-", " ")


class Skill(Protocol):
    """Answers one intent. Registered under a name by the entry-point group ``edge_sdk.skills``."""

    def __call__(self, turn: Turn, home: Home) -> Answer:
        """The answer; it may rest on nothing but what was recognised."""
        ...
