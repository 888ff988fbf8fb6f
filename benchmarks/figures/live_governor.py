"""Whether the governor keeps a live stream inside its deadline on a machine that is too busy.

The model is one that the machine can just carry: on an idle core its decisions are inside the
deadline with room to spare, and it takes about half of the core. Then two programs that compute
for nothing share that core (twice as many as cores), and a third of it is left.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from edge_sdk import FusionSession
from edge_sdk.runtimes.governor import LadderGovernor, default_policy

from ..bench import ENGINE, Bench
from ..figure import Figure, Reading
from .heavy_bundle import heavy_bundle
from .live_stream import Streamed, record, stream

ROUNDS = 3
SECONDS = 24.0
#: What ``edge-sdk stream`` takes without a word.
DEADLINE = 0.25
#: Seconds before the governor is judged: it has to see trouble first, and goes a level at a time.
SETTLED = 12.0
#: Busy programs a core.
BUSY = 2
_SPIN = "while True: pass"


class _Ages(NamedTuple):
    late: float
    p95: float


def measure(bench: Bench) -> Iterator[Reading]:
    """With and without it, in turns, on one core with two busy programs.

    Raises:
        DeviceError: the heavy model cannot be made.
    """
    with_it: list[_Ages] = []
    without: list[_Ages] = []
    level = ""
    with FusionSession.open(heavy_bundle(bench), engine=ENGINE) as session, one_core():
        recorded = record(bench, session, SECONDS)
        blind = [rung for rung in session.rungs if rung == "audio-only"]
        policy = default_policy(session.rungs, blind)
        alone = _ages(stream(session, recorded, deadline=DEADLINE))
        whole = []
        with busy(BUSY):
            for _ in range(bench.rounds(ROUNDS)):
                without.append(_ages(stream(session, recorded, deadline=DEADLINE)))
                governor = LadderGovernor(policy)
                governed = stream(session, recorded, deadline=DEADLINE, governor=governor)
                session.rung = session.rungs[0]
                level = governed.level
                whole.append(governed.late(DEADLINE))
                with_it.append(_ages(governed))
    load = (
        f"deadline {DEADLINE * 1e3:.0f} ms, the default of edge-sdk stream; one core, "
        f"{BUSY} busy programs on it; on the idle core {100 * alone.late:.0f} % are late and the "
        f"p95 age is {alone.p95 * 1e3:.0f} ms"
    )
    yield Reading(
        what="live stream under 2x oversubscription with the governor: decisions past the deadline",
        unit="%",
        values=tuple(100 * ages.late for ages in with_it),
        limit=5.0,
        detail=(
            f"{load}; without the governor {_middle([100 * a.late for a in without]):.0f} %; after "
            f"{SETTLED:.0f} s, when it was at {level!r} "
            f"(of all {SECONDS:.0f} s, {100 * _middle(whole):.0f} %)"
        ),
    )
    yield Reading(
        what="live stream under 2x oversubscription: p95 data age with the governor against the "
        "deadline",
        unit="x",
        values=tuple(ages.p95 / DEADLINE for ages in with_it),
        limit=1.0,
        detail=f"without the governor {_middle([a.p95 / DEADLINE for a in without]):.2f} x",
    )


def _ages(streamed: Streamed) -> _Ages:
    ages = np.array([age for age, _ in streamed.decisions])[np.array(streamed.times) > SETTLED]
    return _Ages(float((ages > DEADLINE).mean()), float(np.quantile(ages, 0.95)))


def _middle(values: list[float]) -> float:
    return float(np.median(values))


@contextmanager
def one_core() -> Iterator[None]:
    """Binds this thread, and what it starts, to one core: the same load on any machine."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that compute for nothing."""
    running = [subprocess.Popen([sys.executable, "-S", "-c", _SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


FIGURE = Figure("live-governor", "a live stream on a busy machine, with the governor", measure)
