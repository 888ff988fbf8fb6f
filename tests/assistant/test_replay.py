"""A session through the real components, on files: everything but the devices."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from PIL import Image

from edge_sdk.cli.main import main
from edge_sdk.errors import InputError
from edge_sdk.runtimes.assistant.events import Answered
from edge_sdk.runtimes.assistant.record import RecordedCamera, Recorder
from edge_sdk.runtimes.assistant.replay import TimedPictures
from edge_sdk.runtimes.capture import VirtualClock
from edge_sdk.runtimes.speech import RATE, load_component
from edge_sdk.runtimes.speech.protocol import Samples

from ..speech.conftest import silence
from .parts import SILENCE, SPEECH, Stage, sound
from .test_loop import FROG, QUIET, TURN, of

_CONFIG = """
tone = false
follow_up = 0
vad = { name = "webrtc" }
recogniser = { name = "pocketsphinx", options = { phrases = ["what time is it", "stop it"] } }
intents = { play = "next-card" }
[heads]
object = "colour"
kind = "colour"
[thresholds]
intent = 0.0
object = 0.0
"""


def _spoken(voice: str, text: str) -> Samples:
    speech = load_component("voice", voice).speak(text)
    whole: Samples = soxr.resample(speech.samples, speech.rate, RATE).astype(np.float32)
    return whole


@pytest.fixture(scope="module")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two turns, in front of a red picture and then of a blue one."""
    folder = tmp_path_factory.mktemp("session")
    turn = [_spoken("espeak", "okay nabu"), silence(0.4), _spoken("flite", "what time is it")]
    heard = np.concatenate([silence(1), *turn, silence(4), *turn, silence(4)])
    soundfile.write(folder / "audio.wav", heard, RATE)
    (folder / "video").mkdir()
    for number, colour in enumerate(("red", "blue")):
        Image.new("RGB", (40, 30), colour).save(folder / "video" / f"{number}.png")
    (folder / "video" / "times.json").write_text(json.dumps([2.8, 9.6]))
    (folder / "session.toml").write_text("started = 2026-05-04T09:30:00\n")
    return folder


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "assistant.toml"
    path.write_text(_CONFIG)
    return path


def _run(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return int(str(ended.value.code or 0))


def test_a_replay_answers_and_gives_the_same_bytes_again(
    session_folder: Path, config: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        words = ["assist", tiny_bundle, "--config", config, "--replay", session_folder]
        assert _run(*words, "--out", tmp_path / name) == 0
    one, two = tmp_path / "one", tmp_path / "two"
    events = [json.loads(line) for line in (one / "events.jsonl").read_text().splitlines()]
    texts = [event["text"] for event in events if event["event"] == "Recognised"]
    assert texts == ["what time is it"] * 2
    ages = [event["frame_age"] for event in events if event["event"] == "Understood"]
    assert len(ages) == 2
    assert all(0 <= age < 1.5 for age in ages)
    assert {p.name for p in one.iterdir()} == {
        "events.jsonl",
        "timings.jsonl",
        "transcript.txt",
        "spoken",
    }
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    for file in files:
        if file.name != "timings.jsonl":
            assert (one / file).read_bytes() == (two / file).read_bytes(), file
    assert list((one / "spoken").iterdir())


def test_an_array_listens_where_the_sound_comes_from(
    session_folder: Path,
    config: Path,
    tiny_bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the end of a line of four microphones; each of them has a noise of its own."""
    folder = tmp_path / "session"
    folder.mkdir()
    heard, rate = soundfile.read(session_folder / "audio.wav", dtype="float32")
    # 5 cm between two: two and a third samples of delay.
    late = [round(number * 0.05 / 343 * rate) for number in range(4)]
    rng = np.random.default_rng(0)
    channels = [np.roll(heard, delay) + rng.normal(0, 0.005, len(heard)) for delay in late]
    soundfile.write(folder / "audio.wav", np.stack(channels, axis=1), rate)
    words = ["assist", tiny_bundle, "--config", config, "--replay", folder]
    assert _run(*words, "--array", "line:4:0.05", "--out", tmp_path / "out") == 0
    lines = (tmp_path / "out" / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    texts = [event["text"] for event in events if event["event"] == "Recognised"]
    assert texts == ["what time is it"] * 2
    assert _run(*words, "--array", "line:5:0.05", "--out", tmp_path / "no") != 0
    assert "4 channels, not 5" in capsys.readouterr().err


def test_without_sound_it_says_what_it_sees_once(
    session_folder: Path, config: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "session"
    shutil.copytree(session_folder / "video", folder / "video")
    words = ["assist", tiny_bundle, "--config", config, "--replay", folder, "--out"]
    assert _run(*words, tmp_path / "out") == 0
    lines = (tmp_path / "out" / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["used"] for event in events if event["event"] == "Understood"] == [["image"]]
    assert len(list((tmp_path / "out" / "spoken").iterdir())) == 1
    assert {event["event"] for event in events} == {
        "Understood", "Answered", "StateChanged", "SpeechStarted", "SpeechEnded"
    }  # fmt: skip


@pytest.mark.parametrize("camera", [[], ["--camera", "none"]])
def test_neither_microphone_nor_camera_is_a_sentence(
    camera: list[str], config: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["assist", tiny_bundle, "--config", config, "--mic", "none", *camera]
    assert _run(*words) == 2
    assert "there must be a camera" in capsys.readouterr().err


def test_a_replay_needs_no_network(
    session_folder: Path, config: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    """In a namespace with no interface but a loopback that is down."""
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make a network namespace")
    program = Path(sys.executable).parent / "edge-sdk"
    out = tmp_path / "out"
    words = [program, "assist", tiny_bundle, "--config", config]
    done = subprocess.run(
        ["unshare", "-rn", *map(str, words), "--replay", str(session_folder), "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert "2 turns" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--replay", "{folder}"], 2, "belong together"),
        (["--replay", "{empty}", "--out", "{empty}/x"], 3, "audio.wav"),
        (["--replay", "{folder}", "--out", "{empty}/x", "--ui", "127.0.0.1:0"], 2, "no page"),
        (["--replay", "{folder}", "--out", "{empty}/x", "--config", "{empty}/no"], 2, "no cannot"),
    ],
)
def test_mistakes_are_sentences(
    words: list[str],
    code: int,
    said: str,
    session_folder: Path,
    tiny_bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [word.format(folder=session_folder, empty=tmp_path) for word in words]
    assert _run("assist", tiny_bundle, *filled) == code
    assert said in capsys.readouterr().err


def test_a_bundle_whose_intents_have_no_skill_is_refused(
    session_folder: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["assist", tiny_bundle, "--replay", session_folder, "--out", tmp_path / "out"]
    assert _run(*words) == 2
    assert "'play'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("times", ["[0.5]", "{", '["a", "b"]'])
def test_times_that_do_not_fit_are_a_sentence(
    times: str,
    session_folder: Path,
    config: Path,
    tiny_bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "session"
    shutil.copytree(session_folder, folder)
    (folder / "video" / "times.json").write_text(times)
    words = ["assist", tiny_bundle, "--config", config, "--replay", folder]
    assert _run(*words, "--out", tmp_path / "out") == 3
    assert "times.json" in capsys.readouterr().err


def test_what_was_recorded_can_be_replayed(tmp_path: Path) -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN, (SPEECH, 0.5)), [FROG], config=QUIET)
    recorder = Recorder(tmp_path / "kept")
    stage.use_camera(RecordedCamera(stage.camera, recorder))
    stage.assistant.listen(recorder.event)
    stage.assistant.tap(recorder.sound)
    events = stage.play()
    recorder.close()
    samples, rate = soundfile.read(tmp_path / "kept" / "audio.wav")
    assert rate == RATE
    assert len(samples) == pytest.approx(stage.clock.now() * RATE, abs=1)
    times = json.loads((tmp_path / "kept" / "video" / "times.json").read_text())
    pictures = sorted((tmp_path / "kept" / "video").glob("*.png"))
    assert len(times) == len(pictures) == 1
    told = (tmp_path / "kept" / "events.jsonl").read_text().splitlines()
    assert len(told) == len(events)
    clock = VirtualClock()
    again = TimedPictures(pictures, times, clock)
    again.start()
    clock.move_to(of(Answered, events)[0].time)
    frame = again.newest()
    assert frame is not None
    assert frame.time == pytest.approx(times[0])
    assert again.newest(after=frame.number) is None


def test_a_recording_never_mixes_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "thing").touch()
    with pytest.raises(InputError, match="not empty"):
        Recorder(tmp_path)
