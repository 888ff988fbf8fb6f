"""Scripted components: what they are told happens, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle.manifest import Head
from edge_sdk.runtimes.assistant.config import AssistantConfig
from edge_sdk.runtimes.assistant.ears import Ears
from edge_sdk.runtimes.assistant.echo import Echo
from edge_sdk.runtimes.assistant.events import AssistantEvent
from edge_sdk.runtimes.assistant.loop import Assistant
from edge_sdk.runtimes.assistant.phrases import Spotter
from edge_sdk.runtimes.assistant.skills import skills_for
from edge_sdk.runtimes.assistant.speaker import MemorySpeaker
from edge_sdk.runtimes.assistant.thinking import Thinker
from edge_sdk.runtimes.assistant.timers import Timers
from edge_sdk.runtimes.assistant.turn import Home
from edge_sdk.runtimes.capture import (
    AudioBlock,
    AudioCounters,
    AudioSource,
    CaptureEvent,
    Frame,
    FrameCounters,
    FrameSource,
    SourceState,
    StreamEnded,
    VirtualClock,
)
from edge_sdk.runtimes.prediction import HeadPrediction, Prediction
from edge_sdk.runtimes.speech import RATE, EchoCanceller, Recogniser, Speech, Transcript
from edge_sdk.runtimes.speech.protocol import Samples

# Loudness stands for what is heard: the components below tell these levels apart.
SILENCE, SPEECH, WAKE, STOP = 0.0, 0.2, 0.5, 0.8
INTENTS = ("what-is-this", "time", "timer", "repeat", "volume-up", "stop", "not-for-me")
CARDS = ("frog", "owl", "nothing")


class Swallowing:
    """An echo canceller that leaves nothing of what it is given, and keeps how loud that was."""

    def __init__(self) -> None:
        self.given: list[float] = []

    def cancel(self, heard: Samples, played: Samples) -> Samples:
        self.given.append(float(np.abs(heard).max()))
        return heard * 0

    def reset(self) -> None: ...

    def close(self) -> None: ...


def sound(*parts: tuple[float, float]) -> Samples:
    """(level, seconds) one after the other."""
    return np.concatenate([np.full(round(s * RATE), v, np.float32) for v, s in parts])


class Microphone:
    """Gives ``samples`` in blocks of 80 ms on a virtual clock."""

    name, rate, channels, block = "scripted", RATE, 1, 1280
    state: SourceState = "running"

    def __init__(self, samples: Samples, clock: VirtualClock) -> None:
        self.clock: VirtualClock = clock
        self.stopped = 0
        self._samples, self._next = samples, 0

    def start(self) -> None: ...

    def stop(self) -> None:
        self.stopped += 1

    def events(self) -> tuple[CaptureEvent, ...]:
        return ()

    def counters(self) -> AudioCounters:
        return AudioCounters()

    def read(self, timeout: float | None = None) -> AudioBlock:
        if self._next >= len(self._samples):
            raise StreamEnded
        start, self._next = self._next, self._next + self.block
        block = self._samples[start : self._next]
        self.clock.move_to((start + len(block)) / RATE)
        return AudioBlock(block[:, None], start / RATE, start)


class Camera:
    """Always has a frame of ``age`` seconds."""

    name = "scripted"
    state: SourceState = "running"

    def __init__(self, clock: VirtualClock, age: float = 0.1) -> None:
        self.clock: VirtualClock = clock
        self._age = age

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def events(self) -> tuple[CaptureEvent, ...]:
        return ()

    def counters(self) -> FrameCounters:
        return FrameCounters()

    def newest(self, after: int | None = None, timeout: float | None = 0.0) -> Frame | None:
        return Frame(np.zeros((4, 4, 3), np.uint8), self.clock.now() - self._age, 0)


class Level:
    """A phrase is heard at the end of each stretch of its level."""

    def __init__(self, phrase: str, level: float) -> None:
        self.phrase, self._level, self._inside = phrase, level, False

    def feed(self, samples: Samples) -> float | None:
        at = bool(np.isclose(samples[-1], self._level)) if len(samples) else False
        heard, self._inside = self._inside and not at, at
        return 0.9 if heard else None

    def reset(self) -> None:
        self._inside = False

    def close(self) -> None: ...


class Loud:
    """Speech is what has the level of speech."""

    window = 320

    def probability(self, samples: Samples) -> float:
        return float(np.isclose(samples, SPEECH).mean())

    def reset(self) -> None: ...


class Words:
    """Recognises what it was told, one text after the other; an exception is raised."""

    def __init__(self, texts: Sequence[str | Exception]) -> None:
        self._texts = list(texts)

    def transcribe(self, samples: Samples) -> Transcript:
        text = self._texts.pop(0)
        if isinstance(text, Exception):
            raise text
        return Transcript(text, 0.9)

    def close(self) -> None: ...


class Mouth:
    """Speaks a tenth of a second a word, at a level of its own."""

    def __init__(self, level: float = 0.05) -> None:
        self._level = level

    def speak(self, text: str) -> Speech:
        count = round(0.1 * RATE * len(text.split()))
        return Speech(np.full(count, self._level, np.float32), RATE)

    def close(self) -> None: ...


class Session:
    """Answers with the intents, cards and confidences it was told."""

    modalities = ("audio", "image", "text")

    def __init__(self, answers: Sequence[tuple[str, float, str, float] | Exception]) -> None:
        self._answers = list(answers)
        self.given: list[Mapping[str, Any]] = []
        heads = (Head(name="intent", labels=INTENTS), Head(name="card", labels=CARDS))
        self.bundle = SimpleNamespace(manifest=SimpleNamespace(heads=heads))

    def infer(self, **given: Any) -> Prediction:
        self.given.append(given)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        intent, sure, card, seen = answer
        found = zip(
            self.bundle.manifest.heads, ((INTENTS, intent, sure), (CARDS, card, seen)), strict=True
        )
        heads = {head.name: HeadPrediction(head, _logits(*how)) for head, how in found}
        used = tuple(name for name in self.modalities if given.get(name) is not None)
        return Prediction(heads=heads, used=used, timings={})


def _logits(labels: Sequence[str], label: str, confidence: float) -> NDArray[np.float32]:
    rest = (1 - confidence) / (len(labels) - 1)
    return np.log([[confidence if name == label else rest for name in labels]]).astype(np.float32)


class Stage:
    """An assistant of scripted parts; :meth:`play` runs it over what is heard."""

    def __init__(
        self,
        heard: Samples,
        answers: Sequence[tuple[str, float, str, float] | Exception] = (),
        texts: Sequence[str | Exception] = (),
        *,
        config: AssistantConfig | None = None,
        camera_age: float | None = 0.1,
        voice: float = 0.05,
        canceller: EchoCanceller | None = None,
        recognisers: Mapping[str, Recogniser] | None = None,
    ) -> None:
        config = config or AssistantConfig(tone=False)
        self.clock = VirtualClock()
        self.session = Session(answers)
        self.speaker = MemorySpeaker(self.clock)
        self.microphone = Microphone(heard, self.clock)
        self.timers = Timers(lambda: 1e9 + self.clock.now())
        wake = Spotter(Level("wake up", WAKE), Level("wake up", WAKE), 0.5)
        stop = Spotter(Level("stop", STOP), Level("stop", STOP), 0.5)
        home = Home(config=config, timers=self.timers, now=_noon, volume=config.volume)
        self.home = home
        self.camera = Camera(self.clock, camera_age or 0.0)
        session: Any = self.session
        self._parts: dict[str, Any] = {
            "ears": Ears(wake, stop, Loud(), config.segmenter, config.wake_overlap),
            "thinker": Thinker(
                session,
                recognisers or {"words": Words(texts or ["words"] * 99)},
                skills_for(INTENTS, {}),
                home,
            ),
            "voice": Mouth(voice),
            "speaker": self.speaker,
            "home": home,
            "microphone": self.microphone,
            "echo": None if canceller is None else Echo(canceller, self.speaker),
        }
        self._config = config
        self.use_camera(None if camera_age is None else self.camera)

    def use_camera(self, camera: FrameSource | None) -> None:
        """Put the assistant together anew, with another camera."""
        self.assistant = Assistant(self._config, camera=camera, **self._parts)

    def use_microphone(self, microphone: AudioSource) -> None:
        """Put the assistant together anew, with another microphone."""
        self._parts["microphone"] = microphone
        self.use_camera(self.camera)

    def play(self) -> list[AssistantEvent]:
        events: list[AssistantEvent] = []
        self.assistant.listen(events.append)
        self.assistant.run()
        return events


def _noon() -> datetime:
    return datetime(2026, 1, 2, 12, 5)
