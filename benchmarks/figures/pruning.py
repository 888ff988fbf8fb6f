"""The shipped pruned checkpoint against the unpruned one, both in fp32 in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import msgspec

from edge_sdk.bundle import Bundle
from edge_sdk.errors import DataError

from ..bench import ENGINE, Bench
from ..evaluate import evaluate
from ..evaluate.intervals import drop_interval
from ..evaluate.scores import macro_f1
from ..figure import Figure, Reading
from ..parts import features_of, load_edition, part_milliseconds
from ..rounds import interleave
from ..spread import ratios

ROUNDS = 25
_SAMPLES = 8
LIMIT_MACS = 0.5
# 1.7 times faster.
LIMIT_TIME = 1 / 1.7
LIMIT_POINTS = 1.5


class _Part(msgspec.Struct):
    macs: tuple[int, int]


class _Report(msgspec.Struct):
    """What ``edge-sdk prune`` counted, before and after."""

    parts: tuple[_Part, ...]


def measure(bench: Bench) -> Iterator[Reading]:
    """The share of the multiply-accumulates, the ratio of times, and points lost by head.

    Raises:
        DataError: there is no pruned checkpoint beside the unpruned one, or no labels.
    """
    report = bench.pruned / "report.json"
    if not report.is_file():
        raise DataError(
            f"There is no pruned checkpoint at {bench.pruned}: make one with edge-sdk prune "
            "(see docs/pruning.md)."
        )
    parts = msgspec.json.decode(report.read_bytes(), type=_Report).parts
    before, after = (sum(part.macs[i] for part in parts) for i in (0, 1))
    yield Reading(
        what="pruned against unpruned: multiply-accumulates",
        unit="x",
        values=(after / before,),
        limit=LIMIT_MACS,
        detail=f"{after / 1e6:.1f} M of {before / 1e6:.1f} M on one example, counted by edge-sdk "
        "prune",
    )
    full = bench.bundle("fp32").path
    cache = bench.scratch / "cache"
    slim = bench.convert("fp32", cache=cache, name="pruned", checkpoint=bench.pruned).path
    yield _speed(bench, slim, full)
    yield from _lost(bench, slim, full)


def _speed(bench: Bench, slim: Path, full: Path) -> Reading:
    samples = bench.whole_samples(_SAMPLES)
    opened = Bundle.open(full)
    inputs = [features_of(opened, bench.held_out, sample) for sample in samples]
    editions = [load_edition(Bundle.open(path), ENGINE) for path in (slim, full)]
    left, right = (part_milliseconds(edition, inputs) for edition in editions)
    interleave(left, right, range(2))  # warm
    pairs = interleave(left, right, range(bench.rounds(ROUNDS)))
    for edition in editions:
        edition.close()
    totals = [(sum(one.values()), sum(other.values())) for one, other in pairs]
    ours, theirs = (median(pair[i] for pair in totals) for i in (0, 1))
    return Reading(
        what="pruned against unpruned: time of all parts",
        unit="x",
        values=ratios(totals),
        limit=LIMIT_TIME,
        detail=f"{ours:.3f} against {theirs:.3f} ms of CPU in ONNX Runtime, fp32, one thread: "
        f"{theirs / ours:.2f} times faster; mean of {len(samples)} samples",
    )


def _lost(bench: Bench, slim: Path, full: Path) -> Iterator[Reading]:
    folder = bench.data / "held-out"
    old, new = (evaluate(path, folder, engine=ENGINE) for path in (full, slim))
    samples = {sample.id: sample for sample in bench.held_out}
    for head in old.heads:
        rows = [
            (samples[one.id].labels[head], one.labels[head], other.labels[head])
            for one, other in zip(old.answers, new.answers, strict=True)
            if head in samples[one.id].labels
        ]
        scores = [macro_f1((row[0], row[i]) for row in rows) for i in (1, 2)]
        low, high = drop_interval(rows)
        yield Reading(
            what=f"pruned against unpruned, {head}: macro-F1 lost",
            unit="points",
            values=(100 * (scores[0] - scores[1]),),
            limit=LIMIT_POINTS,
            detail=f"{len(rows)} held-out samples; {scores[0]:.4f} unpruned, {scores[1]:.4f} "
            f"pruned; 95 % interval of the loss {low:+.1f} to {high:+.1f} points",
        )


FIGURE = Figure("pruning", "MACs, time and macro-F1 of the pruned demo model", measure)
