"""Whether the governor keeps a live stream inside its deadline on a machine that is too busy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from edge_sdk import FusionSession
from edge_sdk.runtimes.governor import Down, LadderGovernor, Policy, Up, default_policy

from ..bench import ENGINE, Bench
from ..figure import Figure, Reading
from .live_stream import record, stream

ROUNDS = 3
SECONDS = 20.0
#: Pictures a second that are wanted: more than there is time for on the busy machine.
_FPS = 15.0
#: Decisions before the governor is judged: it has to see trouble first.
_SETTLED = 60
_SPIN = "while True: pass"


def measure(bench: Bench) -> Iterator[Reading]:
    """With and without, in turns; busy processes twice the number of cores.

    The deadline is twice the p95 data age on the machine as it was before.
    """
    with_it, without = [], []
    level = ""
    with FusionSession.open(bench.bundle().path, engine=ENGINE) as session:
        recorded = record(bench, session, SECONDS)
        calm = np.array(stream(session, recorded, camera_fps=_FPS).decisions)
        deadline = 2 * float(np.quantile(calm[:, 0], 0.95))
        levels = default_policy(session.rungs).levels
        policy = Policy(period=0.5, down=Down(seconds=0.5), up=Up(seconds=30), levels=levels)
        with busy(2 * len(os.sched_getaffinity(0))):
            for _ in range(bench.rounds(ROUNDS)):
                alone = stream(session, recorded, deadline=deadline, camera_fps=_FPS)
                session.rung = session.rungs[0]
                governed = stream(
                    session,
                    recorded,
                    governor=LadderGovernor(policy),
                    deadline=deadline,
                    camera_fps=_FPS,
                )
                session.rung = session.rungs[0]
                level = governed.level
                without.append(alone.late(deadline))
                with_it.append(_settled(governed.decisions, deadline))
    yield Reading(
        what="live stream under 2x oversubscription with the governor: decisions past the deadline",
        unit="%",
        values=tuple(100 * share for share in with_it),
        limit=5.0,
        detail=(
            f"deadline {deadline * 1e3:.0f} ms; without the governor "
            f"{100 * float(np.median(without)):.1f} %; it ended at {level!r}"
        ),
    )


def _settled(decisions: tuple[tuple[float, float], ...], deadline: float) -> float:
    late = [age > deadline for age, _ in decisions[_SETTLED:]]
    return sum(late) / max(1, len(late))


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
