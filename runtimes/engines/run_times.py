"""Where the time of one run of a graph goes: to the engine, and to the way in and out of it."""

from __future__ import annotations

from typing import NamedTuple

#: Moments of one run by :func:`time.perf_counter`: entered, the engine called, returned from it,
#: left. A plain tuple, as they are taken at every run; what lies between is told where one asks.
Stamps = tuple[float, float, float, float]


class RunTimes(NamedTuple):
    """Milliseconds of one run.

    Attributes:
        inputs: they are held against the graph and, where the engine has them do so, copied into
            its memory.
        invoke: the engine's own call, and nothing else; what the engine's own tools time.
        outputs: copied out of its memory and named.
    """

    inputs: float
    invoke: float
    outputs: float


def one_call(called: float, returned: float) -> Stamps:
    """Of an engine that takes arrays as they are and makes those it gives: all is its own call."""
    return called, called, returned, returned


def run_times(stamps: Stamps) -> RunTimes:
    """What lies between the moments of a run."""
    entered, called, returned, left = stamps
    return RunTimes(
        inputs=(called - entered) * 1e3,
        invoke=(returned - called) * 1e3,
        outputs=(left - returned) * 1e3,
    )
