"""CPU time that ``import edge_sdk`` adds to a bare interpreter."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from statistics import median

from ..bench import Bench
from ..figure import Figure, Reading
from ..process import measure_success
from ..rounds import interleave
from ..spread import differences

LIMIT_MS = 50.0
ROUNDS = 15


def measure(bench: Bench) -> Iterator[Reading]:
    """User and system time, against ``python -c pass`` in turns."""
    _cpu_ms("import edge_sdk")  # warm
    pairs = interleave(
        lambda _: _cpu_ms("import edge_sdk"),
        lambda _: _cpu_ms("pass"),
        range(bench.rounds(ROUNDS)),
    )
    yield Reading(
        what="import edge_sdk: CPU time over a bare interpreter",
        unit="ms",
        values=differences(pairs),
        limit=LIMIT_MS,
        detail=f"{median(a for a, _ in pairs):.1f} against {median(b for _, b in pairs):.1f} ms",
    )


def _cpu_ms(code: str) -> float:
    return measure_success([sys.executable, "-c", code]).cpu_seconds * 1e3


FIGURE = Figure("import", "CPU time of import edge_sdk", measure)
