"""An assistant put together from a bundle and a configuration."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from edge_sdk.errors import UsageError

from ..capture import AudioSource, FrameSource
from ..session import FusionSession
from ..speech import RATE, load_component
from .config import AssistantConfig, Component
from .ears import Ears
from .loop import Assistant
from .phrases import Spotter
from .skills import skills_for
from .speaker import Speaker
from .thinking import Thinker
from .timers import Timers
from .turn import Home


def build_assistant(
    session: FusionSession,
    config: AssistantConfig,
    *,
    microphone: AudioSource,
    speaker: Speaker,
    camera: FrameSource | None = None,
    state: Path | None = None,
    wall: Callable[[], float] = time.time,
) -> Assistant:
    """Load every component that ``config`` names, and put the loop together.

    Args:
        session: the converted bundle, open; the caller closes it.
        config: which components, skills and thresholds.
        microphone: a source at 16 kHz.
        speaker: where it speaks.
        camera: a source of pictures.
        state: the file that keeps timers over a restart; None: they are not kept.
        wall: the time of day in seconds since the epoch.

    Raises:
        UsageError: the configuration does not fit the bundle, or names what does not exist.
        DependencyError: a component's package is missing.
        InputError: a file of a component cannot be used.
    """
    if microphone.rate != RATE:
        raise UsageError(f"The assistant listens at {RATE} Hz; the source has {microphone.rate}.")
    heads = {head.name: head.labels for head in session.bundle.manifest.heads}
    if config.heads.intent not in heads:
        raise UsageError(
            f"The bundle has no head called {config.heads.intent!r} for what was meant; it has "
            f"{', '.join(heads)}. Name one as heads.intent in the configuration."
        )
    skills = skills_for(heads[config.heads.intent], config.intents)
    home = Home(
        config=config,
        timers=Timers(wall, state),
        now=lambda: datetime.fromtimestamp(wall()),
        volume=config.volume,
    )
    speaker.volume = config.volume
    recognisers = {config.recogniser.name: _load("recogniser", config.recogniser)}
    if config.light is not None:
        recognisers[f"{config.light.name} (light)"] = _load("recogniser", config.light)
    exclusion = config.thresholds.wake_exclusion
    ears = Ears(
        None if config.wake is None else _spotter(config.wake, exclusion),
        _stop(config) if config.stop_phrase else None,
        _load("vad", config.vad),
        config.segmenter,
        config.wake_overlap,
    )
    return Assistant(
        config,
        ears=ears,
        thinker=Thinker(session, recognisers, skills, home),
        voice=_load("voice", config.voice),
        speaker=speaker,
        home=home,
        microphone=microphone,
        camera=camera,
    )


def _load(kind: str, component: Component) -> Any:
    return load_component(kind, component.name, component.options)


def _spotter(component: Component, exclusion: float) -> Spotter:
    return Spotter(_load("wake", component), _load("wake", component), exclusion)


def _stop(config: AssistantConfig) -> Spotter:
    """The stop phrase; in the assistant's own speech, which a room changes, it is heard sooner."""
    stream, own = (
        Component(name="sphinx", options={"phrase": config.stop_phrase, "threshold": threshold})
        for threshold in (config.thresholds.stop, config.thresholds.stop * 1e-7)
    )
    return Spotter(_load("wake", stream), _load("wake", own), config.thresholds.wake_exclusion)
