"""A recorded session through the assistant: the same events, words and answers each time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import soundfile
from numpy.typing import NDArray

from edge_sdk.errors import InputError
from edge_sdk.files import is_file, is_folder, replacing
from edge_sdk.frontends.image import read_picture

from ..capture import (
    AudioSource,
    Beamformed,
    CaptureEvent,
    Clock,
    Frame,
    FrameCounters,
    FrameSource,
    MicrophoneArray,
    NoMicrophone,
    SourceState,
    VirtualClock,
)
from ..capture.replay import ReplayAudio, ReplayVideo
from ..session import FusionSession
from ..speech import RATE
from .build import build_assistant
from .config import AssistantConfig
from .events import Answered, AssistantEvent, Listener, Recognised, plain
from .speaker import MemorySpeaker

# When a session began that does not say so; a date on which nothing depends.
_NOON = datetime(2000, 1, 1, 12)
_BLOCK = RATE * 80 // 1000
# Seconds for which a session without sound goes on after its last picture.
_LAST_LOOK = 6.0
_MOVIES = (".mp4", ".mkv", ".avi", ".webm", ".mov")


class Summary(msgspec.Struct, frozen=True):
    """What a replay was: turns, and seconds of sound."""

    turns: int
    seconds: float


class _About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``session.toml``."""

    started: datetime = _NOON


def replay_session(
    session: FusionSession,
    config: AssistantConfig,
    folder: Path,
    out: Path,
    *,
    array: str | None = None,
    listener: Listener | None = None,
) -> Summary:
    """Run the assistant over a recorded session, as fast as the machine can.

    ``folder`` has ``audio.wav`` and, where there was a camera, ``video/`` (pictures and
    ``times.json``), a film called ``video.mp4`` or the like, or one ``image.png``; and perhaps
    ``session.toml`` with ``started``, the time of day when it began. Without ``audio.wav`` it runs
    as without a microphone until the pictures are over. ``out`` gets
    ``events.jsonl``, ``transcript.txt`` and ``spoken/*.wav``, the same bytes each time, and
    ``timings.jsonl`` with the milliseconds of this run. ``array`` says where the microphones of a
    sound of several channels are; without it their mean is heard.

    Thinking takes no time on a replay's clock: its latencies are those of an endless machine.

    Raises:
        InputError: ``folder`` is no session.
        CaptureError: a recording cannot be read.
        StorageError: ``out`` cannot be written.
        DependencyError: a component's package is missing.
        UsageError: the configuration does not fit the bundle.
    """
    audio = folder / "audio.wav"
    clock = VirtualClock()
    camera = _camera(folder, clock)
    if not is_file(audio) and camera is None:
        raise InputError(f"{folder} is no recorded session: it has no audio.wav and no pictures.")
    speaker = MemorySpeaker(clock, config.volume)
    started = _about(folder).started.timestamp()
    assistant = build_assistant(
        session,
        config,
        microphone=_microphone(audio, camera, clock, array),
        speaker=speaker,
        camera=camera,
        wall=lambda: started + clock.now(),
    )
    events: list[AssistantEvent] = []
    assistant.listen(events.append)
    if listener is not None:
        assistant.listen(listener)
    assistant.run()
    with replacing(out) as aside:
        aside.mkdir()
        _write(aside, events, speaker)
    turns = sum(isinstance(event, Answered) for event in events)
    return Summary(turns, clock.now())


def _microphone(
    audio: Path, camera: FrameSource | None, clock: Clock, array: str | None
) -> AudioSource:
    if is_file(audio) or camera is None:
        if array is None:
            return ReplayAudio(audio, rate=RATE, block=_BLOCK, clock=clock)
        places = MicrophoneArray.load(array)
        recorded = ReplayAudio(
            audio, rate=RATE, channels=places.channels, block=_BLOCK, clock=clock
        )
        return Beamformed(recorded, places)
    eyes = camera
    begin = clock.now()

    def over() -> bool:
        if isinstance(eyes, TimedPictures):
            return clock.now() - begin > eyes.seconds + _LAST_LOOK
        return eyes.state == "ended"

    return NoMicrophone(RATE, clock=clock, over=over)


class TimedPictures:
    """Pictures with the time of each as a camera: see :class:`~..capture.protocol.FrameSource`.

    Args:
        files: PNG or JPEG files.
        times: seconds from the start, rising.
        clock: the replay's.
    """

    def __init__(self, files: Sequence[Path], times: Sequence[float], clock: Clock) -> None:
        self.name = "recorded camera"
        self.clock: Clock = clock
        self._files, self._times = files, np.asarray(times)
        self._begin = clock.now()
        self._state: SourceState = "stopped"
        self._delivered = 0

    @property
    def state(self) -> SourceState:
        return self._state

    def start(self) -> None:
        self._begin, self._state = self.clock.now(), "running"

    def newest(self, after: int | None = None, timeout: float | None = 0.0) -> Frame | None:
        now = self.clock.now() - self._begin
        # A recorded time has four decimals.
        number = int(np.searchsorted(self._times, now + 1e-4, side="right")) - 1
        if number < 0 or number <= (-1 if after is None else after):
            return None
        self._delivered += 1
        image: NDArray[np.uint8] = read_picture(self._files[number])
        return Frame(image, self._begin + float(self._times[number]), number)

    def stop(self) -> None:
        self._state = "stopped"

    @property
    def seconds(self) -> float:
        """From the start to the last picture."""
        return float(self._times[-1])

    def counters(self) -> FrameCounters:
        return FrameCounters(grabbed=len(self._files), delivered=self._delivered)

    def events(self) -> tuple[CaptureEvent, ...]:
        return ()


class Still(TimedPictures):
    """One picture, new at every look."""

    def __init__(self, file: Path, clock: Clock) -> None:
        super().__init__([file], [0.0], clock)

    def newest(self, after: int | None = None, timeout: float | None = 0.0) -> Frame | None:
        frame = super().newest()
        return None if frame is None else Frame(frame.image, self.clock.now(), frame.number)


def _camera(folder: Path, clock: Clock) -> FrameSource | None:
    if is_file(folder / "image.png"):
        return Still(folder / "image.png", clock)
    if is_folder(folder / "video"):
        return _timed(folder / "video", clock)
    for suffix in _MOVIES:
        if is_file(folder / f"video{suffix}"):
            return ReplayVideo(folder / f"video{suffix}", clock=clock)
    return None


def _timed(folder: Path, clock: Clock) -> FrameSource | None:
    listed = folder / "times.json"
    files = sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpg", ".jpeg"))
    if not is_file(listed):
        return ReplayVideo(folder, clock=clock) if files else None
    try:
        times = msgspec.json.decode(listed.read_bytes(), type=list[float])
    except msgspec.DecodeError as error:
        raise InputError(f"{listed} is no list of times: {error}.") from error
    if len(times) != len(files):
        raise InputError(f"{listed} has {len(times)} times for {len(files)} pictures.")
    return TimedPictures(files, times, clock) if files else None


def _about(folder: Path) -> _About:
    path = folder / "session.toml"
    if not is_file(path):
        return _About()
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_About)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be used: {error}.") from error


def _write(folder: Path, events: Sequence[AssistantEvent], speaker: MemorySpeaker) -> None:
    with (
        (folder / "events.jsonl").open("w", encoding="utf-8") as told,
        (folder / "timings.jsonl").open("w", encoding="utf-8") as timed,
        (folder / "transcript.txt").open("w", encoding="utf-8") as words,
    ):
        for event in events:
            fields = plain(event)
            if isinstance(event, Answered):
                # How long it took is of the machine, not of the session.
                spent = fields.pop("milliseconds")
                timed.write(json.dumps({"turn": event.turn, "milliseconds": spent}) + "\n")
            told.write(json.dumps(fields) + "\n")
            if isinstance(event, Recognised):
                words.write(f"{event.time:9.2f}  user       {event.text}\n")
            if isinstance(event, Answered):
                words.write(f"{event.time:9.2f}  assistant  {event.text or '(silent)'}\n")
    spoken = folder / "spoken"
    spoken.mkdir()
    for number, (start, speech, _) in enumerate(speaker.heard):
        name = f"{number:03d}-{start:.2f}s.wav"
        soundfile.write(spoken / name, speech.samples, speech.rate, subtype="PCM_16")
