"""Whether the profiler's median of a part is that of a bare loop over the engine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from statistics import median
from time import perf_counter
from typing import Any

from edge_sdk import FusionSession

from ..bench import ENGINE, Bench
from ..figure import Figure, Reading
from ..graphs import unpack_graphs
from ..profile.inputs import read_inputs
from ..profile.subject import subject_of
from ..rounds import interleave

LIMIT = 1.05
ROUNDS = 15
_CALLS = 30
_PARTS = ("audio", "image")


def measure(bench: Bench) -> Iterator[Reading]:
    """Encoders on the same samples in turns, in one process: the profiler's stage, and
    ``InferenceSession.run`` with the same options and nothing around it."""
    from ..bare import bare_session

    with FusionSession.open(bench.bundle().path, engine=ENGINE) as session:
        manifest = session.bundle.manifest
        given, _ = read_inputs(session.bundle, session.modalities, bench.held_out.root)
        paths = unpack_graphs(session.bundle, bench.scratch / "graphs")
        for encoder, path in zip(manifest.encoders, paths, strict=False):
            part = encoder.name
            if part not in _PARTS:
                continue
            bare = bare_session(str(path), manifest.target.threads)
            name = bare.get_inputs()[0].name
            subject = subject_of(session, part)

            def ours(inputs: list[Any], part: str = part, subject: Any = subject) -> float:
                return float(median(subject({part: v})[f"encoder.{part}"] for v in inputs))

            def theirs(
                inputs: list[Any], part: str = part, bare: Any = bare, name: str = name
            ) -> float:
                spent = []
                for value in inputs:
                    # The front-end runs in between, uncounted, as it does on the other side.
                    features = session.features(part, value)
                    started = perf_counter()
                    bare.run(None, {name: features})
                    spent.append((perf_counter() - started) * 1e3)
                return median(spent)

            turn = cycle(one.values[part] for one in given)
            rounds = [list(islice(turn, _CALLS)) for _ in range(bench.rounds(ROUNDS) + 1)]
            pairs = interleave(ours, theirs, rounds)[1:]  # the first warms up
            middle = median(a / b for a, b in pairs)
            yield Reading(
                what=f"the profiler's p50 of the encoder {part} and a bare loop's, "
                "larger over smaller",
                unit="x",
                values=(max(middle, 1 / middle),),
                limit=LIMIT,
                detail=f"{len(pairs)} rounds of {_CALLS} calls; profiler "
                f"{median(a for a, _ in pairs):.3f} ms, bare {median(b for _, b in pairs):.3f} ms",
            )


FIGURE = Figure("profiler-agreement", "the profiler's median against a bare loop", measure)
