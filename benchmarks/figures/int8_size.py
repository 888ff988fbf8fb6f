"""int8 against fp32: bytes."""

from __future__ import annotations

from collections.abc import Iterator

from ..bench import Bench
from ..figure import Figure, Reading

LIMIT_GRAPHS, LIMIT_FILE = 0.30, 0.5


def measure(bench: Bench) -> Iterator[Reading]:
    """The graphs, and the whole bundle with its golden samples."""
    fp32, int8 = bench.bundle("fp32"), bench.bundle("int8")
    sizes = {
        "graphs": (int8.report.measured.size, fp32.report.measured.size, LIMIT_GRAPHS),
        "whole .edge file": (int8.path.stat().st_size, fp32.path.stat().st_size, LIMIT_FILE),
    }
    for what, (small, large, limit) in sizes.items():
        yield Reading(
            what=f"int8 against fp32: size of the {what}",
            unit="x",
            values=(small / large,),
            limit=limit,
            detail=f"{small / 1e3:.0f} of {large / 1e3:.0f} kB",
        )


FIGURE = Figure("int8-size", "size of the bundle, int8 against fp32", measure)
