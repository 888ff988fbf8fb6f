"""A comparison as a page to look at."""

from __future__ import annotations

from pathlib import Path

from edge_sdk.pages import Page, canvas

from .comparison import Comparison, MetricVerdict
from .words import EMULATED, HEADING, doubts, interval, points, rows_of, why

_ROW = 0.34  # inches that a metric takes


def write_page(result: Comparison, path: Path) -> None:
    """Write the page, aside first.

    Raises:
        DependencyError: matplotlib is not installed.
        StorageError: the place cannot be written or is full.
    """
    page_of(result).write(path)


def page_of(result: Comparison) -> Page:
    """The page: the verdict, the changes with their intervals, every metric."""
    failing = [v for v in result.metrics if v.fails]
    page = Page("Comparison", lead=f"{result.new} against {result.base}, for {result.target}.")
    page.facts(
        {
            "verdict": "passed" if result.passed else "not passed",
            "base": result.base,
            "new": result.new,
            "gated": ", ".join(v.metric for v in result.metrics if _gated(v)) or "nothing",
        }
    )
    for v in failing:
        page.text(f"{why(v)}.")
    if result.emulated:
        page.text(f"{EMULATED.capitalize()}.")
    for sentence in (*result.warnings, doubts(result)):
        if sentence:
            page.text(sentence)
    page.section(
        "Changes",
        "New over base, with 95% intervals. A metric fails where its whole interval lies beyond "
        "what is allowed (the tick to the right of it); where the interval reaches across the "
        "tick, the noise hides the answer.",
    )
    drawn = [v for v in result.metrics if not points(v)]
    if drawn:
        _changes(page, drawn)
    page.table(HEADING, rows_of(result), caption="Every metric. Smaller is better, but accuracy.")
    return page


def _gated(v: MetricVerdict) -> bool:
    return v.allowed is not None or v.limit is not None


def _changes(page: Page, metrics: list[MetricVerdict]) -> None:
    with canvas(height=0.9 + _ROW * len(metrics)) as drawn:
        axes = drawn.axes
        good, bad = drawn.colours[0], drawn.colours[1]
        for place, v in enumerate(reversed(metrics)):
            middle = 100 * (v.ratio.value - 1)
            colour = bad if v.fails else good
            if v.ratio.low is not None and v.ratio.high is not None:
                ends = [100 * (v.ratio.low - 1), 100 * (v.ratio.high - 1)]
                axes.plot(ends, [place, place], color=colour, linewidth=2)
            axes.plot([middle], [place], "o", color=colour)
            if v.allowed is not None:
                axes.plot([100 * v.allowed], [place], "|", color=drawn.ink, markersize=14)
        axes.axvline(0, color=drawn.ink, linewidth=1)
        axes.set_yticks(range(len(metrics)), [v.metric for v in reversed(metrics)])
        axes.set_xlabel("change in %: slower and larger to the right")
    page.plot(
        drawn.drawing,
        caption="Points are the changes, lines their intervals, ticks what is allowed.",
        alt="; ".join(
            f"{v.metric} {100 * (v.ratio.value - 1):+.1f}% ({interval(v) or 'no interval'}), "
            f"{v.change}"
            for v in metrics
        ),
    )
