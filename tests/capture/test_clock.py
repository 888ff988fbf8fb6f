"""The clocks that capture stamps on."""

from __future__ import annotations

import time

import pytest

from edge_sdk.runtimes.capture import MonotonicClock, VirtualClock
from edge_sdk.runtimes.capture.events import EventQueue, Stalled


def test_an_hour_on_the_virtual_clock_passes_at_once() -> None:
    clock = VirtualClock(start=5.0)
    before = time.monotonic()
    clock.sleep(3600)
    clock.sleep(-1)
    assert clock.now() == 3605.0
    assert time.monotonic() - before < 3600


def test_the_virtual_clock_never_goes_back() -> None:
    clock = VirtualClock()
    clock.move_to(2.0)
    clock.move_to(1.0)
    assert clock.now() == 2.0


def test_the_system_clock_does_not_move_the_monotonic_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = MonotonicClock()
    before = clock.now()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert before <= clock.now() < before + 3600


def test_an_event_queue_keeps_the_newest() -> None:
    queue = EventQueue(capacity=3)
    for second in range(5):
        queue.put(Stalled(source="mic", time=float(second), seconds=1.0))
    assert [event.time for event in queue.take()] == [2.0, 3.0, 4.0]
    assert queue.take() == ()
