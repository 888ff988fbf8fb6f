"""Which channels a plan takes: importance, then the counts that keep its budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import nn

from edge_sdk.samples import SampleSet

from ..fusion.widths import shapes_of
from ..progress import Progress
from ..source import Source
from .analysis import Analysis
from .answers import Seen, gradients, read
from .criteria import Slices, load_criterion
from .data import some
from .model import Parts
from .plan import PruningPlan
from .result import source_of
from .select import Counts, Selection
from .surgery import removed
from .units import Labels

#: Milliseconds of each part in the engine, of several sources that take turns.
Measure = Callable[[Sequence[Source]], Sequence[Mapping[str, float]]]

# Latency is searched for by measuring, so many times.
_MEASURES = 5


def choose(
    full: Parts,
    analysis: Analysis,
    plan: PruningPlan,
    training: SampleSet | None,
    measure: Measure | None,
    progress: Progress,
) -> Labels:
    """The classes to remove."""
    criterion = load_criterion(plan.criterion)
    samples: list[Seen] = []
    if criterion.needs_data and training is not None:
        picked = training.subset(some(training, plan.samples, plan.seed))
        samples = read(full, picked, progress, "read samples")
    weights = dict(full.holder.named_parameters())
    slices = Slices(analysis, weights, _norm_scales(full.holder))
    scores = criterion.scores(slices, gradients(full, samples, progress))
    chosen = Selection(analysis, scores, plan)
    counts = chosen.full
    for name, ratio in plan.parts.items():
        mine = [i for i, group in enumerate(chosen.groups) if group.part == name]
        cost = chosen.channels(mine)
        counts = chosen.within(cost, (1 - ratio) * cost(chosen.full), mine, counts)
    rest = [i for i, group in enumerate(chosen.groups) if group.part not in plan.parts]
    if plan.ratio is not None:
        cost = chosen.channels(rest)
        counts = chosen.within(cost, (1 - plan.ratio) * cost(chosen.full), rest, counts)
    elif plan.macs is not None:
        cost = chosen.macs(shapes_of(full.holder))
        counts = chosen.within(cost, plan.macs * cost(chosen.full), rest, counts)
    elif plan.latency is not None and measure is not None:
        counts = _by_latency(full, analysis, plan.latency, chosen, rest, counts, measure)
    return chosen.roots(counts)


def _by_latency(
    full: Parts,
    analysis: Analysis,
    share: float,
    chosen: Selection,
    members: Sequence[int],
    start: Counts,
    measure: Measure,
) -> Counts:
    """The most multiply-accumulates whose measured milliseconds keep the share, by halving."""
    cost = chosen.macs(shapes_of(full.holder))
    low, high, best = 0.0, 1.0, None
    for _ in range(_MEASURES):
        middle = (low + high) / 2
        counts = chosen.within(cost, middle * cost(chosen.full), members, start)
        slim = removed(full, analysis, chosen.roots(counts))
        before, after = (sum(t.values()) for t in measure([source_of(full), source_of(slim)]))
        if after <= share * before:
            low, best = middle, counts
        else:
            high = middle
    return chosen.within(cost, 0.0, members, start) if best is None else best


def _norm_scales(holder: nn.Module) -> frozenset[str]:
    return frozenset(
        f"{name}.weight"
        for name, module in holder.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine
    )
