"""What a comparison says: a verdict for each metric, and whether all of it may pass."""

from __future__ import annotations

from typing import Literal

import msgspec

from .intervals import Ratio

SCHEMA = 1

#: ``worse``: the whole interval lies beyond what is allowed. ``better``: as far on the other
#: side. ``same``: the whole interval lies within. ``unclear``: it reaches across the edge, so
#: that neither can be said; more rounds make it narrower.
Change = Literal["better", "same", "worse", "unclear"]
#: Of an absolute limit; ``not judged``: an emulated device's times.
Limit = Literal["kept", "missed", "unclear", "not judged"]


class MetricVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of both sides; smaller is better, except for ``accuracy``.

    Attributes:
        metric: its name, as budgets call it.
        unit: of ``base`` and ``new``.
        base: its value (median over the rounds).
        new: likewise.
        ratio: new over base. Of an accuracy, the difference in points instead.
        allowed: the change that is allowed, a share (0.05 is 5%), or points; None: not gated.
        change: what that makes.
        notices: the smallest worsening that would have been called ``worse`` with this noise, a
            share or points; None without an interval.
        limit: the absolute limit on ``new``; None: there is none.
        kept: whether it is kept.
    """

    metric: str
    unit: str
    base: float
    new: float
    ratio: Ratio
    allowed: float | None
    change: Change
    notices: float | None
    limit: float | None = None
    kept: Limit | None = None

    @property
    def fails(self) -> bool:
        """Whether this metric alone fails the comparison."""
        return (self.allowed is not None and self.change == "worse") or self.kept == "missed"

    @property
    def doubtful(self) -> bool:
        """Whether it is gated and nothing can be said."""
        gated = self.allowed is not None and self.change == "unclear"
        return gated or self.kept == "unclear"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison.

    Attributes:
        base: what is compared with.
        new: what is compared.
        metrics: the verdicts.
        warnings: what makes the two sides less comparable.
        passed: no metric fails (nor is doubtful, where the budgets say that this fails too).
    """

    schema: int = SCHEMA
    kind: Literal["comparison"] = "comparison"
    base: str
    new: str
    target: str
    emulated: bool
    metrics: tuple[MetricVerdict, ...]
    warnings: tuple[str, ...] = ()
    passed: bool


def change_of(ratio: Ratio, allowed: float) -> tuple[Change, float | None]:
    """The verdict on a ratio, and the smallest worsening that would have been called worse."""
    if ratio.low is None or ratio.high is None:
        return "unclear", None
    edge = 1 + allowed
    notices = edge * ratio.value / ratio.low - 1
    if ratio.low > edge:
        return "worse", notices
    if ratio.high < 1 / edge:
        return "better", notices
    return ("same" if ratio.high <= edge else "unclear"), notices


def limit_of(value: float, low: float | None, high: float | None, limit: float) -> Limit:
    """The verdict on an absolute limit, with the interval of the value."""
    if (low if low is not None else value) > limit:
        return "missed"
    return "kept" if (high if high is not None else value) <= limit else "unclear"
