"""Whether the engines agree: in fp32 with each other, in int8 with fp32, and which part differs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edge_sdk.bundle import Bundle
from edge_sdk.samples import SampleSet

from ..bench import ENGINES, Bench
from ..figure import Figure, Reading
from ..parts import Arrays, features_of, labels, load_edition, shares

LIMIT_ERROR, GOAL_ERROR = 1e-3, 1e-4
LIMIT_OTHER, GOAL_OTHER = 5.0, 2.0


def measure(bench: Bench) -> Iterator[Reading]:
    """The conversion itself holds every fp32 graph against torch, to 1e-4 of its largest output."""
    fp32, int8 = bench.editions("fp32").path, bench.editions("int8").path
    yield from compare(fp32, int8, bench.held_out)


def compare(fp32: Path, int8: Path, samples: SampleSet) -> Iterator[Reading]:
    """Over all ``samples``; both bundles have an edition for each engine."""
    bundles = Bundle.open(fp32), Bundle.open(int8)
    exact, near = ({e: load_edition(b, e) for e in ENGINES} for b in bundles)
    counts: dict[str, dict[str, int]] = {}
    error, seen = 0.0, 0
    for sample in samples:
        features = features_of(bundles[0], samples, sample)
        if not features:
            continue
        seen += 1
        answers = {}
        for engine in ENGINES:
            answers[engine] = _count(exact[engine], near[engine], features, engine, counts)
        first, *rest = (shares(answer) for answer in answers.values())
        error = max(error, *(float(np.abs(first - other).max()) for other in rest))
    for edition in (*exact.values(), *near.values()):
        edition.close()
    on = f"{seen} held-out samples"
    yield Reading(
        what=f"fp32 in {' and '.join(ENGINES)}: largest difference of a probability",
        unit="",
        values=(error,),
        limit=LIMIT_ERROR,
        goal=GOAL_ERROR,
        detail=f"{on}; either graph is held against torch when it is made",
    )
    for what, by_head in counts.items():
        worst = max(by_head, key=lambda head: by_head[head])
        told = ", ".join(f"{head} {100 * n / seen:.1f}" for head, n in by_head.items())
        yield Reading(
            what=f"int8 of {what}: other labels than fp32, worst head ({worst})",
            unit="%",
            values=(100 * by_head[worst] / seen,),
            limit=LIMIT_OTHER,
            goal=GOAL_OTHER,
            detail=f"{on}; {told}",
        )


def _count(
    exact: Any, near: Any, features: Arrays, engine: str, counts: dict[str, dict[str, int]]
) -> Arrays:
    """Count other labels for all parts in int8, and for each part alone; gives fp32's outputs."""
    base = {name: exact.encode(name, value) for name, value in features.items()}
    rough = {name: near.encode(name, value) for name, value in features.items()}
    outputs: Arrays = exact.fuse(base)
    wanted = labels(outputs)
    tried = {f"all parts in {engine}": near.fuse(rough), f"head alone in {engine}": near.fuse(base)}
    for name, value in rough.items():
        tried[f"{name} alone in {engine}"] = exact.fuse({**base, name: value})
    for what, answer in tried.items():
        by_head = counts.setdefault(what, dict.fromkeys(wanted, 0))
        for head, number in labels(answer).items():
            by_head[head] += number != wanted[head]
    return outputs


FIGURE = Figure("engine-agreement", "fp32 and int8 in ONNX Runtime and LiteRT", measure)
