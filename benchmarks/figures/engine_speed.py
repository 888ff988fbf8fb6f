"""int8 in ONNX Runtime against int8 in LiteRT, part by part: which engine a profile names first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from edge_sdk.bundle import Bundle
from edge_sdk.samples import Sample, SampleSet

from ..bench import ENGINES, Bench
from ..figure import Figure, Reading
from ..parts import features_of, load_edition, part_milliseconds
from ..rounds import interleave
from ..spread import ratios

ROUNDS = 15
_SAMPLES = 8
# The whole model in the engine that the profile names first may not take longer than in the other.
LIMIT = 1.0
# Of a single part it may; this bounds what one engine can lose where the whole is faster.
LIMIT_PART = 5.0


def measure(bench: Bench) -> Iterator[Reading]:
    """Ratios of a round's CPU time, ONNX Runtime over LiteRT, both in one process, in turns.

    CPU time of the process: other work of the machine is not in it, and an engine's helper
    threads are.
    """
    yield from compare(
        bench.editions("int8").path,
        bench.held_out,
        bench.whole_samples(_SAMPLES),
        bench.rounds(ROUNDS),
    )


def compare(path: Path, samples: SampleSet, chosen: list[Sample], rounds: int) -> Iterator[Reading]:
    """See :func:`measure`; ``path`` is a bundle with an edition for each engine."""
    bundle = Bundle.open(path)
    inputs = [features_of(bundle, samples, sample) for sample in chosen]
    found: dict[str, list[tuple[float, float]]] = {}
    editions = [load_edition(bundle, engine) for engine in ENGINES]
    left, right = (part_milliseconds(edition, inputs) for edition in editions)
    interleave(left, right, range(1))  # warm
    for first, second in interleave(left, right, range(rounds)):
        for name in first:
            found.setdefault(name, []).append((first[name], second[name]))
        total = (sum(first.values()), sum(second.values()))
        found.setdefault("all parts", []).append(total)
    for edition in editions:
        edition.close()
    for name, pairs in found.items():
        ours, theirs = (median(pair[i] for pair in pairs) for i in (0, 1))
        yield Reading(
            what=f"int8 of {name}: {ENGINES[0]} against {ENGINES[1]}",
            unit="x",
            values=ratios(pairs),
            limit=LIMIT if name == "all parts" else LIMIT_PART,
            detail=f"{ours:.3f} against {theirs:.3f} ms of CPU, mean of {len(chosen)} samples",
        )


FIGURE = Figure("engine-speed", "int8 parts in ONNX Runtime against LiteRT", measure)
