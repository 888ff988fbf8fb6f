"""Recognising ahead: begun in a pause, used if nothing more was said, and never wrong."""

from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.assistant import AssistantConfig
from edge_sdk.runtimes.assistant.ahead import Ahead
from edge_sdk.runtimes.assistant.events import Failed, Recognised
from edge_sdk.runtimes.speech import RATE, Transcript
from edge_sdk.runtimes.speech.protocol import Samples
from edge_sdk.runtimes.speech.segmenter import Segmenter, SegmenterOptions, Utterance

from .parts import SILENCE, SPEECH, WAKE, Loud, Stage, sound

OPTIONS = SegmenterOptions(end=0.4, ahead=0.2)
TIME = ("time", 0.9, "nothing", 0.9)


class Patient:
    """Recognises how long it was spoken to, in milliseconds, and keeps what it was given."""

    def __init__(self, failing: bool = False) -> None:
        self.given: list[Samples] = []
        self.threads: set[int] = set()
        self._failing = failing

    def transcribe(self, samples: Samples) -> Transcript:
        self.given.append(samples)
        self.threads.add(threading.get_ident())
        if self._failing and len(self.given) > 2:
            raise RuntimeError("no words today")
        return Transcript(f"{len(samples) * 1000 // RATE}")

    def close(self) -> None:
        self.given.clear()


@given(
    st.lists(st.floats(0.02, 0.7), min_size=1, max_size=8),
    st.integers(1, 4000),
    st.sampled_from([0.0, 0.1, 0.2, 0.4, 0.6]),
)
def test_what_a_pause_gives_is_what_is_recognised_if_it_was_the_end(
    lengths: list[float], block: int, ahead: float
) -> None:
    parts = [(SPEECH if i % 2 == 0 else SILENCE, s) for i, s in enumerate(lengths)]
    heard = sound((SILENCE, 0.5), *parts, (SILENCE, 1.5))
    segmenter = Segmenter(Loud(), SegmenterOptions(end=0.5, ahead=ahead))
    pauses: list[Samples] = []
    for start in range(0, len(heard), block):
        found = segmenter.feed(heard[start : start + block])
        if isinstance(found, Utterance):
            silent = len(found.samples) - (found.speech_end - found.start)
            assert len(found.spoken) == len(found.samples) - max(0, silent - _kept(ahead))
            np.testing.assert_array_equal(found.spoken, found.samples[: len(found.spoken)])
            # A block may hold the pause and the end at once: there is nothing to gain then.
            if 0 < ahead < 0.5 and block <= RATE * 0.05:
                assert pauses
                np.testing.assert_array_equal(pauses[-1], found.spoken)
            pauses.clear()
            assert segmenter.paused() is None
            continue
        said = segmenter.paused()
        if said is not None:
            pauses.append(said)
            assert segmenter.paused() is None
    # Each pause of an utterance has more in it than the one before.
    assert all(len(a) < len(b) for a, b in pairwise(pauses))


def _kept(ahead: float) -> int:
    return max(1, round(ahead * RATE / Loud.window)) * Loud.window


def test_what_was_expected_is_recognised_once_and_on_another_thread() -> None:
    recogniser = Patient()
    ahead = Ahead({"words": recogniser}, OPTIONS)
    said = np.ones(RATE, np.float32)
    ahead.expect("words", said)
    assert not recogniser.given, "nobody knows yet how long it takes"
    ahead.transcribe("words", said)
    ahead.expect("words", 2 * said)
    assert ahead.transcribe("words", 2 * said).text == "1000"
    assert [float(one[0]) for one in recogniser.given] == [1, 2]
    assert threading.get_ident() not in recogniser.threads
    ahead.close()
    assert not recogniser.given


def test_what_was_said_after_all_is_recognised_anew() -> None:
    recogniser = Patient()
    ahead = Ahead({"words": recogniser}, OPTIONS)
    ahead.transcribe("words", np.zeros(10, np.float32))
    ahead.expect("words", np.zeros(RATE, np.float32))
    assert ahead.transcribe("words", np.zeros(2 * RATE, np.float32)).text == "2000"
    # Nor is it taken from another recogniser.
    other = Ahead({"words": Patient(), "light": recogniser}, OPTIONS)
    other.transcribe("light", np.zeros(10, np.float32))
    other.expect("light", np.zeros(RATE, np.float32))
    assert other.transcribe("words", np.zeros(RATE, np.float32)).text == "1000"
    ahead.close()
    other.close()


def test_practice_lets_the_first_question_be_expected() -> None:
    recogniser = Patient()
    ahead = Ahead({"words": recogniser}, OPTIONS)
    ahead.warm("words", np.zeros(RATE, np.float32))
    practised = len(recogniser.given)
    ahead.expect("words", np.ones(RATE, np.float32))
    assert ahead.transcribe("words", np.ones(RATE, np.float32)).text == "1000"
    assert len(recogniser.given) == practised + 1
    ahead.close()


@pytest.mark.parametrize("options", [
    SegmenterOptions(end=0.4, ahead=0.4),
    # It takes longer than the pause that ends an utterance.
    SegmenterOptions(end=1e-9, ahead=0.0),
])  # fmt: skip
def test_nothing_is_begun_where_it_would_not_help(options: SegmenterOptions) -> None:
    recogniser = Patient()
    ahead = Ahead({"words": recogniser}, options)
    for _ in range(2):
        ahead.transcribe("words", np.zeros(RATE, np.float32))
    ahead.expect("words", np.ones(RATE, np.float32))
    ahead.transcribe("words", np.zeros(10, np.float32))
    assert len(recogniser.given) == 3
    ahead.close()


@pytest.mark.parametrize("ahead", [0.2, 1.0])
def test_the_assistant_answers_the_same_ahead_or_not(ahead: float) -> None:
    # A hesitation of 0.3 s, shorter than what ends an utterance.
    said = (WAKE, 0.4), (SPEECH, 1.0), (SILENCE, 0.3), (SPEECH, 0.5), (SILENCE, 3.0)
    recogniser = Patient()
    config = AssistantConfig(
        tone=False, follow_up=0.0, segmenter=SegmenterOptions(end=0.6, ahead=ahead)
    )
    stage = Stage(sound((SILENCE, 1.0), *said, *said), [TIME] * 2, config=config,
                  recognisers={"words": recogniser})  # fmt: skip
    calls: list[int] = []
    stage.assistant.listen(lambda event: calls.append(len(recogniser.given)))
    events = stage.play()
    found = [event.text for event in events if isinstance(event, Recognised)]
    assert len(found) == 2
    assert len(set(found)) == 1
    # The lead, 1.8 s, and what is kept of the silence.
    assert float(found[0]) / 1000 == pytest.approx(1.8 + min(ahead, 0.6), abs=0.35)


def test_a_recogniser_that_fails_ahead_is_told_of_when_it_is_asked() -> None:
    said = (WAKE, 0.4), (SPEECH, 1.0), (SILENCE, 3.0)
    config = AssistantConfig(tone=False, follow_up=0.0)
    stage = Stage(sound((SILENCE, 1.0), *said, *said, *said), [TIME] * 3, config=config,
                  recognisers={"words": Patient(failing=True)})  # fmt: skip
    events = stage.play()
    failures = [event for event in events if isinstance(event, Failed)]
    assert [event.stage for event in failures] == ["recognise"]
    assert "no words today" in failures[0].sentence


def test_a_negative_time_is_refused() -> None:
    with pytest.raises(UsageError, match="ahead"):
        SegmenterOptions(ahead=-0.1)
