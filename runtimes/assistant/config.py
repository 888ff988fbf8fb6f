"""``assistant.toml``: which components, skills and thresholds; everything has a default."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from edge_sdk.errors import UsageError

from ..governor import Down, Policy, Up
from ..speech.segmenter import SegmenterOptions


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Component(_Table, frozen=True, kw_only=True):
    """A back end by name, and its own options."""

    name: str
    options: dict[str, Any] = {}


class Confirmation(Component, frozen=True, kw_only=True):
    """A second wake-word detector that is asked where the first is not sure.

    Attributes:
        candidate: the first one's score from which it is asked.
    """

    candidate: float = 0.2

    def __post_init__(self) -> None:
        if not 0 < self.candidate < 1:
            raise UsageError(f"confirm.candidate lies between 0 and 1, not {self.candidate:g}.")


class Thing(_Table, frozen=True, kw_only=True):
    """What to say of a label: its name in words, the sound it makes."""

    name: str | None = None
    sound: str | None = None


class Thresholds(_Table, frozen=True, kw_only=True):
    """Below these confidences the assistant asks again instead of answering.

    Attributes:
        intent: of the intent head.
        object: of the head that names things.
        wake_exclusion: seconds around a place of its own speech that sounds like a phrase, in
            which that phrase does not count.
        stop: of the stop phrase where it has no detector of its own, as the wake word ``sphinx``
            takes it: the smaller, the more often it is heard, rightly and wrongly.
        stop_cancelled: the same where an echo canceller is at work: it takes away some of the
            word, and nearly all that could be mistaken for it.
    """

    intent: float = 0.5
    object: float = 0.35
    wake_exclusion: float = 0.8
    stop: float = 1e-15
    stop_cancelled: float = 1e-25


class Heads(_Table, frozen=True, kw_only=True):
    """Which head of the bundle answers what; None: the bundle has none."""

    intent: str = "intent"
    object: str | None = "card"
    kind: str | None = "category"


# An answer takes as long as it takes: what counts is whether the machine can go on like this.
_POLICY = Policy(
    down=Down(misses=None, load=0.97, seconds=6.0),
    up=Up(misses=None, age=None, load=0.8, seconds=20.0),
)


class AssistantConfig(_Table, frozen=True, kw_only=True):
    """The content of ``assistant.toml``.

    Attributes:
        wake: the wake word; None (in the file ``none``) listens always.
        confirm: another detector of the same phrase, for what the first is not sure of.
        vad: the voice detector.
        recogniser: the recogniser.
        light: a lighter recogniser, for when the machine is busy or hot.
        voice: the synthesiser.
        echo_canceller: takes its own voice out of what it hears; None (in the file ``none``):
            for a microphone that does so itself.
        stop_phrase: cuts an answer short, next to the wake word; empty: only the wake word.
        stop: the detector of the stop phrase; None: PocketSphinx, which knows any phrase, at
            ``thresholds.stop``.
        segmenter: when an utterance begins and ends.
        heads: which head answers what.
        thresholds: when to ask again.
        intents: skill by intent label, where they are called differently.
        nothing: labels of the object head that mean that there is nothing.
        things: what to say of a label.
        follow_up: seconds after an answer in which no wake word is needed; 0: never.
        wake_overlap: seconds before the wake word was noticed that belong to the utterance.
        tail: seconds after its own speech in which the microphone still hears it.
        frame_age: seconds; an older camera frame is no part of an answer.
        volume: of the speaker, 0 to 100.
        tone: whether a short tone says that the wake word was heard.
        governor: a policy (see :mod:`~edge_sdk.runtimes.governor.policy`); without levels it takes
            those that fit the bundle. ``none``: no governor.
    """

    wake: Component | None = Component(name="micro")
    confirm: Confirmation | None = None
    vad: Component = Component(name="silero")
    recogniser: Component = Component(name="whisper")
    light: Component | None = None
    voice: Component = Component(name="espeak")
    echo_canceller: Component | None = Component(name="webrtc")
    stop_phrase: str = "stop"
    stop: Component | None = None
    segmenter: SegmenterOptions = SegmenterOptions()
    heads: Heads = Heads()
    thresholds: Thresholds = Thresholds()
    intents: dict[str, str] = {}
    nothing: tuple[str, ...] = ("nothing",)
    things: dict[str, Thing] = {}
    follow_up: float = 4.0
    wake_overlap: float = 0.2
    tail: float = 0.25
    frame_age: float = 1.5
    volume: int = 70
    tone: bool = True
    governor: Policy | Literal["none"] = _POLICY


def load_config(path: str | Path | None) -> AssistantConfig:
    """Read ``path``; None gives the defaults. File names in options are relative to its folder.

    Raises:
        UsageError: it is missing, malformed, or has a field that does not exist.
    """
    if path is None:
        return AssistantConfig()
    path = Path(path)
    try:
        fields = msgspec.toml.decode(path.read_bytes())
        # TOML has no null.
        fields |= {name: None for name in _OPTIONAL if fields.get(name) == "none"}
        config = msgspec.convert(fields, AssistantConfig)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no assistant configuration: {error}.") from error
    if not 0 <= config.volume <= 100:
        raise UsageError(f"{path}: the volume is 0 to 100, not {config.volume}.")
    found = {name: _beside(getattr(config, name), path.parent) for name in _COMPONENTS}
    return msgspec.structs.replace(config, **found)


_OPTIONAL = ("wake", "confirm", "light", "echo_canceller")
_COMPONENTS = ("wake", "confirm", "stop", "vad", "recogniser", "light", "voice")
_FILES = ("model", "grammar", "sentences")


def _beside(component: Component | None, folder: Path) -> Component | None:
    """Options that name files, made relative to the folder of the configuration."""
    if component is None:
        return None
    options = dict(component.options)
    for name in _FILES:
        value = options.get(name)
        if isinstance(value, str) and (folder / value).exists():
            options[name] = str(folder / value)
    return msgspec.structs.replace(component, options=options)
