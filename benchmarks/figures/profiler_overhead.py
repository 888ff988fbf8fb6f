"""What the profiler itself adds to the median it reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
from ..profile.subject import subject_of
from ..rounds import interleave
from ..spread import ratios

LIMIT = 1.02
ROUNDS = 9
# A round is many short turns: what others on the machine do meets both sides alike.
_TURNS, _CALLS = 20, 10


def measure(bench: Bench) -> Iterator[Reading]:
    """The same answers in turns: as the profiler calls them, and called plainly."""
    probes = find_probes()
    with FusionSession.open(bench.bundle().path, engine=ENGINE) as session:
        given, _ = read_inputs(session.bundle, session.modalities, bench.held_out.root)
        subject = subject_of(session, None)

        def profiled(inputs: list[dict[str, Any]]) -> list[float]:
            found: dict[str, list[float]] = {}
            spent = []
            with Sampler(probes):
                for values in inputs:
                    started = perf_counter()
                    process_time()
                    for stage, ms in subject(values).items():
                        found.setdefault(stage, []).append(ms)
                    process_time()
                    spent.append((perf_counter() - started) * 1e3)
            return spent

        def plain(inputs: list[dict[str, Any]]) -> list[float]:
            spent = []
            for values in inputs:
                started = perf_counter()
                session.forget()
                session.infer(**values)
                spent.append((perf_counter() - started) * 1e3)
            return spent

        source = cycle(one.values for one in given)
        pairs = []
        for _ in range(bench.rounds(ROUNDS) + 1):
            turns = interleave(
                profiled, plain, [list(islice(source, _CALLS)) for _ in range(_TURNS)]
            )
            pairs.append((_p50(a for a, _ in turns), _p50(b for _, b in turns)))
        del pairs[0]  # it warmed up
    yield Reading(
        what="p50 of answers while they are profiled, against plain calls",
        unit="x",
        values=ratios(pairs),
        limit=LIMIT,
        detail=f"{_TURNS * _CALLS} calls a round; plain {median(b for _, b in pairs):.3f} ms",
    )


def _p50(turns: Iterable[list[float]]) -> float:
    return median(value for one in turns for value in one)


FIGURE = Figure("profiler-overhead", "what the profiler adds to the median it reports", measure)
