"""Metrics held against budgets."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from .budgets import Budgets
from .comparison import MetricVerdict, change_of, limit_of
from .intervals import Ratio, ratio_of_rounds
from .metrics import Metric, shown

#: What is called a change where nothing is gated.
UNGATED = 0.05


def judge(
    base: Mapping[str, Metric],
    new: Mapping[str, Metric],
    budgets: Budgets,
    target: str,
    *,
    emulated: bool,
    counted: bool = False,
    paired: Mapping[str, Ratio] | None = None,
) -> list[MetricVerdict]:
    """A verdict for each metric that both sides have and a reader wants to see.

    Args:
        base: the metrics to compare with.
        new: the metrics that are compared.
        budgets: what is allowed.
        target: whose budgets.
        emulated: times are compared, but held against no budget.
        counted: they are emulated, and of a clock that counts instructions: they are held against
            what is allowed, and not against limits.
        paired: ratios that were measured in turns, and are better than those of the rounds.
    """
    both = {name: metric for name, metric in new.items() if name in base}
    allowed, limits = budgets.regression(target), budgets.limits(target)
    verdicts = []
    for name in shown(both, set(allowed) | set(limits)):
        metric, before = new[name], base[name]
        hidden = emulated and metric.time
        gate = None if hidden and not counted else allowed.get(name)
        ratio = (paired or {}).get(name) or ratio_of_rounds(before.rounds, metric.rounds)
        change, notices = change_of(ratio, allowed.get(name, UNGATED))
        limit = limits.get(name)
        kept = None
        if limit is not None:
            value = median(metric.rounds)
            some = len(metric.rounds) >= 3
            low, high = (min(metric.rounds), max(metric.rounds)) if some else (None, None)
            kept = "not judged" if hidden else limit_of(value, low, high, limit)
        verdicts.append(
            MetricVerdict(
                metric=name,
                unit=metric.unit,
                base=median(before.rounds),
                new=median(metric.rounds),
                ratio=ratio,
                allowed=gate,
                change=change,
                notices=notices,
                limit=limit,
                kept=kept,
            )
        )
    return verdicts


def passes(verdicts: list[MetricVerdict], budgets: Budgets) -> bool:
    """Whether nothing fails, nor is doubtful where that is to fail."""
    strict = budgets.unclear == "fail"
    return not any(v.fails or (strict and v.doubtful) for v in verdicts)
