from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.speech import RATE, load_component
from edge_sdk.runtimes.speech.protocol import Samples
from edge_sdk.runtimes.speech.segmenter import Segmenter, SegmenterOptions, Silence, Utterance

from .conftest import silence

Say = Callable[[str, str], Samples]


class Loudness:
    """A detector for these tests: a window is speech where it is loud."""

    window = 160

    def probability(self, samples: Samples) -> float:
        return float(np.abs(samples).max() > 0.5)

    def reset(self) -> None:
        pass


@pytest.mark.parametrize("name", ["silero", "webrtc"])
@pytest.mark.parametrize("voice", ["espeak", "flite"])
def test_an_utterance_is_found_where_it_is(say: Say, name: str, voice: str) -> None:
    words = say(voice, "what is this called")
    segmenter = Segmenter(load_component("vad", name))
    found = segmenter.feed(np.concatenate([silence(1.5), words, silence(1.5)]))
    assert isinstance(found, Utterance)
    assert not found.cut
    assert 1.0 <= found.start / RATE <= 1.6
    spoken = 1.5 + len(words) / RATE
    assert spoken - 0.5 <= found.speech_end / RATE <= spoken + 0.5
    assert len(found.samples) == found.end - found.start


@pytest.mark.parametrize("name", ["silero", "webrtc"])
def test_silence_is_no_utterance(name: str) -> None:
    segmenter = Segmenter(load_component("vad", name), SegmenterOptions(patience=1.0))
    found = segmenter.feed(silence(2))
    assert isinstance(found, Silence)
    assert 0.9 <= found.end / RATE <= 1.1


def test_noise_is_no_speech_for_silero() -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 3 * RATE).astype(np.float32)
    segmenter = Segmenter(load_component("vad", "silero"), SegmenterOptions(patience=2.0))
    assert isinstance(segmenter.feed(noise), Silence)


def test_a_pause_within_a_sentence_does_not_end_it() -> None:
    speech, pause = np.ones(RATE, np.float32), np.zeros(RATE // 4, np.float32)
    segmenter = Segmenter(Loudness(), SegmenterOptions(end=0.5))
    found = segmenter.feed(np.concatenate([speech, pause, speech, pause, pause]))
    assert isinstance(found, Utterance)
    assert found.speech_end == 2 * RATE + RATE // 4


def test_an_endless_utterance_is_cut() -> None:
    segmenter = Segmenter(Loudness(), SegmenterOptions(longest=2.0))
    found = segmenter.feed(np.ones(3 * RATE, np.float32))
    assert isinstance(found, Utterance)
    assert found.cut
    assert len(found.samples) == 2 * RATE


def test_what_follows_an_utterance_is_kept() -> None:
    one = np.concatenate([np.ones(RATE // 2, np.float32), np.zeros(RATE, np.float32)])
    segmenter = Segmenter(Loudness())
    assert isinstance(segmenter.feed(np.concatenate([one, one])), Utterance)
    assert isinstance(segmenter.feed(np.zeros(0, np.float32)), Utterance)


def test_flush_gives_what_the_end_of_the_stream_cut_off() -> None:
    segmenter = Segmenter(Loudness())
    assert segmenter.feed(np.ones(RATE, np.float32)) is None
    assert segmenter.speaking
    found = segmenter.flush()
    assert found is not None
    assert len(found.samples) == RATE
    assert segmenter.flush() is None


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=40))
def test_any_chunks_give_the_same_utterance(sizes: list[int]) -> None:
    stream = np.concatenate(
        [np.zeros(4000, np.float32), np.ones(9000, np.float32), np.zeros(12000, np.float32)]
    )
    whole = Segmenter(Loudness()).feed(stream)
    assert isinstance(whole, Utterance)
    segmenter, start, found = Segmenter(Loudness()), 0, None
    for size in [*sizes, len(stream)]:
        found = segmenter.feed(stream[start : start + size])
        start += size
        if found is not None:
            break
    assert isinstance(found, Utterance)
    assert (found.start, found.speech_end, found.end) == (whole.start, whole.speech_end, whole.end)
    np.testing.assert_array_equal(found.samples, whole.samples)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SegmenterOptions(speech=0.2),
        lambda: SegmenterOptions(silence=0.0),
        lambda: SegmenterOptions(end=-1.0),
        lambda: load_component("vad", "webrtc", {"aggressiveness": 7}),
    ],
)
def test_refuses_settings_that_mean_nothing(make: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        make()
