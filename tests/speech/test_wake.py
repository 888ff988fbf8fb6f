from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.speech import RATE, load_component
from edge_sdk.runtimes.speech.protocol import Samples, WakeWord

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
