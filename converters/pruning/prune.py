"""A source in, a smaller source out: analysis, trial, importance, selection, surgery, recovery."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edge_sdk.errors import ExportError, UsageError
from edge_sdk.samples import SampleSet

from ..checkpoint.content import digest_of
from ..fusion.model import FusionModel
from ..fusion.widths import shapes_of
from ..progress import Progress, silent
from ..source import Source
from .analysis import Analysis, analyse, macs_of
from .answers import Seen, answers_of, gradients, read, score
from .attention import split_attention
from .criteria import Slices, load_criterion
from .data import RecoveryData, shares, some
from .masks import held, masks_of, put_on
from .model import Parts, module_of
from .plan import PruningPlan
from .recovery import recover
from .report import (
    GroupChange,
    HeadScores,
    Kept,
    MaskChange,
    PartChange,
    PruningReport,
    RecoveryReport,
)
from .select import Counts, Selection
from .surgery import difference, removed
from .trial import TOLERANCE, proven

#: Milliseconds of each part in the engine, of several sources that take turns.
Measure = Callable[[Sequence[Source]], Sequence[Mapping[str, float]]]
Answers = dict[str, NDArray[np.int64]]

# Latency is searched for by measuring, so many times.
_MEASURES = 5


class PrunedSource(msgspec.Struct, frozen=True, kw_only=True):
    """A pruned source, which everything takes that takes a source, and what was done to it."""

    source: Source
    report: PruningReport


def prune_source(
    source: Source,
    plan: PruningPlan,
    *,
    training: SampleSet | None = None,
    evaluation: SampleSet | None = None,
    measure: Measure | None = None,
    progress: Progress = silent,
) -> PrunedSource:
    """Prune a model and recover its accuracy; ``source`` itself is left as it is.

    Args:
        training: samples for importance and recovery (in a conversion, the calibration share).
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
    _check(source, plan, training, measure)
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
        roots = _choose(full, analysis, plan, training, measure, progress)
        pruned = removed(full, analysis, roots)
        apart = _checked(full, pruned, analysis, roots)
    else:
        roots = np.zeros(0, np.int64)
    slim = analyse(pruned, keep_embeddings=plan.keep_embeddings, keep=plan.keep)
    masks = {} if plan.mask is None else masks_of(pruned.holder, plan.mask)
    # Full, with smaller shapes only, and the result: measured in one run, turn about.
    steps = [_source(full)] + ([_source(pruned.copied())] if masks else [])
    put_on(pruned.holder, masks)
    raw = answers_of(pruned, seen, progress, "evaluate pruned")
    recovery = RecoveryReport(method="none", samples=0)
    if plan.recovery.method != "none" and training is not None:
        fit, watch = shares(training, plan.seed)
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
            recovery = recover(pruned, full, data)
    after = answers_of(pruned, seen, progress, "evaluate recovered")
    result = _source(pruned)
    times = None if measure is None else measure([*steps, result])
    if seen and recovery.method == "distil" and recovery.best is None:
        warnings.append("Recovery found nothing better than the raw model, which stays.")
    report = PruningReport(
        criterion=plan.criterion,
        seed=plan.seed,
        parts=_parts(full, pruned, analysis, slim, times),
        groups=_groups(analysis, roots),
        kept=tuple(Kept(part=f.part, name=f.name, width=f.width, why=f.why)
                   for f in analysis.frozen),
        heads=_heads(source, seen, before, raw, after),
        evaluation_samples=len(seen),
        difference=apart,
        mask=_mask(plan, masks, times),
        recovery=recovery,
        warnings=tuple(warnings),
    )  # fmt: skip
    return PrunedSource(source=result, report=report)


def _check(
    source: Source, plan: PruningPlan, training: SampleSet | None, measure: Measure | None
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
    if training is None and plan.recovery.method != "none":
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


def _choose(
    full: Parts,
    analysis: Analysis,
    plan: PruningPlan,
    training: SampleSet | None,
    measure: Measure | None,
    progress: Progress,
) -> NDArray[np.int64]:
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
        before, after = (sum(t.values()) for t in measure([_source(full), _source(slim)]))
        if after <= share * before:
            low, best = middle, counts
        else:
            high = middle
    return chosen.within(cost, 0.0, members, start) if best is None else best


def _checked(full: Parts, pruned: Parts, analysis: Analysis, roots: NDArray[np.int64]) -> float:
    apart = difference(full, pruned, analysis, roots)
    if not apart <= 10 * TOLERANCE:
        raise ExportError(
            f"The pruned model differs by {apart:.1e} from the unpruned one with the same channels "
            "zeroed, though every group passed its trial. Name the layers of the newest changes in "
            "keep, and report this."
        )
    return apart


def _norm_scales(holder: nn.Module) -> frozenset[str]:
    return frozenset(
        f"{name}.weight"
        for name, module in holder.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine
    )


def _source(parts: Parts) -> Source:
    """The parts as a source of their own, with the digest of what they are now."""
    whole = parts.whole
    if isinstance(whole, FusionModel):
        plain = FusionModel(msgspec.structs.replace(whole.config, pruned=msgspec.UNSET))
        usual = shapes_of(plain)
        smaller = {n: s for n, s in shapes_of(whole).items() if s != usual[n]}
        whole.config = msgspec.structs.replace(whole.config, pruned=smaller or msgspec.UNSET)
        digest = digest_of(whole.config, whole.state_dict())
    else:
        total = hashlib.sha256(parts.source.digest.encode())
        for name, tensor in sorted(parts.holder.state_dict().items()):
            total.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            flat = tensor.detach().contiguous().reshape(-1)
            total.update(flat.view(torch.uint8).numpy().tobytes())
        digest = total.hexdigest()
    return msgspec.structs.replace(parts.source, digest=digest, parts=parts.specs, module=whole)


def _parts(
    full: Parts,
    pruned: Parts,
    analysis: Analysis,
    slim: Analysis,
    times: Sequence[Mapping[str, float]] | None,
) -> tuple[PartChange, ...]:
    macs = [
        macs_of(analysis, shapes_of(full.holder)), macs_of(slim, shapes_of(pruned.holder))
    ]  # fmt: skip
    found = []
    for name in full.modules:
        sizes = [sum(w.numel() for w in p.modules[name].parameters()) for p in (full, pruned)]
        found.append(
            PartChange(
                name=name,
                parameters=(sizes[0], sizes[1]),
                macs=(macs[0][name], macs[1][name]),
                milliseconds=(times[0][name], times[-1][name]) if times else None,
            )
        )
    return tuple(found)


def _groups(analysis: Analysis, roots: NDArray[np.int64]) -> tuple[GroupChange, ...]:
    return tuple(
        GroupChange(
            part=group.part,
            name=group.name,
            before=group.width,
            after=group.width - int(np.isin(group.roots, roots).sum()),
            layers=tuple(dict.fromkeys(name for name, _ in group.axes)),
        )
        for group in analysis.groups
    )


def _heads(
    source: Source, seen: Sequence[Seen], before: Answers, raw: Answers, after: Answers
) -> dict[str, HeadScores]:
    if not seen:
        return {}
    found = {}
    for head in source.heads:
        count, first = score(head, seen, before[head.name])
        found[head.name] = HeadScores(
            samples=count,
            before=first,
            raw=score(head, seen, raw[head.name])[1],
            recovered=score(head, seen, after[head.name])[1],
            agreement=float((before[head.name] == after[head.name]).mean()),
        )
    return found


def _mask(
    plan: PruningPlan,
    masks: Mapping[str, torch.Tensor],
    times: Sequence[Mapping[str, float]] | None,
) -> MaskChange | None:
    if plan.mask is None:
        return None
    size = sum(mask.numel() for mask in masks.values())
    zeros = sum(float((mask == 0).sum()) for mask in masks.values())
    totals = [sum(found.values()) for found in times or ()]
    return MaskChange(
        kind=plan.mask.kind,
        zeros=zeros / size if size else 0.0,
        layers=len(masks),
        milliseconds=(totals[-2], totals[-1]) if totals else None,
    )


def _tuple(result: object) -> tuple[torch.Tensor, ...]:
    return result if isinstance(result, tuple) else (result,)  # type: ignore[return-value]
