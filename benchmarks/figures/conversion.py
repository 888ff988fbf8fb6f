"""What a whole conversion of the checkpoint takes when nothing is cached."""

from __future__ import annotations

from collections.abc import Iterator

from ..bench import Bench
from ..figure import Figure, Reading

LIMIT_CPU_SECONDS = 120.0
LIMIT_MB = 1500.0
ROUNDS = 3


def measure(bench: Bench) -> Iterator[Reading]:
    """CPU time of all its processes, and the peak of the largest one."""
    runs = []
    for number in range(bench.rounds(ROUNDS)):
        name = f"conversion-{number}"
        runs.append(bench.convert("auto", cache=bench.scratch / name, name=name).usage)
    yield Reading(
        what="whole conversion, empty cache: CPU time",
        unit="s",
        values=tuple(run.cpu_seconds for run in runs),
        limit=LIMIT_CPU_SECONDS,
        detail=f"with the gate on {len(bench.held_out)} held-out samples",
    )
    yield Reading(
        what="whole conversion, empty cache: peak memory",
        unit="MB",
        values=tuple(run.peak_bytes / 1e6 for run in runs),
        limit=LIMIT_MB,
        detail="the largest process",
    )


FIGURE = Figure("conversion", "CPU time and peak memory of a whole conversion", measure)
