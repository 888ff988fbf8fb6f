"""The phrases of a configuration: the wake word, which a second detector may confirm, and stop."""

from __future__ import annotations

from typing import Any

from edge_sdk.errors import UsageError

from ..speech import WakeWord, load_component
from ..speech.protocol import GradedWakeWord, Samples
from ..speech.wake.confirmed import Confirmed
from .config import AssistantConfig, Component, Confirmation
from .phrases import Spotter

# From this score on the assistant's own speech is near the phrase; below, all of it would be.
_NEAR = 0.15


def wake_spotter(config: AssistantConfig, wake: Component) -> Spotter:
    """The wake word, for the microphone and for the assistant's own speech.

    In its own speech the second detector is taken to agree always, from a score of 0.15 on: a room
    changes that speech, so what comes near the phrase there is not counted.

    Raises:
        UsageError: the first detector gives no scores, or the two listen for different phrases.
    """
    stream, own = _load(wake), _load(wake)
    if config.confirm is not None:
        stream = _confirmed(stream, wake.name, config.confirm)
        own = Confirmed(own, _Agreeing(own.phrase), max(_NEAR, config.confirm.candidate))
    return Spotter(stream, own, config.thresholds.wake_exclusion)


def stop_spotter(config: AssistantConfig) -> Spotter:
    """The stop phrase, for the microphone and for the assistant's own speech.

    Where PocketSphinx listens for it, it hears it sooner in its own speech, which a room changes.

    Raises:
        UsageError: the configured detector listens for another phrase.
    """
    thresholds = config.thresholds
    if config.stop is not None:
        stream = _load_for(config.stop_phrase, config.stop, "stop phrase", "stop")
        return Spotter(stream, _load(config.stop), thresholds.wake_exclusion)
    heard = thresholds.stop if config.echo_canceller is None else thresholds.stop_cancelled
    microphone, speech = (
        Component(name="sphinx", options={"phrase": config.stop_phrase, "threshold": threshold})
        for threshold in (heard, thresholds.stop * 1e-7)
    )
    return Spotter(_load(microphone), _load(speech), thresholds.wake_exclusion)


def _confirmed(first: GradedWakeWord, name: str, confirm: Confirmation) -> Confirmed:
    if not hasattr(first, "level"):
        raise UsageError(
            f"The wake word {name} gives no scores, so nothing can confirm it; take micro or open, "
            "or leave confirm out."
        )
    second = _load_for(first.phrase, confirm, "wake word", "confirm")
    return Confirmed(first, second, confirm.candidate)


def _load_for(phrase: str, component: Component, what: str, field: str) -> WakeWord:
    """The detector of a field, which must listen for ``phrase``."""
    found: WakeWord = _load(component)
    if found.phrase.lower() != phrase.lower():
        raise UsageError(
            f"The {what} is {phrase!r}, but {field} listens for {found.phrase!r}; name a model of "
            "the same phrase (a model of your own is called like its file)."
        )
    return found


class _Agreeing:
    """A second detector that hears its phrase whenever it is asked."""

    def __init__(self, phrase: str) -> None:
        self.phrase = phrase

    def feed(self, samples: Samples) -> float:
        return 1.0

    def reset(self) -> None:
        """It remembers nothing."""

    def close(self) -> None:
        """It holds nothing."""


def _load(component: Component) -> Any:
    return load_component("wake", component.name, component.options)
