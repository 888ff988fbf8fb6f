"""The ring between the thread that captures and the one that reads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.capture.ring import Ring, Signal

CAPACITY = 13


class RingMachine(RuleBasedStateMachine):
    """Rows are numbered: each comes once, in order, in its place, or is counted as lost."""

    def __init__(self) -> None:
        super().__init__()
        self.ring = Ring(CAPACITY, 2, np.int64)
        self.written = 0
        self.expected = 0
        self.lost = 0
        self.got = 0

    @rule(count=st.integers(0, 3 * CAPACITY))
    def write(self, count: int) -> None:
        rows = np.arange(self.written, self.written + count)
        self.ring.write(np.stack([rows, -rows], axis=1))
        self.written += count

    @rule(most=st.integers(0, 2 * CAPACITY))
    def read(self, most: int) -> None:
        position, rows = self.ring.read(most)
        oldest = max(self.expected, self.written - CAPACITY)
        count = min(most, self.written - oldest)
        assert position == oldest
        assert rows[:, 0].tolist() == list(range(oldest, oldest + count))
        assert rows[:, 1].tolist() == [-row for row in range(oldest, oldest + count)]
        self.lost += oldest - self.expected
        self.got += count
        self.expected = oldest + count
        # What was read is the reader's own.
        rows[:] = -1

    @invariant()
    def nothing_goes_uncounted(self) -> None:
        assert self.ring.lost == self.lost
        assert self.ring.position == self.expected == self.got + self.lost
        assert self.ring.written == self.written


RingMachine.TestCase.settings = settings(max_examples=60, deadline=None)
TestRing = RingMachine.TestCase


def hammer(pairs: int, rows: int) -> None:
    """Many pairs of writers and readers at once; every row must come whole, once, or be lost."""
    failures: list[str] = []

    def pair(seed: int) -> tuple[threading.Thread, threading.Thread]:
        rng = np.random.default_rng(seed)
        ring, signal, done = Ring(64, 3, np.int64), Signal(), threading.Event()
        sizes = rng.integers(1, 40, rows)

        def write() -> None:
            position = 0
            for size in sizes:
                numbers = np.arange(position, position + size)
                ring.write(np.stack([numbers, numbers * 2, numbers * 3], axis=1))
                signal.set()
                position += int(size)
            done.set()
            signal.set()

        def read() -> None:
            expected = got = 0
            while True:
                ended = done.is_set()
                position, block = ring.read(24)
                numbers = np.arange(position, position + len(block))
                whole = np.stack([numbers, numbers * 2, numbers * 3], axis=1)
                if position < expected or not np.array_equal(block, whole):
                    failures.append(f"{position} after {expected}: {block[:3]}")
                    return
                expected = position + len(block)
                got += len(block)
                if not len(block):
                    if ended:
                        break
                    signal.wait(1.0)
            if got + ring.lost != int(sizes.sum()):
                failures.append(f"{got} came and {ring.lost} were lost of {sizes.sum()}")

        return threading.Thread(target=write), threading.Thread(target=read)

    threads = [thread for seed in range(pairs) for thread in pair(seed)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]


def test_a_writer_and_a_reader_at_once() -> None:
    hammer(pairs=2, rows=2000)


@pytest.mark.slow
def test_many_writers_and_readers_at_once() -> None:
    hammer(pairs=16, rows=30_000)


def test_a_ring_needs_room() -> None:
    with pytest.raises(UsageError):
        Ring(0, 1, np.uint8)


def test_a_signal_is_not_lost_and_not_kept_twice() -> None:
    signal = Signal()
    signal.set()
    signal.set()
    assert signal.wait(0)
    assert not signal.wait(0)
    assert not signal.wait(-1)
