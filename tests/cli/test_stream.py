"""``edge-sdk stream`` over recordings: what it prints, how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
from PIL import Image

from ..synthetic import picture, speech_like
from .conftest import Run


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("recordings")
    soundfile.write(folder / "talk.wav", speech_like(3.0).clip(-1, 1), 16000)
    (folder / "clip").mkdir()
    for number in range(30):
        Image.fromarray(picture(32, 24, number)).save(folder / "clip" / f"{number:03}.png")
    return folder / "talk.wav", folder / "clip"


def lines(text: str) -> list[dict]:
    return [msgspec.json.decode(line) for line in text.splitlines()]


def test_a_replay_as_fast_as_possible_is_the_same_each_time(
    run: Run, tiny_bundle: Path, recordings: tuple[Path, Path]
) -> None:
    words = ("--audio", recordings[0], "--video", recordings[1], "--fast", "--json")
    first, again = (run("stream", tiny_bundle, *words) for _ in range(2))
    assert (first.code, first.err) == (0, "")
    events = lines(first.out)
    made = [event for event in events if event["event"] == "Decision"]
    assert len(made) > 35
    assert set(made[20]["prediction"]["used"]) == {"audio", "image"}
    # The pictures end a second before the sound, and are missing then.
    assert made[-1]["prediction"]["used"] == ["audio"]
    assert events[-1]["event"] == "Ended"
    assert events[-1]["reason"] == "over"
    assert [e["event"] for e in lines(again.out)] == [e["event"] for e in events]
    heads = [event["prediction"]["heads"] for event in made]
    assert heads == [e["prediction"]["heads"] for e in lines(again.out) if "prediction" in e]


def test_lines_show_labels_age_losses_and_variant(
    run: Run, tiny_bundle: Path, recordings: tuple[Path, Path]
) -> None:
    got = run("stream", tiny_bundle, "--audio", recordings[0], "--fast", "--text", "stop")
    assert (got.code, got.err) == (0, "")
    first, *_, last = got.out.splitlines()
    for word in ("intent ", "colour ", "audio+text", "age ", "dropped 0 samples, 0 hops", "full"):
        assert word in first
    assert "over: The recording" in last
    assert "0 late" in last


def test_utterances_are_answered_once_they_are_over(
    run: Run, refused: Callable[..., str], tiny_bundle: Path, tmp_path: Path
) -> None:
    said = np.zeros(16000 * 4)
    # A voice detector without a model takes a chord for speech.
    at = np.arange(12000) / 16000
    said[16000:28000] = sum(0.1 * np.sin(2 * np.pi * pitch * at) for pitch in (150, 300, 450, 600))
    soundfile.write(tmp_path / "said.wav", said, 16000)
    words = ("stream", tiny_bundle, "--audio", tmp_path / "said.wav", "--fast", "--utterances")
    got = run(*words, "webrtc", "--json")
    made = [event for event in lines(got.out) if event["event"] == "Decision"]
    assert len(made) == 1
    first, last = made[0]["window"]
    assert first < 1.05
    assert 1.7 < last < 3.0
    assert "known: silero, webrtc" in refused(2, *words, "ears")


def test_it_ends_after_the_seconds_that_were_asked_for(
    run: Run, tiny_bundle: Path, recordings: tuple[Path, Path]
) -> None:
    got = run(
        *("stream", tiny_bundle, "--audio", recordings[0], "--fast", "--json"),
        *("--seconds", "500ms", "--policy", "none"),
    )
    end = lines(got.out)[-1]
    assert (end["event"], end["reason"]) == ("Ended", "stopped")
    assert 5 <= end["counters"]["decisions"] <= 9


def test_sigterm_ends_a_stream_cleanly(tiny_bundle: Path, recordings: tuple[Path, Path]) -> None:
    start = "from edge_sdk.cli.main import main; main()"
    command = (sys.executable, "-c", start, "stream", str(tiny_bundle), "--json")
    source = ("--video", str(recordings[1]), "--audio", str(recordings[0]))
    with subprocess.Popen([*command, *source], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # In real time: it runs when the first answer comes.
        assert process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(60) == 0
    end = lines(rest)[-1]
    assert (end["event"], end["reason"]) == ("Ended", "stopped")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--fast",), 2, "Only recordings can be replayed --fast"),
        (("--mic", "x", "--audio", "y.wav"), 2, "Give --mic or --audio, not both."),
        (("--camera", "0", "--video", "y"), 2, "Give --camera or --video, not both."),
        (("--audio", "none.wav"), 12, "cannot be replayed"),
        (("--audio", "none.wav", "--policy", "none.toml"), 2, "none.toml cannot be read"),
        (("--audio", "none.wav", "--deadline", "soon"), 2, "'soon' is no duration above 0"),
    ],
)
def test_what_cannot_be_streamed_is_refused(
    run: Run, tiny_bundle: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    got = run("stream", tiny_bundle, *words)
    assert got.code == code
    assert sentence in got.err
    assert got.err.startswith("error: ")
