"""Live streams on a virtual clock: what happens where devices, engines and readers fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_sdk import FusionSession
from edge_sdk.errors import EngineError
from edge_sdk.runtimes.capture import Back, SamplesLost, Unplugged
from edge_sdk.runtimes.engines.onnxruntime import OnnxRuntimeEngine
from edge_sdk.runtimes.streaming.events import Captured, Decision, DecisionsLost, Ended, Failed
from edge_sdk.runtimes.streaming.options import StreamOptions

from .streams import HOP, Devices, decisions, until


def test_a_slow_reader_gets_the_newest_and_is_told_what_it_missed(session: FusionSession) -> None:
    devices = Devices()
    made, lost = [], 0
    with session.stream(microphone=devices.microphone, camera=devices.camera) as stream:
        for event in stream:
            if isinstance(event, DecisionsLost):
                lost += event.count
                assert event.total == lost
            if isinstance(event, Decision):
                made.append(event)
                devices.clock.sleep(1.0)
            if event.time > 130.0:
                break
    # A block of 80 ms may be on its way, whenever the reader comes back.
    assert all(one.data_age <= 2 * HOP for one in made)
    # Every hop was either answered or counted.
    assert lost + len(made) == pytest.approx(30 / HOP, abs=15)
    assert stream.counters().lost == lost
    audio = stream.counters().audio
    assert audio is not None
    assert audio.lost == 0


def test_a_clock_that_leaps_is_one_gap_and_no_flood_of_old_answers(session: FusionSession) -> None:
    # As where a machine was asleep: the sound of an hour is gone.
    devices = Devices(gaps=((102.0, 3702.0),))
    with session.stream(microphone=devices.microphone) as stream:
        until(stream, 1.9)
        devices.clock.sleep(3600.0)
        events = until(stream, 3606.0)
    told = [one.event for one in events if isinstance(one, Captured)]
    gap = sum(event.samples for event in told if isinstance(event, SamplesLost))
    assert gap == pytest.approx(3600 * 16000, rel=0.01)
    audio = stream.counters().audio
    assert audio is not None
    assert audio.lost == gap
    made = decisions(events)
    assert len(made) < 4 / HOP
    # Nothing from before the gap is in an answer after it.
    late = [one.window[0] for one in made if one.window is not None and one.time > 3700]
    assert late
    assert min(late) > 3699


def test_sound_that_waited_for_an_age_is_caught_up_with_at_once(session: FusionSession) -> None:
    devices = Devices()
    with session.stream(microphone=devices.microphone) as stream:
        until(stream, 1.0)
        devices.clock.sleep(20.0)
        made = decisions(until(stream, 21.5))
    assert stream.counters().lost == pytest.approx(20 / HOP, abs=3)
    assert made[0].data_age <= HOP
    assert made[0].window is not None
    assert made[0].window[1] > 120


def test_a_microphone_that_is_pulled_out_comes_back(session: FusionSession) -> None:
    devices = Devices(unplugged=((102.0, 106.0),))
    with session.stream(microphone=devices.microphone, camera=devices.camera) as stream:
        events = until(stream, 12.0)
    kinds = [type(one.event) for one in events if isinstance(one, Captured)]
    assert kinds.index(Unplugged) < kinds.index(Back)
    # Pictures are answered meanwhile, without sound that is no longer true.
    meanwhile = [one for one in decisions(events) if 103.5 < one.time < 106]
    assert {one.prediction.used for one in meanwhile} == {("image",)}
    assert decisions(events)[-1].prediction.used == ("audio", "image")


class Faulty:
    """A graph of an engine that raises while ``broken`` is true."""

    broken = False
    calls = 0

    def __init__(self, graph: Any) -> None:
        self._graph = graph

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)

    def run(self, inputs: Any) -> Any:
        Faulty.calls += 1
        if Faulty.broken:
            raise EngineError("The engine is on fire.")
        return self._graph.run(inputs)

    def bind(self, inputs: Any, outputs: Any) -> Callable[[], None]:
        run = self._graph.bind(inputs, outputs)

        def bound() -> None:
            Faulty.calls += 1
            if Faulty.broken:
                raise EngineError("The engine is on fire.")
            run()

        return bound


@pytest.fixture
def faulty(ladder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FusionSession]:
    load = OnnxRuntimeEngine.load
    monkeypatch.setattr(OnnxRuntimeEngine, "load", lambda *args: Faulty(load(*args)))
    monkeypatch.setattr(Faulty, "broken", False)
    with FusionSession.open(ladder) as session:
        yield session


def test_an_engine_that_raises_is_tried_again_and_the_stream_goes_on(
    faulty: FusionSession,
) -> None:
    devices = Devices()
    with faulty.stream(microphone=devices.microphone) as stream:
        before = decisions(until(stream, 1.0))[-1]
        Faulty.broken = True
        failed = [event for event in until(stream, 1.2) if isinstance(event, Failed)]
        Faulty.broken = False
        after = decisions(until(stream, 3.0))
    assert [event.in_a_row for event in failed] == [1, 2]
    assert {event.sentence for event in failed} == {"The engine is on fire."}
    assert stream.counters().failures == 2
    # What was heard before and meanwhile is not forgotten.
    assert after[0].window is not None
    assert before.window is not None
    assert after[0].window[0] <= before.window[0] + 1e-6
    assert after[0].number == before.number + 1


def test_an_engine_that_goes_on_raising_ends_the_stream_and_releases_all(
    faulty: FusionSession,
) -> None:
    devices = Devices()
    stream = faulty.stream(
        microphone=devices.microphone, camera=devices.camera, options=StreamOptions(failures=3)
    )
    next(stream)
    Faulty.broken = True
    events = list(stream)
    end = events[-1]
    assert isinstance(end, Ended)
    assert end.reason == "failed"
    assert "failed 3 times in a row: The engine is on fire." in end.sentence
    assert end.counters.failures >= 3
    assert (devices.microphone.state, devices.camera.state) == ("stopped", "stopped")
    assert not stream.running
