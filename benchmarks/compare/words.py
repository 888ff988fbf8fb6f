"""A comparison in words: the cells of its table, for a terminal and for a page."""

from __future__ import annotations

from .comparison import Comparison, MetricVerdict

HEADING = ("metric", "base", "new", "change", "95% interval", "allowed", "notices", "verdict")
EMULATED = "emulated: times are no board's times, and are not held against limits"


def rows_of(result: Comparison) -> list[tuple[str, ...]]:
    """A row a metric, under :data:`HEADING`."""
    return [
        (
            v.metric,
            f"{v.base:.4g} {v.unit}",
            f"{v.new:.4g} {v.unit}",
            change(v.ratio.value, v),
            interval(v),
            "" if v.allowed is None else f"{v.allowed:g}" if points(v) else f"{v.allowed:.0%}",
            "" if v.notices is None else f"{v.notices:.1f}" if points(v) else f"{v.notices:.0%}",
            _verdict(v),
        )
        for v in result.metrics
    ]


def points(v: MetricVerdict) -> bool:
    """Whether the change is a difference in points, and not a ratio."""
    return v.unit == "%"


def change(ratio: float, v: MetricVerdict) -> str:
    """``+1.2%``, or ``+1.2`` points."""
    return f"{ratio:+.1f}" if points(v) else f"{ratio - 1:+.1%}"


def interval(v: MetricVerdict) -> str:
    """``-1.0% to +2.0%``; empty where there is none."""
    if v.ratio.low is None or v.ratio.high is None:
        return ""
    return f"{change(v.ratio.low, v)} to {change(v.ratio.high, v)}"


def why(v: MetricVerdict) -> str:
    """What is wrong with a metric that fails."""
    if v.kept == "missed":
        return f"{v.metric} is {v.new:.4g} {v.unit}, over the limit of {v.limit:g}"
    return f"{v.metric} changed by {change(v.ratio.value, v)} and is {v.change}"


def doubts(result: Comparison) -> str:
    """A sentence on what the noise hides; empty where it hides nothing."""
    found = [v.metric for v in result.metrics if v.doubtful]
    if not found:
        return ""
    return (
        f"unclear: {', '.join(found)}: the noise hides whether the budget is kept; "
        "more rounds or a quieter machine tell"
    )


def _verdict(v: MetricVerdict) -> str:
    words = v.change if v.allowed is not None else f"({v.change})"
    if v.limit is not None:
        words += f"; limit {v.limit:g} {v.unit}: {v.kept}"
    return words.upper() if v.fails else words
