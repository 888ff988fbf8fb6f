"""Its own voice: what was played when, and what is left of it in what it hears."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_sdk.runtimes.assistant.echo import Echo
from edge_sdk.runtimes.assistant.played import Played
from edge_sdk.runtimes.assistant.speaker import MemorySpeaker
from edge_sdk.runtimes.capture import VirtualClock
from edge_sdk.runtimes.speech import RATE, Speech, load_component
from edge_sdk.runtimes.speech.protocol import Samples

_BLOCK = 1280


class Subtracting:
    """An echo canceller for a room without air; counts what it is given."""

    def __init__(self) -> None:
        self.blocks = self.closed = 0

    def cancel(self, heard: Samples, played: Samples) -> Samples:
        self.blocks += 1
        return heard - played

    def reset(self) -> None: ...

    def close(self) -> None:
        self.closed += 1


def left_as(line: Samples, count: int, played: Played, block: int) -> None:
    """Holds what was played against the first ``count`` samples of a line, in blocks."""
    for start in range(0, count, block):
        found = played.between(start / RATE, block)
        if found is None:
            found = np.zeros(block, np.float32)
        np.testing.assert_array_equal(found, line[start : start + block])


@settings(deadline=None, max_examples=50)
@given(
    lengths=st.lists(st.integers(1, 4000), min_size=1, max_size=4),
    pauses=st.lists(st.integers(0, 3000), min_size=4, max_size=4),
    cut=st.none() | st.integers(0, 16000),
    block=st.integers(400, 3000),
)
def test_what_was_played_comes_back_where_it_was(
    lengths: list[int], pauses: list[int], cut: int | None, block: int
) -> None:
    played = Played()
    line = np.zeros(40000, np.float32)
    at = 0
    for number, (length, pause) in enumerate(zip(lengths, pauses, strict=False)):
        at += pause
        samples = np.full(length, number + 1, np.float32)
        played.begin(at / RATE, Speech(samples, RATE), 0.5)
        line[at : at + length] = samples * 0.5
        last, at = at, at + length
    if cut is not None and cut >= last:
        played.cut(cut / RATE)
        line[cut:] = 0
    left_as(line, 20000, played, block)


def test_a_new_sound_takes_the_place_of_the_old_one() -> None:
    played = Played()
    played.begin(0.0, Speech(np.ones(RATE, np.float32), RATE), 1.0)
    played.begin(0.5, Speech(np.full(RATE, 2, np.float32), RATE), 1.0)
    found = played.between(0.0, RATE)
    assert found is not None
    assert set(found[: RATE // 2]) == {1.0}
    assert set(found[RATE // 2 :]) == {2.0}


@settings(deadline=None, max_examples=30)
@given(
    at=st.integers(0, 7999),
    length=st.integers(1, 8000),
    later=st.integers(0, 8000),
    block=st.integers(400, 3000),
)
def test_what_came_later_because_the_speaker_ran_dry_comes_back_later(
    at: int, length: int, later: int, block: int
) -> None:
    samples = np.arange(1, 8001, dtype=np.float32)
    played = Played()
    played.begin(1.0, Speech(samples, RATE), 1.0)
    played.hole(1.0 + at / RATE, length / RATE)
    second = at + length + later
    played.hole(1.0 + second / RATE, 0.1)
    line = np.zeros(40000, np.float32)
    once = np.concatenate([samples[:at], np.zeros(length, np.float32), samples[at:]])
    both = np.concatenate([once[:second], np.zeros(RATE // 10, np.float32), once[second:]])
    both = both if second < len(once) else once
    line[RATE : RATE + len(both)] = both
    left_as(line, 36000, played, block)


def test_after_the_speaker_ran_dry_the_canceller_is_not_to_be_trusted() -> None:
    class Dry(MemorySpeaker):
        broke: float | None = None

    speaker = Dry(VirtualClock())
    echo = Echo(Subtracting(), speaker)
    speaker.play(Speech(np.full(60 * RATE, 0.1, np.float32), RATE))
    block = np.zeros(RATE, np.float32)
    echo.clean(block, 0.0)
    assert echo.settled
    speaker.broke = 0.5
    assert not echo.settled
    for second in range(1, 4):
        echo.clean(block, float(second))
        assert not echo.settled
    # What nobody plays teaches it nothing.
    echo.clean(block, 62.0)
    assert not echo.settled
    echo.clean(block, 5.0)
    assert echo.settled


def test_in_silence_samples_pass_untouched_and_cost_nothing() -> None:
    clock = VirtualClock()
    speaker, canceller = MemorySpeaker(clock), Subtracting()
    echo = Echo(canceller, speaker)
    heard = np.ones(_BLOCK, np.float32)
    assert echo.clean(heard, 0.0) is heard
    speaker.play(Speech(np.full(RATE, 0.5, np.float32), RATE))
    own = np.full(_BLOCK, 0.5 * 0.7**2, np.float32)
    np.testing.assert_allclose(echo.clean(own, 0.0), 0, atol=1e-6)
    # The room rings on for a while; then there is nothing to cancel any more.
    echo.clean(heard, 0.96)
    echo.clean(heard, 1.2)
    assert canceller.blocks == 3
    assert echo.clean(heard, 2.0) is heard
    assert canceller.blocks == 3
    echo.close()
    assert canceller.closed == 1


def _spoken(seed: int, seconds: float) -> Samples:
    """Noise with the pauses of speech."""
    rng = np.random.default_rng(seed)
    loud = np.repeat(rng.random(round(seconds * 10)) < 0.7, RATE // 10)
    return (rng.normal(0, 0.05, len(loud)) * loud).astype(np.float32)


def _room(seed: int) -> Samples:
    """60 ms of buffers, the direct path, and a tail of 0.1 s."""
    rng = np.random.default_rng(seed)
    tail = rng.normal(0, 0.1, RATE // 10) * np.exp(np.linspace(0, -6.9, RATE // 10))
    return np.concatenate([np.zeros(RATE * 60 // 1000), [1.0], tail]).astype(np.float32)


def _cleaned(heard: Samples, played: Samples) -> Samples:
    canceller = load_component("echo canceller", "webrtc")
    blocks = [
        canceller.cancel(heard[i : i + _BLOCK], played[i : i + _BLOCK])
        for i in range(0, len(heard), _BLOCK)
    ]
    canceller.close()
    return np.concatenate(blocks)


@pytest.mark.parametrize("seed", [0, 1])
def test_webrtc_takes_its_own_voice_out_of_a_room(seed: int) -> None:
    played = _spoken(seed, 3)
    heard = np.convolve(played, _room(seed))[: len(played)].astype(np.float32)
    left = _cleaned(heard, played)
    assert len(left) == len(heard)
    late = slice(2 * RATE, None)
    assert 10 * np.log10(np.mean(heard[late] ** 2) / np.mean(left[late] ** 2)) > 15


def test_webrtc_leaves_others_alone_where_nothing_is_played() -> None:
    heard = _spoken(2, 2)
    left = _cleaned(heard, np.zeros_like(heard))
    late = slice(RATE // 2, None)
    # A few milliseconds later, and as loud.
    both = np.correlate(left[late], heard[late][: -RATE // 50], "valid")
    assert both.max() > 0.9 * np.sum(heard[late][: -RATE // 50] ** 2)
