"""Two bundles in one fresh process, call by call in turns.

Usage: python -m edge_sdk.benchmarks.compare.pair ORDER.json OUTPUT.json
"""

from __future__ import annotations

import sys
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import msgspec

from edge_sdk.errors import EdgeError
from edge_sdk.runtimes.session import FusionSession

from ..profile.inputs import read_inputs
from ..profile.options import ProfileOptions
from ..profile.subject import CPU, TOTAL, Subject, needs, subject_of
from ..rounds import interleave

WARM_CALLS = 10


class PairOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What to run.

    Attributes:
        first: a bundle's path.
        second: another's.
        options: for both; ``calls`` of each bundle.
        block: calls of each bundle that make one ratio.
        slowed: the share by which the second is made slower by a busy loop, to see whether a
            comparison notices.
    """

    first: str
    second: str
    options: ProfileOptions
    block: int = 10
    slowed: float = 0.0


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Ratios second over first by stage, one a block; and medians in milliseconds, both."""

    ratios: dict[str, list[float]]
    first: dict[str, float]
    second: dict[str, float]


def run_pair(order: PairOrder) -> Pair:
    """Measure in this process, which should be fresh."""
    options = order.options
    how: dict[str, Any] = {"engine": options.engine, "threads": options.threads, "check": False}
    with (
        FusionSession.open(order.first, **how) as one,
        FusionSession.open(order.second, **how) as two,
    ):
        # Both are asked the same: the samples of the first, if none are given.
        given, _ = read_inputs(one.bundle, needs(one, options.part), options.samples)
        first = _timed(subject_of(one, options.part))
        second = _timed(subject_of(two, options.part), order.slowed)
        turn = cycle([sample.values for sample in given])
        interleave(first, second, islice(turn, WARM_CALLS))
        ratios: dict[str, list[float]] = {}
        every: list[tuple[dict[str, float], dict[str, float]]] = []
        for _ in range(max(1, options.calls // order.block)):
            pairs = interleave(first, second, islice(turn, order.block))
            every += pairs
            for stage in pairs[0][0]:
                if stage in pairs[0][1]:
                    a, b = (median(pair[side][stage] for pair in pairs) for side in (0, 1))
                    ratios.setdefault(stage, []).append(b / max(a, 1e-9))
    return Pair(ratios=ratios, first=_medians(every, 0), second=_medians(every, 1))


def _timed(subject: Subject, slowed: float = 0.0) -> Subject:
    """The subject with its total taken from outside, and a busy loop after it if it is slowed."""

    def call(values: dict[str, Any]) -> dict[str, float]:
        busy, started = process_time(), perf_counter()
        stages = subject(values)
        ended = perf_counter()
        if slowed:
            until = ended + slowed * (ended - started)
            while perf_counter() < until:
                pass
            ended = perf_counter()
        spent = (process_time() - busy) * 1e3
        return {**stages, TOTAL: (ended - started) * 1e3, CPU: spent}

    return call


def _medians(pairs: list[tuple[dict[str, float], dict[str, float]]], side: int) -> dict[str, float]:
    return {stage: median(pair[side][stage] for pair in pairs) for stage in pairs[0][side]}


def main(order: str, output: str) -> int:
    """Write a :class:`Pair`, or the sentence that says why there is none."""
    try:
        wanted = msgspec.json.decode(Path(order).read_bytes(), type=PairOrder)
        content = msgspec.json.encode(run_pair(wanted))
    except EdgeError as error:
        content = msgspec.json.encode({"error": str(error), "kind": error.kind})
    Path(output).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
