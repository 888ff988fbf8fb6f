"""Live streams on the real PyAudio and OpenCV: a sound server and a network camera that fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from edge_sdk import FusionSession
from edge_sdk.runtimes.capture import (
    Back,
    Camera,
    CaptureEvent,
    GarbageFrames,
    Microphone,
    Unplugged,
)
from edge_sdk.runtimes.streaming.events import Captured, Decision, Ended
from edge_sdk.runtimes.streaming.live import LiveStream

from ..capture.resources import PATIENCE, nothing_left_behind
from ..mjpeg import NetworkCamera, network_camera
from ..sound import SoundServer, sound_server
from ..synthetic import speech_like

pytestmark = pytest.mark.timeout(150)


@pytest.fixture(scope="module")
def sound() -> Iterator[SoundServer]:
    with sound_server() as server:
        yield server


@pytest.fixture
def camera() -> Iterator[NetworkCamera]:
    with network_camera(fps=15) as served:
        yield served


class Watched:
    """A stream, read until something is true."""

    def __init__(self, stream: LiveStream) -> None:
        self._stream = stream
        self.captured: list[CaptureEvent] = []
        self.used: set[tuple[str, ...]] = set()

    def until(self, done: Callable[[], bool]) -> None:
        self.used.clear()
        deadline = time.monotonic() + PATIENCE
        for event in self._stream:
            assert not isinstance(event, Ended), event
            if isinstance(event, Captured):
                self.captured.append(event.event)
            if isinstance(event, Decision):
                self.used.add(event.prediction.used)
            if done():
                return
            assert time.monotonic() < deadline, (self.captured, self._stream.counters())

    def saw(self, kind: type[CaptureEvent], source: str) -> bool:
        return any(isinstance(event, kind) and source in event.source for event in self.captured)


BOTH = ("audio", "image")


def test_a_stream_outlives_its_microphone_and_its_camera(
    tiny_bundle: Path, sound: SoundServer, camera: NetworkCamera, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "speech.wav", speech_like(10.0).clip(-1, 1), 16000)
    with FusionSession.open(tiny_bundle) as session:
        for stop in ("close", "stop"):
            with nothing_left_behind():
                source = Microphone("pulse:mic", reopen_seconds=2.0)
                stream = session.stream(
                    microphone=source, camera=Camera(camera.address, frozen_seconds=0.5)
                )
                watched = Watched(stream)
                player = sound.play(tmp_path / "speech.wav")
                watched.until(lambda watched=watched: BOTH in watched.used)
                if stop == "close":
                    sound.stop()
                    watched.until(lambda watched=watched: ("image",) in watched.used)
                    sound.start()
                    watched.until(
                        lambda watched=watched: (
                            BOTH in watched.used and watched.saw(Back, "pulse:mic")
                        )
                    )
                    assert watched.saw(Unplugged, "pulse:mic")
                    camera.mood = "silent"
                    watched.until(lambda watched=watched: ("audio",) in watched.used)
                    camera.mood = "well"
                    watched.until(lambda watched=watched: BOTH in watched.used)
                    camera.mood = "garbage"
                    watched.until(
                        lambda watched=watched: (
                            ("audio",) in watched.used
                            and watched.saw(GarbageFrames, camera.address)
                        )
                    )
                    camera.mood = "well"
                    watched.until(lambda watched=watched: BOTH in watched.used)
                    stream.close()
                else:
                    stream.stop()
                    end = list(stream)[-1]
                    assert isinstance(end, Ended)
                    assert end.reason == "stopped"
                player.kill()
                player.wait()
