"""The plots that reports share; for any other take :func:`~edge_sdk.pages.canvas`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from .svg import HEIGHT, Canvas, Drawing, canvas

__all__ = ["Series", "bars", "canvas", "histogram", "lines", "scatter", "spans"]

_ROW = 0.32  # inches that a bar takes


class Series(msgspec.Struct, kw_only=True):
    """Points of one colour.

    Attributes:
        name: in the legend; nothing there if empty.
        x: of the points.
        y: as many.
        low: lower ends of a band or of error bars, as many, or None.
        high: upper ends.
        labels: of single points, in :func:`scatter`.
        join: of the points in :func:`scatter`; ``steps`` for a Pareto front.
    """

    name: str = ""
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    labels: Sequence[str] = ()
    join: Literal["none", "line", "steps"] = "none"


def lines(
    series: Sequence[Series],
    *,
    x: str,
    y: str,
    limit: float | None = None,
    log_x: bool = False,
    log_y: bool = False,
    from_zero: bool = False,
    height: float = HEIGHT,
) -> Drawing:
    """Lines over a common axis, with a band where a series has one.

    Args:
        series: the lines.
        x: what the axis shows, with its unit.
        y: as ``x``.
        limit: a dashed line across, at this height.
        log_x: a logarithmic axis.
        log_y: a logarithmic axis.
        from_zero: let the upright axis begin at 0.
        height: of the plot in inches.
    """
    with canvas(height=height) as drawn:
        axes = drawn.axes
        for one, colour in zip(series, _colours(drawn, len(series)), strict=True):
            marker = "o" if len(one.x) <= 2 else None
            axes.plot(one.x, one.y, color=colour, label=one.name or None, marker=marker)
            if one.low is not None and one.high is not None:
                axes.fill_between(one.x, one.low, one.high, color=colour, alpha=0.2, linewidth=0)
        if limit is not None:
            axes.axhline(limit, color=drawn.ink, linestyle="--", linewidth=1, label="limit")
        axes.set_xscale("log" if log_x else "linear")
        axes.set_yscale("log" if log_y else "linear")
        if from_zero:
            axes.set_ylim(bottom=0)
        _finish(axes, x, y, legend=limit is not None or any(one.name for one in series))
    return drawn.drawing


def scatter(
    series: Sequence[Series],
    *,
    x: str,
    y: str,
    log_x: bool = False,
    limit_x: float | None = None,
    limit_y: float | None = None,
    height: float = HEIGHT,
) -> Drawing:
    """Points, each with its label; ``low`` and ``high`` of a series are error bars.

    ``limit_x`` and ``limit_y`` are dashed lines.
    """
    with canvas(height=height) as drawn:
        axes = drawn.axes
        markers = "osD^vPX*"
        for i, (one, colour) in enumerate(zip(series, _colours(drawn, len(series)), strict=True)):
            axes.scatter(one.x, one.y, color=colour, marker=markers[i % 8], s=42,
                         label=one.name or None, zorder=3)  # fmt: skip
            if one.low is not None and one.high is not None:
                ends = np.array([np.subtract(one.y, one.low), np.subtract(one.high, one.y)])
                axes.errorbar(one.x, one.y, ends.clip(0), fmt="none", color=colour, capsize=3)
            if one.join != "none":
                order = np.argsort(one.x, kind="stable")
                how = "steps-post" if one.join == "steps" else "default"
                axes.plot(np.take(one.x, order), np.take(one.y, order), color=colour,
                          drawstyle=how, linewidth=1)  # fmt: skip
            for label, at, up in zip(one.labels, one.x, one.y, strict=False):
                axes.annotate(label, (at, up), (6, 6), textcoords="offset points", fontsize=9)
        if limit_x is not None:
            axes.axvline(limit_x, color=drawn.ink, linestyle="--", linewidth=1)
        if limit_y is not None:
            axes.axhline(limit_y, color=drawn.ink, linestyle="--", linewidth=1)
        axes.set_xscale("log" if log_x else "linear")
        axes.margins(0.1)
        _finish(axes, x, y, legend=any(one.name for one in series))
    return drawn.drawing


def bars(
    labels: Sequence[str],
    values: Mapping[str, Sequence[float]],
    *,
    x: str,
    errors: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    stacked: bool = False,
    log: bool = False,
) -> Drawing:
    """Lying bars, the first label on top.

    Args:
        labels: one a row.
        values: by name of the series, one a label.
        x: what the axis shows, with its unit.
        errors: by name of the series, the interval (low, high) of each value.
        stacked: put the series end to end and not below each other.
        log: a logarithmic axis.
    """
    count = 1 if stacked else max(1, len(values))
    height = 0.9 + _ROW * max(2, len(labels)) * (1 if count == 1 else 0.35 + 0.5 * count)
    with canvas(height=height) as drawn:
        axes = drawn.axes
        rows = np.arange(len(labels))
        thick = 0.72 / count
        begin = np.zeros(len(labels))
        for i, ((name, ends), colour) in enumerate(
            zip(values.items(), _colours(drawn, len(values)), strict=True)
        ):
            at = rows + (0 if stacked else (i - (count - 1) / 2) * thick)
            error = (errors or {}).get(name)
            spread = None
            if error is not None:
                spread = np.array([(v - a, b - v) for v, (a, b) in zip(ends, error, strict=True)])
                spread = spread.T.clip(0)
            axes.barh(at, ends, thick, left=begin if stacked else None, color=colour, label=name,
                      xerr=spread, ecolor=drawn.ink, capsize=2)  # fmt: skip
            begin = begin + np.asarray(ends, float)
        axes.set_yticks(rows, labels)
        axes.invert_yaxis()
        axes.grid(False, axis="y")
        axes.set_xscale("log" if log else "linear")
        _finish(axes, x, "", legend=len(values) > 1)
    return drawn.drawing


def spans(
    rows: Sequence[tuple[str, float, float]], *, x: str, notes: Sequence[str] = ()
) -> Drawing:
    """A waterfall: each row a label, where it begins and how long it takes; a note behind each."""
    with canvas(height=0.9 + _ROW * max(2, len(rows))) as drawn:
        axes = drawn.axes
        for i, (_, begin, length) in enumerate(rows):
            axes.barh(i, length, 0.72, left=begin, color=drawn.colours[0])
        for i, ((_, begin, length), note) in enumerate(zip(rows, notes, strict=False)):
            axes.annotate(note, (begin + length, i), (5, 0), textcoords="offset points",
                          va="center", fontsize=9)  # fmt: skip
        axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
        axes.invert_yaxis()
        axes.grid(False, axis="y")
        if notes:  # room for the note of the last row
            axes.set_xlim(0, 1.14 * max(begin + length for _, begin, length in rows))
        _finish(axes, x, "", legend=False)
    return drawn.drawing


def histogram(
    values: Mapping[str, Sequence[float]],
    *,
    x: str,
    y: str = "count",
    marks: Mapping[str, float] | None = None,
    bins: int = 60,
    cut: float | None = None,
) -> Drawing:
    """How values are distributed, by name of the series.

    Args:
        values: the values themselves.
        x: what they are, with their unit.
        y: what is counted.
        marks: upright lines with a name (``{"p50": 2.1}``).
        bins: of equal width over all series.
        cut: what lies above is counted in the last bin: a rare outlier does not squeeze the rest.
    """
    with canvas() as drawn:
        axes = drawn.axes
        arrays = {name: np.asarray(list(v), float) for name, v in values.items()}
        if cut is not None:
            arrays = {name: v.clip(max=cut) for name, v in arrays.items()}
        edges = np.histogram_bin_edges(np.concatenate(list(arrays.values())), bins)
        alpha = 1.0 if len(arrays) == 1 else 0.6
        for (name, array), colour in zip(arrays.items(), _colours(drawn, len(arrays)), strict=True):
            counts, _ = np.histogram(array, edges)
            axes.stairs(counts, edges, fill=True, color=colour, alpha=alpha, label=name or None)
        for i, (name, at) in enumerate((marks or {}).items()):
            axes.axvline(at, color=drawn.ink, linewidth=1, linestyle="--")
            # Neighbours take turns in height: percentiles lie close together.
            place = (at, 1 - 0.09 * (i % 4))
            axes.annotate(
                name,
                place,
                (3, -2),
                fontsize=9,
                va="top",
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
            )
        _finish(axes, x, y, legend=len(arrays) > 1)
    return drawn.drawing


def _finish(axes: Any, x: str, y: str, *, legend: bool) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":  # its own labels are in the mathematics that is turned off
            axis.set_major_formatter("{x:g}")
    if legend:
        # Above the axes: it can hide nothing there.
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2)


def _colours(drawn: Canvas, count: int) -> list[str]:
    return [drawn.colours[i % len(drawn.colours)] for i in range(count)]
