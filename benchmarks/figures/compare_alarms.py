"""How often a comparison of equal bundles raises an alarm, and misses a planted slowdown."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ..bench import ENGINE, Bench
from ..compare.budgets import USUAL
from ..compare.bundles import BundlesOptions, measure_pairs
from ..compare.comparison import change_of
from ..compare.intervals import ratio_of_pairs
from ..figure import Figure, Reading

ROUNDS = 20
PLANTED = 0.10
_METRICS = ("total", "cpu")


def measure(bench: Bench) -> Iterator[Reading]:
    """A bundle against itself, as it is and with a busy loop of a tenth of each call's time."""
    path = bench.bundle().path
    count = bench.rounds(ROUNDS)
    alarms: dict[float, list[bool]] = {0.0: [], PLANTED: []}
    seen: dict[float, list[float]] = {0.0: [], PLANTED: []}
    for _ in range(count):
        for slowed in alarms:
            options = BundlesOptions(engine=ENGINE, slowed=slowed)
            pairs = measure_pairs(path, path, options)
            ratios = {m: ratio_of_pairs([pair.ratios[m] for pair in pairs]) for m in _METRICS}
            changes = {m: change_of(r, USUAL[f"{m}.p50_ms"])[0] for m, r in ratios.items()}
            alarms[slowed].append("worse" in changes.values())
            seen[slowed].append(ratios["total"].value)
    one_in_twenty = max(1.0, count / 20)
    for slowed, what, wrong in (
        (0.0, "alarms in comparisons of a bundle with itself", True),
        (PLANTED, f"planted slowdowns of {PLANTED:.0%} that were missed", False),
    ):
        yield Reading(
            what=f"{what}, of {count}",
            unit="",
            values=(float(sum(alarm is wrong for alarm in alarms[slowed])),),
            limit=one_in_twenty,
            goal=0.0,
            detail=f"median of the ratios {median(seen[slowed]):.3f}, from "
            f"{min(seen[slowed]):.3f} to {max(seen[slowed]):.3f}",
        )


FIGURE = Figure("compare-alarms", "false alarms and misses of edge-sdk compare", measure)
