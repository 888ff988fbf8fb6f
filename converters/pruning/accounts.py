"""What pruning did, counted for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..fusion.widths import shapes_of
from ..intervals import drop_interval
from ..source import Source
from .analysis import Analysis, macs_of
from .answers import Answers, Seen, score
from .model import Parts
from .plan import PruningPlan
from .report import GroupChange, HeadScores, MaskChange, PartChange


def parts_changed(
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


def groups_changed(analysis: Analysis, roots: NDArray[np.int64]) -> tuple[GroupChange, ...]:
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


def heads_scored(
    source: Source, seen: Sequence[Seen], before: Answers, raw: Answers, after: Answers
) -> dict[str, HeadScores]:
    if not seen:
        return {}
    found = {}
    for head in source.heads:
        count, first = score(head, seen, before[head.name])
        rows = [i for i, sample in enumerate(seen) if head.name in sample.truth]
        truth = np.array([seen[i].truth[head.name] for i in rows], np.int64)
        old, new = (answers[head.name][rows] for answers in (before, after))
        found[head.name] = HeadScores(
            samples=count,
            before=first,
            raw=score(head, seen, raw[head.name])[1],
            recovered=score(head, seen, after[head.name])[1],
            drop_interval=drop_interval(truth, old, new, len(head.labels)),
            agreement=float((before[head.name] == after[head.name]).mean()),
        )
    return found


def mask_changed(
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
