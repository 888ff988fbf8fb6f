"""A live stream over held-out samples, in real time: what figures about streams share."""

from __future__ import annotations

import math
from pathlib import Path
from time import process_time

import msgspec
import soundfile

from edge_sdk import FusionSession
from edge_sdk.runtimes.capture import ReplayAudio, ReplayVideo
from edge_sdk.runtimes.governor import Governor
from edge_sdk.runtimes.streaming.events import Decision, Ended
from edge_sdk.runtimes.streaming.options import StreamOptions

from ..bench import Bench
from .log_mel import chunks_of

HOP = 0.08
_CAMERA = 15.0
_PICTURES = 60


class Recorded(msgspec.Struct, frozen=True):
    """Sound, and a folder of pictures, to stream."""

    sound: Path
    pictures: Path


class Streamed(msgspec.Struct, frozen=True):
    """What came of a stream: (data age, latency) of each decision, in seconds.

    ``times`` are those of the decisions since the beginning, in seconds; ``cpu`` is the share of
    a core that this process took.
    """

    decisions: tuple[tuple[float, float], ...]
    times: tuple[float, ...]
    cpu: float
    moves: int
    level: str

    def late(self, deadline: float) -> float:
        """Share of decisions on data older than that."""
        return sum(age > deadline for age, _ in self.decisions) / max(1, len(self.decisions))


def record(bench: Bench, session: FusionSession, seconds: float) -> Recorded:
    """Held-out recordings end to end, and held-out pictures."""
    config = session.frontends.audio.config
    sound = bench.scratch / f"live-{seconds:g}.wav"
    block = round(config.rate * HOP)
    chunks = chunks_of(bench.held_out, config, block, round(seconds / HOP))
    with soundfile.SoundFile(sound, "w", config.rate, 1) as file:
        for chunk in chunks:
            file.write(chunk.clip(-1, 1))
    pictures = bench.scratch / f"live-pictures-{seconds:g}"
    if not pictures.exists():
        pictures.mkdir()
        given = [sample.image for sample in bench.held_out if sample.image is not None]
        # As long as the sound, over and over.
        for number in range(math.ceil(seconds * _CAMERA) + 1):
            source = bench.held_out.path(given[number % min(_PICTURES, len(given))])
            (pictures / f"{number:04}{source.suffix}").symlink_to(source.absolute())
    return Recorded(sound, pictures)


def stream(
    session: FusionSession,
    recorded: Recorded,
    *,
    camera: bool = True,
    governor: Governor | None = None,
    deadline: float | None = None,
    camera_fps: float = 10.0,
) -> Streamed:
    """Stream once, in real time, until the sound is over."""
    rate = session.frontends.audio.config.rate
    decisions: list[tuple[float, float]] = []
    times: list[float] = []
    moves, level = 0, ""
    first: float | None = None
    started = process_time()
    last = 0.0
    with session.stream(
        microphone=ReplayAudio(recorded.sound, rate=rate, block=round(rate * HOP / 2)),
        camera=ReplayVideo(recorded.pictures, fps=_CAMERA) if camera else None,
        governor=governor,
        deadline=deadline,
        options=StreamOptions(hop_seconds=HOP, camera_fps=camera_fps, frame_age=60.0),
    ) as running:
        for event in running:
            if first is None:
                # Opening is no part of running.
                first, started = event.time, process_time()
            if isinstance(event, Decision):
                decisions.append((event.data_age, event.latency))
                times.append(event.time - first)
                level = event.level
            if isinstance(event, Ended):
                moves = event.counters.moves
            last = event.time
    seconds = max(1e-9, last - (first or 0.0))
    return Streamed(
        tuple(decisions), tuple(times), (process_time() - started) / seconds, moves, level
    )
