"""Whether two bundles answer equally well on labelled samples, and how often the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edge_sdk.errors import DataError
from edge_sdk.frontends.media import sample_values
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.samples import SampleSet

from .comparison import Change, MetricVerdict
from .intervals import CONFIDENCE, Ratio

_RESAMPLES = 2000


class HeadAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """What both sides answered for one head, on the samples that have its label."""

    labels: tuple[str, ...]
    base: tuple[str, ...]
    new: tuple[str, ...]


def answers(
    base: FusionSession, new: FusionSession, folder: str | Path
) -> tuple[dict[str, HeadAnswers], float]:
    """Ask both on every sample: the answers by head, and the share of equal ones.

    Raises:
        DataError: no sample has a modality that both take.
    """
    samples = SampleSet.open(folder)
    taken = [m for m in base.modalities if m in new.modalities]
    found: dict[str, tuple[list[str], list[str], list[str]]] = {}
    same = total = 0
    for sample in samples:
        values = sample_values(base.frontends.config, samples, sample, taken)
        if not values:
            continue
        one, two = base.infer(**values).heads, new.infer(**values).heads
        for head in one.keys() & two.keys():
            first, second = one[head].label, two[head].label
            same, total = same + (first == second), total + 1
            if head in sample.labels:
                columns = found.setdefault(head, ([], [], []))
                for column, label in zip(
                    columns, (sample.labels[head], first, second), strict=True
                ):
                    column.append(label)
    if not total:
        raise DataError(f"No sample at {folder} has {' or '.join(taken)} for both bundles.")
    heads = {
        head: HeadAnswers(labels=tuple(a), base=tuple(b), new=tuple(c))
        for head, (a, b, c) in sorted(found.items())
    }
    return heads, same / total


def accuracy_verdicts(
    heads: Mapping[str, HeadAnswers], allowed: Mapping[str, float]
) -> list[MetricVerdict]:
    """A verdict a head on the difference in points, new minus base, over the same samples.

    The interval is a bootstrap over samples, both answers of a sample together.
    """
    verdicts = []
    for head, found in heads.items():
        labels = np.array(found.labels)
        right = [np.array(side) == labels for side in (found.base, found.new)]
        difference = (right[1].astype(float) - right[0].astype(float)) * 100
        low, high = _interval(difference)
        points = allowed.get(f"accuracy.{head}", allowed.get("accuracy"))
        edge = points if points is not None else 1.0
        verdicts.append(
            MetricVerdict(
                metric=f"accuracy.{head}",
                unit="%",
                base=float(right[0].mean() * 100),
                new=float(right[1].mean() * 100),
                ratio=Ratio(value=float(difference.mean()), low=low, high=high),
                allowed=points,
                change=_change(low, high, edge),
                notices=edge + float(difference.mean()) - low,
            )
        )
    return verdicts


def _interval(difference: Any) -> tuple[float, float]:
    draw = np.random.default_rng(0)
    count = difference.size
    means = [difference[draw.integers(count, size=count)].mean() for _ in range(_RESAMPLES)]
    tail = (1 - CONFIDENCE) / 2 * 100
    low, high = np.percentile(means, (tail, 100 - tail))
    return float(low), float(high)


def _change(low: float, high: float, points: float) -> Change:
    if high < -points:
        return "worse"
    if low > points:
        return "better"
    return "same" if low >= -points else "unclear"
