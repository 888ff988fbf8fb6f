"""The real PyAudio against a real PulseAudio server without hardware."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_sdk.errors import CaptureError, DependencyError, UsageError
from edge_sdk.runtimes.capture import (
    AudioBlock,
    Back,
    CaptureEvent,
    Microphone,
    Retrying,
    Stalled,
    StreamEnded,
    Unplugged,
    VirtualClock,
)
from edge_sdk.runtimes.capture.input_device import Deliver, InputFormat, Wanted
from edge_sdk.runtimes.capture.simulated import SimulatedInput
from tests.capture.resources import PATIENCE, nothing_left_behind
from tests.sound import SoundServer

pytestmark = pytest.mark.timeout(180)
Samples = np.ndarray[tuple[int, int], np.dtype[np.int16]]


@pytest.fixture
def running(sound: SoundServer) -> Iterator[SoundServer]:
    """The server, for a test that takes it down; up again afterwards."""
    yield sound
    sound.stop()
    sound.start()


def noise(channels: int, samples: int = 12000) -> Samples:
    rng = np.random.default_rng(channels)
    return rng.integers(-20000, 20000, (samples, channels)).astype(np.int16)


def listen_until(
    microphone: Microphone, done: Callable[[list[AudioBlock]], bool]
) -> list[AudioBlock]:
    """Blocks until ``done`` says that they are enough."""
    blocks: list[AudioBlock] = []
    deadline = time.monotonic() + PATIENCE
    while not done(blocks):
        assert time.monotonic() < deadline, microphone.counters()
        block = microphone.read(timeout=0.2)
        if block is not None:
            blocks.append(block)
    return blocks


def joined(blocks: list[AudioBlock]) -> Samples:
    samples = np.concatenate([block.samples for block in blocks])
    return np.round(samples * 32768).astype(np.int16)


def found(heard: Samples, played: Samples) -> bool:
    """Whether ``played`` is in ``heard``, bit by bit, all channels in their places."""
    starts = np.flatnonzero((heard[: len(heard) - len(played) + 1] == played[0]).all(axis=1))
    return any(np.array_equal(heard[s : s + len(played)], played) for s in starts)


@pytest.mark.parametrize(
    ("device", "sink", "channels"),
    [("default", "air", 1), ("pulse:mic4", "air4", 4), ("pulse:mic8", "air8", 8)],
)
def test_capture_is_bit_exact(
    sound: SoundServer, tmp_path: Path, device: str, sink: str, channels: int
) -> None:
    played = noise(channels)
    wav = tmp_path / "noise.wav"
    soundfile.write(wav, played, 16000, subtype="PCM_16")
    with nothing_left_behind():
        for _ in range(5):
            with Microphone(device, channels=channels, block=800) as microphone:
                player = sound.play(wav, sink)
                blocks = listen_until(
                    microphone,
                    # A second more than the player took: all of it has come through by then.
                    lambda got, player=player: player.poll() is not None and len(got) > 40,
                )
                lost = microphone.counters().lost
            positions = [block.position for block in blocks]
            assert positions == list(range(0, 800 * len(blocks), 800))
            if not lost:
                break
        # A machine so loaded that sound is lost each time says so; it is never lost unsaid.
        assert lost or found(joined(blocks), played)


def test_every_sample_format_and_rate_comes_as_the_same_floats(
    sound: SoundServer, tmp_path: Path
) -> None:
    seconds = np.arange(24000) / 16000
    tone = 0.5 * np.sin(2 * np.pi * 440 * seconds)
    wav = tmp_path / "tone.wav"
    soundfile.write(wav, tone, 16000, subtype="PCM_16")
    for samples, device_rate in (("int24", None), ("int32", 48000), ("float32", 44100)):
        with Microphone(
            "pulse:mic",
            samples=samples,
            device_rate=device_rate,
        ) as microphone:
            player = sound.play(wav)
            blocks = listen_until(
                microphone,
                lambda got, player=player: player.poll() is not None and len(got) > 75,
            )
        heard = joined(blocks)[:, 0] / 32768
        loud = np.flatnonzero(np.abs(heard) > 0.25)
        middle = heard[loud[0] + 1600 : loud[0] + 9600]
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(middle.size)))
        assert np.argmax(spectrum) == pytest.approx(440 * middle.size / 16000, abs=1)
        assert np.abs(middle).max() == pytest.approx(0.5, abs=0.02)


def test_a_microphone_that_vanishes_and_comes_back(running: SoundServer) -> None:
    events: list[CaptureEvent] = []
    with nothing_left_behind():
        microphone = Microphone("pulse:mic", longest_fill=0.5)
        with microphone:
            before = listen_until(microphone, lambda got: len(got) > 10)
            running.stop()

            def away(_: list[AudioBlock]) -> bool:
                events.extend(microphone.events())
                return sum(isinstance(event, Retrying) for event in events) >= 2

            before += listen_until(microphone, away)
            assert microphone.state == "lost"
            running.start()
            after = listen_until(microphone, lambda got: len(got) > 10)
            events.extend(microphone.events())
            assert microphone.state == "running"
        assert microphone.counters().reconnects == 1
    kinds = [type(event) for event in events]
    assert kinds.index(Unplugged) < kinds.index(Retrying) < kinds.index(Back)
    # The time line has a hole, which is told, and goes on true.
    blocks = before + after
    ends = [block.position + len(block.samples) for block in blocks]
    steps = [block.position - end for block, end in zip(blocks[1:], ends, strict=False)]
    assert steps == [block.skipped for block in blocks[1:]]
    away_for = sum(steps) / 16000
    first, last = before[-1], after[-1]
    assert away_for > 0.5
    assert last.time - first.time == pytest.approx(
        (last.position - first.position) / 16000, abs=0.5
    )


def test_a_microphone_that_is_taken_away_is_lost(running: SoundServer) -> None:
    with Microphone("pulse:mic") as microphone:
        listen_until(microphone, lambda got: len(got) > 5)
        # With no source left there is nothing the server could move the stream to.
        running.unload("module-remap-source")
        running.unload("module-null-sink")
        listen_until(microphone, lambda _: microphone.state == "lost")
        reasons = [event.reason for event in microphone.events() if isinstance(event, Unplugged)]
    assert len(reasons) == 1


def test_a_server_that_hangs_is_a_stall_and_no_samples_are_misplaced(
    sound: SoundServer,
) -> None:
    with Microphone("pulse:mic", stall_seconds=0.3, reopen_seconds=1e9) as microphone:
        before = listen_until(microphone, lambda got: len(got) > 10)
        sound.freeze()
        try:
            stalled: list[CaptureEvent] = []
            deadline = time.monotonic() + PATIENCE
            while not stalled and time.monotonic() < deadline:
                block = microphone.read(timeout=0.2)
                before += [block] if block is not None else []
                stalled = [e for e in microphone.events() if isinstance(e, Stalled)]
        finally:
            sound.thaw()
        assert [event.source for event in stalled] == ["microphone pulse:mic"]
        after = listen_until(microphone, lambda got: len(got) > 50)
        assert microphone.counters().stalls == 1
        assert microphone.state == "running"
    gone = (after[-1].position - before[0].position) / 16000
    assert after[-1].time - before[0].time == pytest.approx(gone, abs=0.5)


def test_a_slow_reader_loses_the_oldest_and_is_told(sound: SoundServer) -> None:
    with Microphone("pulse:mic", buffer_seconds=0.5, longest_fill=0.1) as microphone:
        listen_until(microphone, lambda got: len(got) > 5)
        time.sleep(1.5)
        blocks = listen_until(microphone, lambda got: any(block.skipped for block in got))
        counters = microphone.counters()
    assert counters.lost >= 0.5 * 16000
    assert counters.lost >= blocks[-1].skipped > 0


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("no such thing", "there is 0: pulse; 1: default"),
        (99, "no microphone 99"),
        ("alsa:hw:7,0", "no microphone 'alsa:hw:7,0'"),
        ("u", "Several microphones are called 'u': 0: pulse; 1: default"),
    ],
)
def test_a_device_that_does_not_exist_is_refused_by_name(
    sound: SoundServer, device: str | int, said: str
) -> None:
    with nothing_left_behind():
        microphone = Microphone(device)
        with pytest.raises(CaptureError, match=said):
            microphone.start()
        assert microphone.state == "stopped"


def test_a_sound_server_that_is_not_there_is_a_sentence(running: SoundServer) -> None:
    running.stop()
    with pytest.raises(CaptureError, match=r"microphone pulse:mic|no way to a sound server"):
        Microphone("pulse:mic").start()


def test_after_stop_there_is_no_more(sound: SoundServer) -> None:
    microphone = Microphone()
    with pytest.raises(StreamEnded):
        microphone.read(timeout=0)
    microphone.start()
    with pytest.raises(UsageError, match="already"):
        microphone.start()
    microphone.stop()
    microphone.stop()
    with pytest.raises(StreamEnded):
        microphone.read(timeout=0)
    microphone.start()
    assert listen_until(microphone, lambda got: len(got) > 2)[0].position == 0
    microphone.stop()


def test_without_pyaudio_the_command_that_installs_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyaudio", None)
    with pytest.raises(DependencyError, match="pip install 'edge-sdk\\[audio\\]'"):
        Microphone().start()


@pytest.mark.parametrize("wrong", [{"channels": 9}, {"rate": 10}, {"block": 0}, {"block": 10**6}])
def test_arguments_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        Microphone(**wrong)


class _Hangs(SimulatedInput):
    """Does not come back from being opened a second time, until it may."""

    slow = True

    def __init__(self) -> None:
        super().__init__(VirtualClock(), unplugged=[(1.0, 2.0)])
        self.may, self.opened = threading.Event(), 0

    def open(self, wanted: Wanted, deliver: Deliver) -> InputFormat:
        self.opened += 1
        if self.opened > 1:
            assert self.may.wait(60)
        return super().open(wanted, deliver)


def test_a_driver_that_hangs_is_known_for_how_long() -> None:
    device = _Hangs()
    with Microphone(device) as microphone:
        while device.clock.now() < 30:
            assert microphone.hanging == 0.0 or device.opened == 2
            microphone.read(0.25)
        assert 25 < microphone.hanging < 30
        device.may.set()
        while microphone.state == "lost":
            microphone.read(0.25)
        assert microphone.read(1.0) is not None
        assert microphone.hanging == 0.0
