"""The detectors of the demo's phrases, and how they are trained."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soxr
from click.testing import CliRunner

from edge_sdk.runtimes.assistant import load_config
from edge_sdk.runtimes.assistant.config import AssistantConfig, Component
from edge_sdk.runtimes.speech import RATE, load_component
from edge_sdk.runtimes.speech.protocol import Samples
from edge_sdk.runtimes.speech.wake.embeddings import WIDTH
from examples.show_and_ask.data.utterances import commands
from examples.show_and_ask.turns import voices
from examples.show_and_ask.turns.script import VOICES
from examples.show_and_ask.wake import __main__ as command
from examples.show_and_ask.wake.features import WINDOW, windows
from examples.show_and_ask.wake.material import Clip
from examples.show_and_ask.wake.network import fit, score
from examples.show_and_ask.wake.phrases import phrase
from examples.show_and_ask.wake.said import lines

_DEMO = Path(__file__).parents[2] / "examples/show_and_ask"


def _said(text: str, voice: str) -> Samples:
    speech = load_component("voice", "espeak", {"voice": voice}).speak(text)
    said = soxr.resample(speech.samples, speech.rate, RATE).astype(np.float32)
    loud = np.abs(said).max()
    stream = np.random.default_rng(0).normal(0, 1.6e-4, len(said) + RATE).astype(np.float32)
    stream[RATE // 4 : RATE // 4 + len(said)] += said * np.float32(0.3 / loud)
    return stream


def _demo() -> AssistantConfig:
    return load_config(_DEMO / "assistant.toml")


@pytest.mark.parametrize(
    ("which", "text", "others"),
    [
        ("confirm", "okay nabu", ("okay now", "what is this", "set a timer for five minutes")),
        ("stop", "stop", ("top", "what is this", "say that again")),
    ],
)
@pytest.mark.parametrize("voice", ["en-us+edward", "en-us+caleb", "en-us+Andrea"])
def test_the_demo_hears_its_phrases_by_voices_of_the_test_and_nothing_else(
    which: str, text: str, others: tuple[str, ...], voice: str
) -> None:
    component: Component = getattr(_demo(), which)
    detector = load_component("wake", component.name, {**component.options, "at_once": True})
    heard = {}
    for said in (text, *others):
        detector.reset()
        stream = _said(said, voice)
        blocks = (stream[at : at + 1280] for at in range(0, len(stream), 1280))
        heard[said] = sum(detector.feed(block) is not None for block in blocks)
    assert heard == {text: 1, **dict.fromkeys(others, 0)}
    detector.close()


def test_no_two_voices_of_the_turns_sound_alike() -> None:
    """espeak-ng takes variants that it ignores, so names say nothing."""
    said = [voices.say(*voice, "okay nabu").tobytes() for voice in VOICES]
    assert len(set(said)) == len(VOICES)


@pytest.mark.parametrize("text", ["okay nabu", "stop"])
def test_no_voice_of_the_turns_or_the_test_says_it_in_training(text: str) -> None:
    what = phrase(text)
    spoken = [line for kind in ("phrase", "near", "other") for line in lines(what, kind, 300, 0)]  # type: ignore[arg-type]
    variants = {v.name.split("+")[-1] for line in spoken if (v := line.first.voice) is not None}
    test = {u.speaker.split("+")[-1] for u in commands("test", 60, 60, seed=0)}
    script = {name.split("+")[-1] for _, name in VOICES}
    assert len(variants) > 30
    assert not variants & (test | script)


@pytest.mark.parametrize("text", ["okay nabu", "stop"])
def test_what_only_sounds_like_it_and_what_follows_it_are_not_the_phrase(text: str) -> None:
    what = phrase(text)
    for kind in ("near", "other"):
        for line in lines(what, kind, 200, 1):  # type: ignore[arg-type]
            said = line.first.text.split()
            assert not set(text.split()) <= set(said)
    for line in lines(what, "phrase", 200, 1):
        assert line.after is None or text not in line.after.text


def test_a_simulated_room_leaves_the_devices_alone() -> None:
    """Else a microphone that comes later is not found: PortAudio looks once."""
    code = (
        "import sys; from examples.show_and_ask.wake.rooms import rooms; rooms(1, 0); "
        "sys.exit('sounddevice' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=_DEMO.parents[1])


def test_a_network_learns_which_windows_are_the_phrase() -> None:
    rng = np.random.default_rng(0)
    mark = rng.normal(0, 1, (4, WIDTH))

    def clip(marked: bool) -> Clip:
        rows = rng.normal(0, 1, (WINDOW + 8, WIDTH))
        if marked:
            rows[14:18] += 2 * mark
        return Clip(rows.astype(np.float16), slice(2, 5) if marked else None)

    network = fit([clip(n % 3 == 0) for n in range(90)], epochs=1, seed=0, steps=25)
    assert np.mean([score(network, clip(True)) > 0.5 for _ in range(20)]) > 0.8
    assert np.mean([score(network, clip(False)) > 0.5 for _ in range(20)]) < 0.2


def test_windows_follow_each_other() -> None:
    rows = np.arange((WINDOW + 2) * WIDTH, dtype=np.float16).reshape(-1, WIDTH)
    found = windows(rows)
    assert found.shape == (3, WINDOW, WIDTH)
    assert (found[1] == rows[1 : WINDOW + 1]).all()
    assert len(windows(rows[: WINDOW - 1])) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hello there", "--out", "x.tflite"], "How 'hello there' is said is not written down"),
        (["stop", "--out", "x.onnx"], "--out is a .tflite file"),
    ],
)
def test_what_cannot_be_trained_is_a_sentence(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(command.main, arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert not list(tmp_path.iterdir())
