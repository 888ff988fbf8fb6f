"""CPU time of ``edge-sdk --help``."""

from __future__ import annotations

from collections.abc import Iterator

from ..bench import Bench
from ..figure import Figure, Reading
from ..process import edge_sdk, measure_success

LIMIT_MS = 150.0
ROUNDS = 10


def measure(bench: Bench) -> Iterator[Reading]:
    """User and system time of warm runs (the first is thrown away)."""
    runs = [measure_success(edge_sdk("--help")) for _ in range(bench.rounds(ROUNDS) + 1)]
    yield Reading(
        what="edge-sdk --help: CPU time",
        unit="ms",
        values=tuple(run.cpu_seconds * 1e3 for run in runs[1:]),
        limit=LIMIT_MS,
        detail="user and system, warm; the limit is meant for an idle machine",
    )


FIGURE = Figure("cli-help", "CPU time of edge-sdk --help", measure)
