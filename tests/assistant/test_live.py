"""The command on a real sound server: somebody speaks to it, and hears its answer."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from edge_sdk.runtimes.assistant import load_config
from edge_sdk.runtimes.assistant.live import Live, LiveOptions
from edge_sdk.runtimes.assistant.loudspeaker import Loudspeaker
from edge_sdk.runtimes.capture.microphone import Microphone
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.runtimes.speech import RATE, Speech, load_component
from edge_sdk.runtimes.speech.protocol import Samples

from ..mjpeg import network_camera
from ..sound import SoundServer, sound_server
from ..speech.conftest import silence

pytestmark = pytest.mark.slow

_CONFIG = """
tone = false
vad = { name = "webrtc" }
recogniser = { name = "pocketsphinx", options = { phrases = ["what time is it", "stop it"] } }
voice = { name = "flite", options = { voice = "slt" } }
[intents]
play = "time"
[heads]
object = "colour"
kind = "colour"
[thresholds]
intent = 0.0
"""
_PATIENCE = 90.0
_SAID = "The frog belongs to the animals, which are a family with many different members."


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    with sound_server() as found:
        yield found


def _spoken(voice: str, text: str) -> Samples:
    speech = load_component("voice", voice).speak(text)
    whole: Samples = soxr.resample(speech.samples, speech.rate, RATE).astype(np.float32)
    return whole


class _Events:
    """The lines of the command, as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.seen: list[dict[str, Any]] = []

    def wait(self, kind: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event: dict[str, Any] = json.loads(line)
            self.seen.append(event)
            if event["event"] == kind:
                return event
        raise AssertionError(f"no {kind} in {self.seen}")


def test_a_turn_through_the_air(server: SoundServer, tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "assistant.toml").write_text(_CONFIG)
    heard = np.concatenate(
        [
            silence(0.5),
            _spoken("espeak", "okay nabu"),
            silence(0.4),
            _spoken("flite", "what time is it"),
            silence(2.0),
        ]
    )
    soundfile.write(tmp_path / "user.wav", heard * 0.5, RATE)
    program = Path(sys.executable).parent / "edge-sdk"
    with network_camera(fps=15) as camera:
        command = [str(program), "assist", str(tiny_bundle), "--json"]
        command += ["--config", str(tmp_path / "assistant.toml"), "--mic", "pulse:mic"]
        command += ["--camera", camera.address, "--speaker", "pulse:spk"]
        command += ["--state", str(tmp_path / "timers.json")]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        listener = subprocess.Popen(
            ["parecord", "--device=spk.monitor", "--rate=16000", "--channels=1",
             "--file-format=wav", str(tmp_path / "answer.wav")],
            env={**os.environ, **server.environment()},
        )  # fmt: skip
        # A machine that is stuck fails the test instead of holding it.
        watch = threading.Timer(_PATIENCE, process.kill)
        watch.start()
        try:
            _wait_for_capture(server)
            server.play(tmp_path / "user.wav")
            events = _Events(process)
            assert events.wait("Woken")["phrase"] == "Okay Nabu"
            assert events.wait("Recognised")["text"] == "what time is it"
            assert set(events.wait("Understood")["used"]) == {"audio", "image", "text"}
            answer = events.wait("Answered")["text"]
            started = events.wait("SpeechStarted")
            assert started["text"] == answer
            assert started["latency"] > 0
            events.wait("SpeechEnded")
            process.send_signal(signal.SIGTERM)
            assert process.wait(_PATIENCE) == 0
            assert process.stderr is not None
            assert "Traceback" not in process.stderr.read()
        finally:
            watch.cancel()
            for child in (process, listener):
                child.terminate()
                child.wait()
                for stream in (child.stdout, child.stderr):
                    if stream is not None:
                        stream.close()
    samples, rate = soundfile.read(tmp_path / "answer.wav", dtype="float32")
    assert rate == RATE
    words = load_component("recogniser", "whisper", {"threads": 1}).transcribe(samples).text.split()
    assert {"it", "is"} <= set(words), words
    assert _recording(server) == 0


def test_its_own_voice_is_taken_out_of_what_the_device_hears(
    server: SoundServer, tiny_bundle: Path, tmp_path: Path
) -> None:
    """The microphone hears the loudspeaker, as in a case of plastic."""
    path = tmp_path / "assistant.toml"
    path.write_text(_CONFIG)
    config = load_config(path)
    server.load("module-loopback", "source=spk.monitor", "sink=air", "latency_msec=60")
    heard: list[Samples] = []
    left: list[Samples] = []
    try:
        with FusionSession.open(tiny_bundle) as session:
            options = LiveOptions(microphone="pulse:mic", speaker="pulse:spk")
            with Live(session, config, options) as live:
                echo = live.assistant._echo
                assert echo is not None
                clean = echo.clean

                def kept(samples: Samples, start: float) -> Samples:
                    heard.append(samples)
                    left.append(clean(samples, start))
                    return left[-1]

                echo.clean = kept  # type: ignore[method-assign]
                timers = [threading.Timer(2.0, live.assistant.announce, [_SAID])]
                timers += [threading.Timer(9.0, live.assistant.stop)]
                for timer in timers:
                    timer.start()
                live.run()
    finally:
        server.unload("module-loopback")
    powers = np.array([[np.mean(block**2) for block in blocks] for blocks in (heard, left)])
    loud = powers[:, powers[0] > 1e-4]
    assert loud.shape[1] > 10
    assert np.median(10 * np.log10(loud[0] / (loud[1] + 1e-12))) > 12


def test_a_loudspeaker_that_runs_dry_knows_what_sounds_when(server: SoundServer) -> None:
    """A machine that is stuck for a second: what was to be played comes that much later."""
    clicks = np.zeros(4 * RATE, np.float32)
    for number in range(40):
        clicks[number * RATE // 10 :][:80] = 0.2 + 0.015 * number
    server.load("module-loopback", "source=spk.monitor", "sink=air", "latency_msec=60")
    with Microphone("pulse:mic", rate=RATE, block=1280, buffer_seconds=20) as microphone:
        speaker = Loudspeaker("pulse:spk", 100, microphone.clock)
        blocks = []
        try:
            speaker.play(Speech(clicks, RATE))
            stuck, deadline = False, time.monotonic() + _PATIENCE
            while speaker.playing and time.monotonic() < deadline:
                block = microphone.read(0.25)
                if block is not None:
                    blocks.append(block)
                if not stuck and speaker.began and microphone.clock.now() > speaker.began + 1.5:
                    # Without letting go of the interpreter: no callback gets in.
                    ctypes.PyDLL(None).usleep(1_000_000)
                    stuck = True
            heard = np.concatenate([block.mono() for block in blocks])
            played = speaker.played(blocks[0].time, len(heard))
            broke = speaker.broke
        finally:
            speaker.close()
            server.unload("module-loopback")
    assert broke is not None
    assert played is not None
    heard_at, played_at = _clicks(heard), _clicks(played)
    late = [at - played_at[number] for number, at in heard_at.items() if number in played_at]
    assert len(late) > 20
    # The way through the air is one and the same, before the hole and after it.
    assert max(late) - min(late) < 0.06


def test_a_loudspeaker_that_was_let_go_plays_again(server: SoundServer) -> None:
    """And a program that uses nothing of PortAudio any more can see new devices."""
    speaker = Loudspeaker("pulse:spk")
    try:
        for _ in range(2):
            speaker.play(Speech(np.full(RATE // 2, 0.1, np.float32), RATE))
            deadline = time.monotonic() + _PATIENCE
            while speaker.began is None or speaker.playing:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            speaker.release()
            assert not speaker.playing
    finally:
        speaker.close()


def _clicks(samples: Samples) -> dict[int, float]:
    """When each click of a height begins, in seconds."""
    begins = np.flatnonzero((samples[1:] > 0.1) & (samples[:-1] <= 0.1))
    return {
        round((float(samples[at + 20 : at + 60].max()) - 0.2) / 0.015): at / RATE
        for at in begins
        if at + 60 < len(samples)
    }


def _recording(server: SoundServer) -> int:
    """How many programs record; remapped microphones do too, as modules of the server."""
    return server.source_outputs().count("protocol-native")


def _wait_for_capture(server: SoundServer) -> None:
    """Until the assistant records from the microphone; the listener records from ``spk``."""
    deadline = time.monotonic() + _PATIENCE
    while _recording(server) < 2:
        assert time.monotonic() < deadline, "the assistant did not open the microphone"
        time.sleep(0.1)
