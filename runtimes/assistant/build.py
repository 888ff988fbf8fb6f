"""An assistant put together from a bundle and a configuration."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from edge_sdk.errors import UsageError

from ..capture import AudioSource, FrameSource, NoMicrophone
from ..session import FusionSession
from ..speech import RATE, Recogniser, load_component
from .config import AssistantConfig, Component
from .ears import Ears
from .echo import Echo
from .loop import Assistant
from .skills import skills_for
from .speaker import Speaker
from .thinking import Thinker
from .timers import Timers, uptime
from .turn import Home
from .waking import stop_spotter, wake_spotter
from .watching import Watching


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
        microphone: a source at 16 kHz; with a ``NoMicrophone`` it says unasked what it sees.
        speaker: where it speaks.
        camera: a source of pictures.
        state: the file that keeps timers over a restart; None: they are not kept.
        wall: the time of day in seconds since the epoch.

    Raises:
        UsageError: the configuration does not fit the bundle, or names what does not exist; or
            there is neither a microphone nor a camera that the bundle can use.
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
        timers=Timers(wall, state, uptime if wall is time.time else None),
        now=lambda: datetime.fromtimestamp(wall()),
        volume=config.volume,
    )
    speaker.volume = config.volume
    deaf = isinstance(microphone, NoMicrophone)
    if deaf and (camera is None or "image" not in session.modalities):
        raise UsageError(
            "Without a microphone there must be a camera, and a bundle that takes images: "
            "there is nothing to answer to."
        )
    canceller = None if deaf else config.echo_canceller
    voice = _load("voice", config.voice)
    assistant = Assistant(
        config,
        ears=_ears(config, deaf=deaf),
        thinker=Thinker(session, {} if deaf else _recognisers(config), skills, home),
        voice=voice,
        speaker=speaker,
        home=home,
        microphone=microphone,
        camera=camera,
        echo=None if canceller is None else Echo(_load("echo canceller", canceller), speaker),
    )
    if deaf and camera is not None:
        Watching(assistant, session, home, camera)
    return assistant


def _ears(config: AssistantConfig, *, deaf: bool) -> Ears:
    wake = stop = None
    if config.wake is not None and not deaf:
        wake = wake_spotter(config, config.wake)
    if config.stop_phrase and not deaf:
        stop = stop_spotter(config)
    detector = _load("vad", config.vad)
    return Ears(wake, stop, detector, config.segmenter, config.wake_overlap)


def _recognisers(config: AssistantConfig) -> dict[str, Recogniser]:
    """The usual one first."""
    found = {config.recogniser.name: _load("recogniser", config.recogniser)}
    if config.light is not None:
        found[f"{config.light.name} (light)"] = _load("recogniser", config.light)
    return found


def _load(kind: str, component: Component) -> Any:
    return load_component(kind, component.name, component.options)
