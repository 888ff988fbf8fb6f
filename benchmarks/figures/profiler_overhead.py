"""What the profiler itself adds to the median it reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from statistics import median
from time import perf_counter, process_time
from typing import Any

from edge_sdk import FusionSession
from edge_sdk.runtimes.probes import find_probes

from ..bench import ENGINE, Bench
from ..figure import Figure, Reading
from ..profile.inputs import read_inputs
from ..profile.sampler import Sampler
from ..profile.subject import TOTAL, subject_of
from ..profile.within import Within
from ..rounds import interleave
from ..spread import ratios

LIMIT = 1.02
ROUNDS = 25
# A round is many short turns: what others on the machine do meets both sides alike. Each turn
# begins with a new thread of the sampler, which in a profile comes once in a hundred calls.
_TURNS, _CALLS = 8, 25

#: Milliseconds of each answer, and of the same with all that the loop does for it.
Spent = list[tuple[float, float]]


def measure(bench: Bench) -> Iterator[Reading]:
    """The same answers in turns: as the profiler calls them, and called plainly.

    What counts is the time that the profiler reports, against that of the same answers with no
    profiler. What it does between two answers is no part of either; it is told beside them.
    """
    probes = find_probes()
    with FusionSession.open(bench.bundle().path, engine=ENGINE) as session:
        given, _ = read_inputs(session.bundle, session.modalities, bench.held_out.root)
        subject, within = subject_of(session, None), Within(session)

        def profiled(inputs: list[dict[str, Any]]) -> Spent:
            found: dict[str, list[float]] = {}
            spent = []
            with Sampler(probes):
                for values in inputs:
                    started = perf_counter()
                    process_time()
                    told = subject(values)
                    for stage, ms in told.items():
                        found.setdefault(stage, []).append(ms)
                    within.keep()
                    process_time()
                    spent.append((told[TOTAL], (perf_counter() - started) * 1e3))
            return spent

        def plain(inputs: list[dict[str, Any]]) -> Spent:
            spent = []
            for values in inputs:
                started = perf_counter()
                session.forget()
                called = perf_counter()
                session.infer(**values)
                ended = perf_counter()
                spent.append(((ended - called) * 1e3, (ended - started) * 1e3))
            return spent

        source = cycle(one.values for one in given)
        pairs, loops = [], []
        for _ in range(bench.rounds(ROUNDS) + 1):
            turns = interleave(
                profiled, plain, [list(islice(source, _CALLS)) for _ in range(_TURNS)]
            )
            ours, theirs = _joined(turns)
            pairs.append((_p50(ours, 0), _p50(theirs, 0)))
            loops.append((_p50(ours, 1), _p50(theirs, 1)))
        del pairs[0], loops[0]  # they warmed up
    yield Reading(
        what="p50 of answers as the profiler reports it, against the same answers without it",
        unit="x",
        values=ratios(pairs),
        limit=LIMIT,
        detail=f"{_TURNS * _CALLS} calls a round; plain {median(b for _, b in pairs):.3f} ms; with "
        f"what is done between two answers {median(ratios(loops)):.3f} x",
    )


def _joined(turns: Sequence[tuple[Spent, Spent]]) -> tuple[Spent, Spent]:
    ours, theirs = zip(*turns, strict=True)
    return [one for turn in ours for one in turn], [one for turn in theirs for one in turn]


def _p50(spent: Spent, which: int) -> float:
    return median(one[which] for one in spent)


FIGURE = Figure("profiler-overhead", "what the profiler adds to the median it reports", measure)
