"""The wake word of a configuration, with and without a detector that confirms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.assistant import AssistantConfig, load_config
from edge_sdk.runtimes.assistant.config import Component, Confirmation
from edge_sdk.runtimes.assistant.waking import stop_spotter, wake_spotter
from edge_sdk.runtimes.speech import RATE, Speech, load_component
from edge_sdk.runtimes.speech.protocol import Samples

# A call that the first detector scores high but, with this threshold, is not sure of.
_UNSURE = Component(name="micro", options={"threshold": 0.9999})


def _config(confirm: Confirmation | None) -> AssistantConfig:
    return AssistantConfig(wake=_UNSURE, confirm=confirm)


def _called() -> tuple[Speech, Samples]:
    speech = load_component("voice", "espeak").speak("okay nabu")
    said = soxr.resample(speech.samples, speech.rate, RATE).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 1e-4, 4 * RATE + len(said)).astype(np.float32)
    noise[2 * RATE : 2 * RATE + len(said)] += said
    return speech, noise


@pytest.mark.parametrize(
    ("confirm", "wakes"),
    [(None, 0), (Confirmation(name="open", options={"threshold": 0.003}), 1)],
)
def test_what_is_not_sure_wakes_it_where_another_agrees(
    confirm: Confirmation | None, wakes: int
) -> None:
    config = _config(confirm)
    assert config.wake is not None
    spotter = wake_spotter(config, config.wake)
    _, stream = _called()
    blocks = range(0, len(stream), 1280)
    heard = [spotter.hear(stream[at : at + 1280], (at + 1280) / RATE) for at in blocks]
    found = [score for score in heard if score is not None]
    assert len(found) == wakes
    assert all(0.2 < score < 1 and not own for score, own in found)


def test_in_its_own_speech_a_candidate_is_enough() -> None:
    config = _config(Confirmation(name="open", options={"threshold": 0.003}))
    assert config.wake is not None
    spotter = wake_spotter(config, config.wake)
    speech, stream = _called()
    spotter.speaks(speech)
    spotter.began(2.0)
    blocks = range(0, len(stream), 1280)
    heard = [spotter.hear(stream[at : at + 1280], (at + 1280) / RATE) for at in blocks]
    assert [own for found in heard if found is not None for own in found[1:]] == [True]


@pytest.mark.parametrize(
    ("wake", "confirm", "words"),
    [
        (Component(name="sphinx", options={"phrase": "hello"}), "okay_nabu", "gives no scores"),
        (Component(name="micro", options={"model": "alexa"}), "okay_nabu", "same phrase"),
        (Component(name="micro"), "hello", "no openWakeWord model"),
    ],
)
def test_two_that_do_not_go_together_are_refused(wake: Component, confirm: str, words: str) -> None:
    config = AssistantConfig(confirm=Confirmation(name="open", options={"model": confirm}))
    with pytest.raises(UsageError, match=words):
        wake_spotter(config, wake)


def test_a_phrase_said_at_once_is_heard() -> None:
    found = load_component("wake", "open", {"threshold": 0.5, "at_once": True})
    _, stream = _called()
    for _ in range(2):
        heard = [found.feed(stream[at : at + 1280]) for at in range(2 * RATE, len(stream), 1280)]
        assert sum(score is not None for score in heard) == 1
        found.reset()


def test_the_stop_phrase_may_have_a_detector_of_its_own() -> None:
    said = Component(name="open", options={"model": "okay_nabu"})
    spotter = stop_spotter(AssistantConfig(stop_phrase="okay nabu", stop=said))
    speech, stream = _called()
    blocks = range(0, len(stream), 1280)

    def heard() -> list[bool]:
        found = [spotter.hear(stream[at : at + 1280], (at + 1280) / RATE) for at in blocks]
        return [own for hit in found if hit is not None for own in hit[1:]]

    assert heard() == [False]
    spotter.reset()
    spotter.speaks(speech)
    spotter.began(2.0)
    assert heard() == [True]
    with pytest.raises(UsageError, match="'stop', but stop listens for 'Okay Nabu'"):
        stop_spotter(AssistantConfig(stop=said))


def test_the_demo_confirms(tmp_path: Path) -> None:
    demo = load_config(Path(__file__).parents[2] / "examples/show_and_ask/assistant.toml")
    assert demo.confirm is not None
    assert demo.confirm.candidate < 0.5
    off = tmp_path / "assistant.toml"
    off.write_text('confirm = "none"\n')
    assert load_config(off).confirm is None
