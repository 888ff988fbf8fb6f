"""Samples that are lost have a place: simulated devices on a virtual clock."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_sdk.errors import CaptureError
from edge_sdk.runtimes.capture import (
    AudioBlock,
    Back,
    Microphone,
    Retrying,
    SamplesLost,
    SimulatedInput,
    Stalled,
    Unplugged,
    VirtualClock,
)

#: The ramp that is heard begins anew after so many samples.
RAMP = 30000


def ramp(first: int, count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Each sample says its own place on the device's time line."""
    return ((np.arange(first, first + count) % RAMP) / 32768).astype(np.float32)[:, None]


def listen(
    seconds: float, *, rate: int = 16000, **told: Any
) -> tuple[Microphone, list[AudioBlock]]:
    clock = VirtualClock(start=100.0)
    spans = {
        name: [(100 + begin, 100 + end) for begin, end in told.pop(name)]
        for name in ("gaps", "flagged", "unplugged")
        if name in told
    }
    options = {name: told.pop(name) for name in ("longest_fill", "give_up_seconds") if name in told}
    microphone = Microphone(SimulatedInput(clock, ramp, rate=rate, **spans, **told), **options)
    microphone.start()
    blocks = []
    while clock.now() < 100 + seconds:
        block = microphone.read(timeout=0.5)
        if block is not None:
            blocks.append(block)
    return microphone, blocks


def misplaced(blocks: list[AudioBlock]) -> int:
    """The most samples that anything heard is away from its place."""
    worst = 0
    for block in blocks:
        if not block.lost:
            places = np.arange(block.position, block.position + len(block.samples)) % RAMP
            off = (np.round(block.samples[:, 0] * 32768).astype(int) - places) % RAMP
            worst = max(worst, int(np.minimum(off, RAMP - off).max()))
    return worst


def contiguous(blocks: list[AudioBlock]) -> bool:
    expected = 0
    for block in blocks:
        if block.position != expected + block.skipped:
            return False
        expected = block.position + len(block.samples)
    return True


def test_a_good_device_loses_nothing() -> None:
    microphone, blocks = listen(15, jitter=0.003)
    assert misplaced(blocks) == 0
    assert contiguous(blocks)
    assert microphone.counters().lost == microphone.counters().overruns == 0
    assert not microphone.events()


@pytest.mark.parametrize(("kind", "reason"), [("gaps", "gap"), ("flagged", "overrun")])
def test_a_gap_is_silence_in_its_place(kind: str, reason: str) -> None:
    microphone, blocks = listen(10, jitter=0.001, **{kind: [(2.0, 2.3)]})
    (event,) = microphone.events()
    assert isinstance(event, SamplesLost)
    assert event.reason == reason
    assert event.position == pytest.approx(32000, abs=1)
    assert event.samples == pytest.approx(4800, abs=30)
    counters = microphone.counters()
    assert counters.silence == counters.lost == event.samples == sum(b.lost for b in blocks)
    assert misplaced(blocks) <= 30
    assert contiguous(blocks)
    silent = [b for b in blocks if b.lost == len(b.samples)]
    assert silent
    assert not any(block.samples.any() for block in silent)


def test_a_long_gap_is_a_jump_that_is_told() -> None:
    microphone, blocks = listen(12, gaps=[(2.0, 7.0)], longest_fill=2.0)
    jumps = [(block.skipped, round(block.time, 3)) for block in blocks if block.skipped]
    assert jumps == [(80000, 107.0)]
    assert contiguous(blocks)
    assert misplaced(blocks) == 0
    assert microphone.counters().lost == 80000
    assert microphone.counters().silence == 0
    kinds = [type(event) for event in microphone.events()]
    assert kinds == [Stalled, SamplesLost]


def test_a_cable_that_is_pulled_and_put_back() -> None:
    microphone, blocks = listen(12, unplugged=[(2.0, 5.0)], longest_fill=10.0)
    kinds = [type(event) for event in microphone.events()]
    assert kinds == [Unplugged, Retrying, Retrying, Retrying, Back, SamplesLost]
    assert contiguous(blocks)
    assert misplaced(blocks) <= 1
    counters = microphone.counters()
    assert counters.reconnects == 1
    assert counters.silence == counters.lost > 3 * 16000


def test_a_device_that_stays_away_is_given_up() -> None:
    with pytest.raises(CaptureError, match="was given up"):
        listen(60, unplugged=[(2.0, 1e9)], give_up_seconds=20.0)


def test_late_deliveries_are_not_lost_ones() -> None:
    # By 40 ms on average, and by some tenths of a second now and then.
    microphone, blocks = listen(60, jitter=0.04)
    assert misplaced(blocks) == 0
    assert microphone.counters().lost == 0


@settings(max_examples=25, deadline=None)
@given(
    spans=st.lists(
        st.tuples(st.floats(0.2, 8.0), st.floats(0.12, 1.5), st.sampled_from(["gaps", "flagged"])),
        max_size=3,
    ),
    ppm=st.floats(-200, 200),
    rate=st.sampled_from([16000, 44100, 48000]),
    seed=st.integers(0, 9),
)
def test_whatever_is_lost_the_time_line_stays_true(
    spans: list[tuple[float, float, str]], ppm: float, rate: int, seed: int
) -> None:
    told: dict[str, list[tuple[float, float]]] = {"gaps": [], "flagged": []}
    for begin, length, kind in spans:
        told[kind].append((begin, begin + length))
    microphone, blocks = listen(
        11, rate=rate, drift_ppm=ppm, jitter=0.001, seed=seed, longest_fill=0.5, **told
    )
    assert contiguous(blocks)
    counters = microphone.counters()
    skipped = sum(block.skipped for block in blocks)
    assert counters.lost >= counters.silence
    assert counters.blocks == len(blocks)
    # All of the eleven seconds has a place, whether it was heard or not.
    covered = sum(len(block.samples) for block in blocks) + skipped
    assert covered / 16000 == pytest.approx(11.0, abs=0.75)
    for block in blocks[5:]:
        assert block.time == pytest.approx(100 + block.position / 16000, abs=0.03)
