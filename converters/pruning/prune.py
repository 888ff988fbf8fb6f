"""A source in, a smaller source out: analysis, trial, importance, selection, surgery, recovery."""

from __future__ import annotations

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from edge_sdk.errors import ExportError, UsageError
from edge_sdk.samples import SampleSet

from ..progress import Progress, silent
from ..source import Source
from .accounts import groups_changed, heads_scored, mask_changed, parts_changed
from .analysis import Analysis, analyse
from .answers import answers_of, read
from .attention import split_attention
from .choice import Measure, choose
from .criteria import load_criterion
from .data import RecoveryData, shares
from .masks import held, masks_of, put_on
from .model import Parts, module_of
from .plan import PruningPlan
from .recovery import recover
from .report import Kept, PruningReport, RecoveryReport
from .result import source_of
from .surgery import difference, removed
from .trial import TOLERANCE, proven


class PrunedSource(msgspec.Struct, frozen=True, kw_only=True):
    """A pruned source, which everything takes that takes a source, and what was done to it."""

    source: Source
    report: PruningReport


def prune_source(
    source: Source,
    plan: PruningPlan,
    *,
    training: SampleSet | None = None,
    recovery: SampleSet | None = None,
    evaluation: SampleSet | None = None,
    measure: Measure | None = None,
    progress: Progress = silent,
) -> PrunedSource:
    """Prune a model and recover its accuracy; ``source`` itself is left as it is.

    Args:
        training: samples for importance and recovery (in a conversion, the calibration share).
        recovery: samples to recover on instead.
        evaluation: samples to judge by; never trained on. Without it, no scores.
        measure: milliseconds of each part of several sources, such as
            :func:`~edge_sdk.converters.pruning.engine_milliseconds`; needed for
            ``plan.latency``, and for the milliseconds in the report.
        progress: called as stages go on.

    Raises:
        UsageError: the source came as a graph, an unknown criterion or part, or what the plan
            needs (samples, a measurement) is not given.
        DataError: samples that the model cannot take.
        ExportError: what was removed changed the answers.
    """
    recovering = training if recovery is None else recovery
    _check(source, plan, training, recovering, measure)
    full = Parts.of(source)
    warnings: list[str] = []
    if plan.structured:
        full = _with_heads(full)
    analysis = analyse(full, keep_embeddings=plan.keep_embeddings, keep=plan.keep)
    seen = [] if evaluation is None else read(full, evaluation, progress, "read evaluation")
    before = answers_of(full, seen, progress, "evaluate unpruned")
    apart, pruned = 0.0, full.copied()
    if plan.structured:
        analysis = proven(full, analysis, plan.seed, progress)
        roots = choose(full, analysis, plan, training, measure, progress)
        pruned = removed(full, analysis, roots)
        apart = _checked(full, pruned, analysis, roots)
    else:
        roots = np.zeros(0, np.int64)
    slim = analyse(pruned, keep_embeddings=plan.keep_embeddings, keep=plan.keep)
    masks = {} if plan.mask is None else masks_of(pruned.holder, plan.mask)
    # Full, with smaller shapes only, and the result: measured in one run, turn about.
    steps = [source_of(full)] + ([source_of(pruned.copied())] if masks else [])
    put_on(pruned.holder, masks)
    raw = answers_of(pruned, seen, progress, "evaluate pruned")
    recovered = RecoveryReport(method="none", samples=0)
    if plan.recovery.method != "none" and recovering is not None:
        fit, watch = shares(recovering, plan.seed)
        data = RecoveryData(
            samples=fit,
            validation=watch,
            teacher=full.whole,
            frontends=source.frontends,
            heads=source.heads,
            recovery=plan.recovery,
            seed=plan.seed,
            progress=progress,
        )
        with held(pruned.holder, masks):
            recovered = recover(pruned, full, data)
    after = answers_of(pruned, seen, progress, "evaluate recovered")
    result = source_of(pruned)
    times = None if measure is None else measure([*steps, result])
    if seen and recovered.method == "distil" and recovered.best is None:
        warnings.append("Recovery found nothing better than the raw model, which stays.")
    report = PruningReport(
        criterion=plan.criterion,
        seed=plan.seed,
        parts=parts_changed(full, pruned, analysis, slim, times),
        groups=groups_changed(analysis, roots),
        kept=_kept(analysis) if plan.structured else (),
        heads=heads_scored(source, seen, before, raw, after),
        evaluation_samples=len(seen),
        difference=apart,
        mask=mask_changed(plan, masks, times),
        recovery=recovered,
        warnings=tuple(warnings),
    )
    return PrunedSource(source=result, report=report)


def _check(
    source: Source,
    plan: PruningPlan,
    training: SampleSet | None,
    recovering: SampleSet | None,
    measure: Measure | None,
) -> None:
    names = [spec.name for spec in source.parts]
    for name in plan.parts:
        if name not in names:
            raise UsageError(f"There is no part {name!r} to prune; there are {', '.join(names)}.")
    if plan.latency is not None and measure is None:
        raise UsageError("Pruning towards a latency needs a measurement; give macs or ratio.")
    wanted = load_criterion(plan.criterion).needs_data and plan.structured
    if training is None and wanted:
        raise UsageError(
            f"The criterion {plan.criterion} needs samples: give --data, or take l1 or l2."
        )
    if recovering is None and plan.recovery.method != "none":
        raise UsageError("Recovery needs samples: give --data, or set recovery.method to none.")


def _with_heads(parts: Parts) -> Parts:
    """Attention in a form whose heads can go, if it answers the same."""
    mine = parts.copied()
    if not split_attention(mine.holder):
        return parts
    with torch.no_grad():
        for (spec, example), (other, _) in zip(parts.examples(), mine.examples(), strict=True):
            old, new = (_tuple(module_of(s)(*example)) for s in (spec, other))
            for a, b in zip(old, new, strict=True):
                if not torch.allclose(a, b, rtol=1e-3, atol=1e-4):
                    return parts
    return mine


def _kept(analysis: Analysis) -> tuple[Kept, ...]:
    return tuple(Kept(part=f.part, name=f.name, width=f.width, why=f.why) for f in analysis.frozen)


def _checked(full: Parts, pruned: Parts, analysis: Analysis, roots: NDArray[np.int64]) -> float:
    apart = difference(full, pruned, analysis, roots)
    if not apart <= 10 * TOLERANCE:
        raise ExportError(
            f"The pruned model differs by {apart:.1e} from the unpruned one with the same channels "
            "zeroed, though every group passed its trial. Name the layers of the newest changes in "
            "keep, and report this."
        )
    return apart


def _tuple(result: object) -> tuple[torch.Tensor, ...]:
    return result if isinstance(result, tuple) else (result,)
