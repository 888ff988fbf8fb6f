"""A live stream on a machine that gets too busy, with the governor and without; virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edge_sdk import FusionSession
from edge_sdk.runtimes.capture import Clock
from edge_sdk.runtimes.engines.onnxruntime import OnnxRuntimeEngine
from edge_sdk.runtimes.governor import Governor, LadderGovernor, default_policy
from edge_sdk.runtimes.probes.vitals import Vitals
from edge_sdk.runtimes.streaming.events import Decision, Moved, StreamEvent
from edge_sdk.runtimes.streaming.live import LiveStream

from .streams import Devices, decisions, until

DEADLINE = 0.25
#: Seconds on an idle core for a picture: six tenths of it at ten pictures a second.
PICTURE = {"full": 0.060, "small": 0.027}
#: Two other programs want the core in this time, so a third of it is left.
BUSY = (105.0, 140.0)
WELL = Vitals(
    temperature=50.0,
    throttled=False,
    reasons=(),
    resident=1,
    available=1 << 30,
    cpu=0.6,
    machine=0.6,
)


class Machine:
    """Pictures take their time on the clock of the stream; how much depends on rung and load."""

    def __init__(self) -> None:
        self.clock: Clock | None = None
        self.session: FusionSession | None = None

    def busy(self) -> bool:
        assert self.clock is not None
        return BUSY[0] <= self.clock.now() < BUSY[1]

    def read(self) -> Vitals:
        return msgspec.structs.replace(WELL, machine=1000.0 if self.busy() else 0.6)

    def work(self, inputs: dict[str, Any]) -> None:
        picture = any(np.ndim(value) == 4 for value in inputs.values())
        if picture and self.clock is not None and self.session is not None:
            self.clock.sleep(PICTURE[self.session.rung] * (3 if self.busy() else 1))


class Heavy:
    """A graph that takes its time."""

    def __init__(self, graph: Any, machine: Machine) -> None:
        self._graph, self._machine = graph, machine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)

    def run(self, inputs: Any) -> Any:
        self._machine.work(inputs)
        return self._graph.run(inputs)

    def bind(self, inputs: Any, outputs: Any) -> Callable[[], None]:
        bound: Callable[[], None] = self._graph.bind(inputs, outputs)
        return bound


@pytest.fixture
def machine(ladder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine()
    load = OnnxRuntimeEngine.load
    monkeypatch.setattr(OnnxRuntimeEngine, "load", lambda *args: Heavy(load(*args), made))
    with FusionSession.open(ladder) as session:
        session.prepare()
        made.session = session
        yield made


def stream(machine: Machine, governor: Governor | None, seconds: float) -> list[StreamEvent]:
    assert machine.session is not None
    devices = Devices()
    machine.clock = devices.clock
    with LiveStream(
        machine.session,
        microphone=devices.microphone,
        camera=devices.camera,
        governor=governor,
        deadline=DEADLINE,
        sensors=lambda: machine,
    ) as running:
        return until(running, seconds)


def late(events: list[StreamEvent], first: float, last: float) -> float:
    made = [one for one in decisions(events) if first <= one.time < last]
    assert len(made) > 2 * (last - first)
    return sum(one.late for one in made) / len(made)


def test_with_the_governor_decisions_stay_inside_the_deadline(machine: Machine) -> None:
    alone = stream(machine, None, 41.0)
    # On the idle core the model is inside the deadline; with a third of it, it is not.
    assert late(alone, 101.0, 104.0) == 0
    assert late(alone, 106.0, 140.0) > 0.5
    governor = LadderGovernor(default_policy(("full", "small", "audio-only"), ("audio-only",)))
    governed = stream(machine, governor, 120.0)
    moves = [event for event in governed if isinstance(event, Moved)]
    settled = [event.time for event in moves if event.time < BUSY[1]][-1]
    # It falls level by level, and knows of each before the next.
    assert settled < BUSY[0] + 8
    assert late(governed, settled + 1, BUSY[1]) <= 0.05
    # It still sees, on a cheaper rung, and comes back when the others have gone.
    seeing = [e for e in governed if isinstance(e, Decision) and settled < e.time < BUSY[1]]
    assert {one.rung for one in seeing} == {"small"}
    assert "image" in seeing[-1].prediction.used
    assert moves[-1].after == "full"
    assert late(governed, moves[-1].time + 1, 220.0) == 0
