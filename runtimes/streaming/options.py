"""How a stream is run, and what must hold before it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edge_sdk.errors import UsageError

from ..capture import AudioSource, FrameSource, MonotonicClock
from ..speech.protocol import RATE as SPEECH_RATE
from ..speech.protocol import VoiceDetector
from .encoder import HOP_SECONDS, WINDOW_SECONDS

if TYPE_CHECKING:
    from ..session import FusionSession

AUDIO, IMAGE, TEXT, VIDEO = "audio", "image", "text", "video"


class StreamOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a stream is run.

    Attributes:
        hop_seconds: how often sound is encoded; rounded up to the step of the model.
        window_seconds: the most sound that an answer rests on.
        camera_fps: the most pictures a second that are encoded; None: every one.
        frame_age: a frame farther from the sound than so many seconds is no part of an answer.
        failures: so often in a row may a stage raise before the stream ends.
    """

    hop_seconds: float = HOP_SECONDS
    window_seconds: float = WINDOW_SECONDS
    camera_fps: float | None = 10.0
    frame_age: float = 0.5
    failures: int = 5


def check_stream(
    session: FusionSession,
    microphone: AudioSource | None,
    camera: FrameSource | None,
    text: str | None,
    deadline: float | None,
    options: StreamOptions,
    utterances: VoiceDetector | None = None,
) -> None:
    """See before anything is opened that a stream can run.

    Raises:
        UsageError: a source is missing or not one the model takes, or a number is out of range.
    """
    if microphone is None and camera is None:
        raise UsageError("A stream needs a microphone or a camera.")
    takes = session.bundle.manifest.frontends.modalities
    # A camera is looked at as pictures, as clips, or as both.
    sights = [name for name in (IMAGE, VIDEO) if name in takes] or [IMAGE]
    given = {AUDIO: microphone, **dict.fromkeys(sights, camera), TEXT: text}
    for modality, source in given.items():
        if source is not None and modality not in takes:
            raise UsageError(f"This model takes {', '.join(takes)}; it takes no {modality}.")
    if microphone is not None and microphone.rate != session.frontends.audio.config.rate:
        raise UsageError(
            f"The {microphone.name} gives {microphone.rate} Hz and the model takes "
            f"{session.frontends.audio.config.rate}: open it with that rate."
        )
    if utterances is not None and microphone is None:
        raise UsageError("Utterances are heard by a microphone: give one.")
    if utterances is not None and microphone is not None and microphone.rate != SPEECH_RATE:
        raise UsageError(
            f"Voice detectors take sound at {SPEECH_RATE} Hz, and this model {microphone.rate}."
        )
    if microphone is not None and camera is not None:
        clocks = microphone.clock, camera.clock
        alike = all(isinstance(clock, MonotonicClock) for clock in clocks)
        if clocks[0] is not clocks[1] and not alike:
            raise UsageError("The microphone and the camera must be stamped on one clock.")
    if deadline is not None and not deadline > 0:
        raise UsageError(f"A deadline must be above 0 seconds, not {deadline:g}.")
    numbers = (options.hop_seconds, options.window_seconds, options.frame_age, options.failures)
    if not all(number > 0 for number in numbers) or (
        options.camera_fps is not None and not options.camera_fps > 0
    ):
        raise UsageError("The numbers of a stream's options must be above 0.")
    lacking = session.parts.needs - {name for name, source in given.items() if source is not None}
    if lacking:
        raise UsageError(
            f"This model cannot do without {', '.join(sorted(lacking))}: give the stream all of "
            f"{', '.join(takes)}."
        )
