from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.speech import RATE, load_component
from edge_sdk.runtimes.speech.protocol import Samples, WakeWord
from edge_sdk.runtimes.speech.wake.confirmed import Confirmed

from .conftest import silence

Say = Callable[[str, str], Samples]


def _heard(wake: WakeWord, stream: Samples, chunk: int) -> list[float]:
    """Seconds at which the phrase was heard."""
    found = []
    for start in range(0, len(stream), chunk):
        if wake.feed(stream[start : start + chunk]) is not None:
            found.append((start + chunk) / RATE)
    return found


@pytest.mark.parametrize("voice", ["espeak", "flite", "piper"])
def test_hears_its_phrase_once_each_time_it_is_said(say: Say, voice: str) -> None:
    phrase = say(voice, "okay nabu")
    stream = np.concatenate([silence(1), phrase, silence(2), phrase, silence(1)])
    wake = load_component("wake", "micro", {"model": "okay_nabu"})
    assert wake.phrase == "Okay Nabu"
    first, second = _heard(wake, stream, 1280)
    assert 1.0 < first < 1.0 + len(phrase) / RATE + 0.4
    assert 2.0 < second - first < 4.0


def test_does_not_hear_other_words(say: Say) -> None:
    words = [say("flite", text) for text in ("what is this called", "next card please", "okay no")]
    stream = np.concatenate([part for word in words for part in (silence(0.7), word)])
    assert _heard(load_component("wake", "micro"), stream, 1280) == []


def test_the_size_of_the_chunks_does_not_matter(say: Say) -> None:
    stream = np.concatenate([silence(1), say("espeak", "okay nabu"), silence(1)])
    times = [_heard(load_component("wake", "micro"), stream, chunk) for chunk in (160, 777, 4000)]
    assert [len(found) for found in times] == [1, 1, 1]
    assert max(t[0] for t in times) - min(t[0] for t in times) <= 4000 / RATE


def test_reset_forgets_half_a_phrase(say: Say) -> None:
    phrase = say("espeak", "okay nabu")
    wake = load_component("wake", "micro")
    half = len(phrase) // 2
    wake.feed(np.concatenate([silence(1), phrase[:half]]))
    wake.reset()
    assert wake.feed(np.concatenate([phrase[half:], silence(1)])) is None


@pytest.mark.parametrize("options", [{"model": "hello"}, {"threshold": 1.5}, {"loudness": 3}])
def test_refuses_options_that_mean_nothing(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        load_component("wake", "micro", options)


@pytest.mark.parametrize("chunk", [160, 1280, 4000])
def test_openwakeword_hears_its_phrase_once_each_time_and_no_other(say: Say, chunk: int) -> None:
    phrase = say("espeak", "okay nabu")
    parts = [silence(2), phrase, silence(2), say("flite", "what is this called"), silence(1.5)]
    wake = load_component("wake", "open")
    assert wake.phrase == "Okay Nabu"
    found = _heard(wake, np.concatenate([*parts, phrase, silence(1)]), chunk)
    assert len(found) == 2
    assert 2.0 < found[0] < 2.0 + len(phrase) / RATE + 0.6
    wake.reset()
    assert _heard(wake, np.concatenate(parts), chunk) == [pytest.approx(found[0], abs=0.3)]


@pytest.mark.parametrize(
    "options", [{"model": "hello"}, {"model": "melspectrogram"}, {"threshold": 0.0}]
)
def test_openwakeword_refuses_options_that_mean_nothing(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        load_component("wake", "open", options)


def test_a_model_of_the_users_own_is_called_like_its_file(tmp_path: Path) -> None:
    known = load_component("wake", "open")._model.tflite_model
    (tmp_path / "hello_lamp.tflite").write_bytes(known.read_bytes())
    wake = load_component("wake", "open", {"model": str(tmp_path / "hello_lamp.tflite")})
    assert wake.phrase == "Hello Lamp"


@pytest.mark.parametrize(("second", "heard"), [(1e-3, 1), (0.999999, 0)])
def test_a_second_detector_decides_where_the_first_is_not_sure(
    say: Say, second: float, heard: int
) -> None:
    stream = np.concatenate([silence(2), say("espeak", "okay nabu"), silence(1)])
    unsure = load_component("wake", "micro", {"threshold": 0.9999})
    assert _heard(unsure, stream, 1280) == []
    unsure.reset()
    wake = Confirmed(unsure, load_component("wake", "open", {"threshold": second}), 0.2)
    assert len(_heard(wake, stream, 1280)) == heard


class _Scripted:
    """Scores by the level of the sound; hears from ``threshold`` on."""

    phrase = "it"

    def __init__(self, threshold: float) -> None:
        self.threshold, self.level = threshold, 0.0
        self.given: list[int] = []

    def feed(self, samples: Samples) -> float | None:
        self.given.append(len(samples))
        self.level = float(samples.max())
        return self.level if self.level > self.threshold else None

    def reset(self) -> None: ...

    def close(self) -> None: ...


def _blocks(*levels: float) -> Samples:
    return np.repeat(np.asarray(levels, np.float32), 1280)


def test_what_the_first_detector_is_sure_of_needs_nobody() -> None:
    first, second = _Scripted(0.8), _Scripted(2.0)
    wake = Confirmed(first, second, 0.5)
    stream = _blocks(*[0.1] * 30, 0.9, *[0.1] * 30)
    assert len(_heard(wake, stream, 1280)) == 1
    assert second.given == []


def test_the_second_detector_is_asked_about_the_last_two_seconds_and_a_little_more() -> None:
    first, second = _Scripted(0.8), _Scripted(2.0)
    wake = Confirmed(first, second, 0.5)
    assert _heard(wake, _blocks(*[0.1] * 30, 0.6, *[0.1] * 30), 1280) == []
    assert 2 * RATE < second.given[0] < 2.3 * RATE
    assert second.given[1:] == [1280] * 5


def test_a_phrase_that_both_hear_counts_once() -> None:
    wake = Confirmed(_Scripted(0.8), _Scripted(0.55), 0.5)
    stream = _blocks(*[0.1] * 30, 0.6, 0.7, 0.9, 0.7, *[0.1] * 30, 0.6, *[0.1] * 9)
    assert len(_heard(wake, stream, 1280)) == 2


def test_a_phrase_that_was_heard_is_not_found_again_in_what_follows() -> None:
    # A command that sounds a little like the phrase, 1.1 s after it.
    stream = _blocks(*[0.1] * 30, 0.7, *[0.1] * 13, 0.52, *[0.1] * 30)
    assert len(_heard(Confirmed(_Scripted(0.8), _Scripted(0.55), 0.5), stream, 1280)) == 1
    assert len(_heard(Confirmed(_Scripted(0.6), _Scripted(0.55), 0.5), stream, 1280)) == 1
