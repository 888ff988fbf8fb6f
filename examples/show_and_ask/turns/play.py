"""Plays the script to the assistant, turn by turn, and notes what came of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edge_sdk.frontends.image import read_picture
from edge_sdk.runtimes.assistant import AssistantConfig
from edge_sdk.runtimes.assistant import events as happened
from edge_sdk.runtimes.assistant.build import build_assistant
from edge_sdk.runtimes.assistant.speaker import MemorySpeaker
from edge_sdk.runtimes.capture import (
    CaptureEvent,
    Clock,
    Frame,
    FrameCounters,
    SourceState,
    StreamEnded,
    VirtualClock,
)
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.runtimes.speech.protocol import Samples

from .room import Room
from .script import Asked
from .voices import PAUSE, background, disturbed, quiet, say

_WAKE = "okay nabu"
# Noise goes on for so long before and after what is said.
_AROUND = 1.0
# So long nobody says anything where nothing is asked.
_NOTHING = 2.0


@dataclass
class Outcome:
    """What came of a turn; ``events`` are those from its begin to the next one's."""

    asked: Asked
    events: list[happened.AssistantEvent] = field(default_factory=list)

    def of(self, kind: type[happened.AssistantEvent]) -> list[happened.AssistantEvent]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def woken(self) -> bool:
        """Whether it listened to the turn."""
        return self.asked.condition == "follow-up" or bool(self.of(happened.Woken))

    @property
    def heard(self) -> happened.Recognised | None:
        """What the first utterance was written down as."""
        return next((e for e in self.events if isinstance(e, happened.Recognised)), None)

    @property
    def understood(self) -> happened.Understood | None:
        return next((e for e in self.events if isinstance(e, happened.Understood)), None)

    @property
    def answered(self) -> happened.Answered | None:
        return next((e for e in self.events if isinstance(e, happened.Answered)), None)

    @property
    def intent_right(self) -> bool:
        """For silence and noise: nothing was taken for an utterance that wants an answer."""
        if not self.asked.text:
            return self.answered is None or not self.answered.text
        found = self.understood
        return found is not None and found.heads["intent"][0] == self.asked.intent

    @property
    def card_right(self) -> bool:
        found = self.understood
        return found is not None and found.heads["card"][0] == self.asked.card

    @property
    def answer_right(self) -> bool:
        """Whether the skill asked for answered, about the card that was held up."""
        found = self.answered
        if not self.asked.text:
            return found is None or not found.text
        if found is None:
            # It need not wake for what is not for it.
            return self.asked.intent == "not-for-me"
        if self.asked.intent == "not-for-me":
            return not found.text
        asks_again = "did not understand" in found.text or "not sure" in found.text
        named = not self.asked.names_card or self.card_right
        return found.skill == self.asked.intent and not asks_again and named

    @property
    def seconds(self) -> float | None:
        """From the end of what was said to the first sound of the answer: what the end took to be
        known, on the room's clock, and what thinking took on this machine."""
        started, found = self.of(happened.SpeechStarted), self.answered
        if not started or found is None:
            return None
        first = started[0]
        assert isinstance(first, happened.SpeechStarted)
        if first.latency is None:
            return None
        return first.latency + sum(found.milliseconds.values()) / 1000


class _Hand:
    """A camera that sees the card of the turn."""

    name = "camera"
    state: SourceState = "running"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.image = np.zeros((4, 4, 3), np.uint8)

    def start(self) -> None:
        """Nothing to open."""

    def stop(self) -> None:
        """Nothing to release."""

    def newest(self, after: int | None = None, timeout: float | None = 0.0) -> Frame:
        """The card, now."""
        return Frame(self.image, self.clock.now(), 0)

    def counters(self) -> FrameCounters:
        return FrameCounters()

    def events(self) -> tuple[CaptureEvent, ...]:
        return ()


def play(
    session: FusionSession,
    config: AssistantConfig,
    turns: Sequence[Asked],
    samples: Path,
    *,
    echo_db: float | None = 0.0,
    seed: int = 0,
    each: Callable[[int], None] = lambda _: None,
) -> list[Outcome]:
    """Ask every turn when the assistant is idle (follow-ups: while it waits for one).

    Args:
        session: the bundle, open.
        config: the assistant's.
        turns: what is asked.
        samples: the root of the sample set, for its pictures.
        echo_db: see :class:`~.room.Room`.
        seed: of all noise.
        each: called with the number of each turn before it.
    """
    clock = VirtualClock()
    speaker = MemorySpeaker(clock, config.volume)
    hand = _Hand(clock)
    outcomes: list[Outcome] = []
    begun = time.time()

    def begins(number: int) -> None:
        # Nobody listens to the answers again: many turns would fill the memory with them.
        del speaker.heard[:-1]
        each(number)

    state = _Stage(turns, samples, hand, outcomes, seed, begins)
    room = Room(clock, speaker, state.direct, echo_db=echo_db, seed=seed)
    assistant = build_assistant(
        session,
        config,
        microphone=room,
        speaker=speaker,
        camera=hand,
        # The time of day stands still: no timer of one turn rings in another.
        wall=lambda: begun,
    )
    assistant.listen(lambda event: outcomes[-1].events.append(event) if outcomes else None)
    state.state = lambda: assistant.state
    assistant.run()
    return outcomes


class _Stage:
    """Tells the room what sounds next."""

    def __init__(
        self,
        turns: Sequence[Asked],
        samples: Path,
        hand: _Hand,
        outcomes: list[Outcome],
        seed: int,
        each: Callable[[int], None],
    ) -> None:
        self._each = each
        self._turns, self._samples, self._hand = list(turns), samples, hand
        self._outcomes, self._seed = outcomes, seed
        self._rested = 0.0
        self.state: Callable[[], str] = lambda: "idle"

    def direct(self, now: float) -> Samples | None:
        """The next turn, as soon as the assistant has rested for a second."""
        state = self.state()
        follow_up = bool(self._turns) and self._turns[0].condition == "follow-up"
        answered = bool(self._outcomes) and self._outcomes[-1].answered is not None
        if not (state == "idle" or (follow_up and state == "listening" and answered)):
            self._rested = now
            return None
        if now - self._rested < (0.6 if state == "listening" else 1.0):
            return None
        if not self._turns:
            raise StreamEnded
        self._each(len(self._outcomes))
        asked = self._turns.pop(0)
        self._outcomes.append(Outcome(asked))
        self._hand.image = read_picture(self._samples / str(asked.picture.image))
        self._rested = now
        return self._sound(asked, wake=state == "idle")

    def _sound(self, asked: Asked, *, wake: bool) -> Samples:
        call = np.concatenate([say(*asked.voice, _WAKE), quiet(PAUSE)]) if wake else quiet(0.0)
        said = say(*asked.voice, asked.text) if asked.text else quiet(_NOTHING)
        if asked.noise is None or asked.snr_db is None:
            return np.concatenate([call, said])
        rng = np.random.default_rng([self._seed, len(self._outcomes)])
        others = background()
        if asked.noise == "speech":
            # Somebody begins to talk when the command begins, and has done a little after it.
            said = np.concatenate([said, quiet(_AROUND / 2)])
            return np.concatenate([call, disturbed(said, "speech", asked.snr_db, rng, others)])
        whole = np.concatenate([quiet(_AROUND), call, said, quiet(_AROUND)])
        return disturbed(whole, asked.noise, asked.snr_db, rng, others)
