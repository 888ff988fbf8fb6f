"""int8 against fp32: what every head loses on the held-out samples."""

from __future__ import annotations

from collections.abc import Iterator

from edge_sdk.errors import DataError

from ..bench import Bench
from ..figure import Figure, Reading

LIMIT_POINTS = 1.0


def measure(bench: Bench) -> Iterator[Reading]:
    """One reading a head: points of macro-F1 that the fp32 bundle is ahead of the int8 one."""
    fp32 = bench.bundle("fp32").report.measured.quality
    int8 = bench.bundle("int8").report.measured.quality
    for head, base in fp32.heads.items():
        if not base.samples:
            raise DataError(f"The held-out samples carry no label of the head {head}.")
        before, after = base.shipped.macro_f1, int8.heads[head].shipped.macro_f1
        yield Reading(
            what=f"int8 against fp32, {head}: macro-F1 lost",
            unit="points",
            values=((before - after) * 100,),
            limit=LIMIT_POINTS,
            detail=f"{base.samples} held-out samples; fp32 {before:.4f}, int8 {after:.4f}",
        )


FIGURE = Figure("int8-accuracy", "macro-F1 a head, int8 against fp32", measure)
