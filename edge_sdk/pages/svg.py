"""Drawing with matplotlib and setting the drawing into a page."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from ..errors import DependencyError
from .style import GRID, INK, PAPER, SERIES, VARIABLES

#: Of a plot, in inches; the page scales it to its own width.
WIDTH, HEIGHT = 9.0, 3.4

_SETTINGS: dict[str, Any] = {
    # Without the salt, identifiers are random; text stays text and takes the page's font.
    "svg.hashsalt": "edge-sdk",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "text.parse_math": False,
    "axes.formatter.useoffset": False,
}


class Drawing(msgspec.Struct):
    """A plot: the text of an ``svg`` element in stand-in colours."""

    svg: str = ""


class Canvas:
    """matplotlib's axes to draw on, and what became of them when the block ended.

    Attributes:
        axes: one :class:`matplotlib.axes.Axes`, or an array of them.
        colours: what to give as colours of series.
        ink: the colour of text, for lines that are no series.
        drawing: the plot; empty inside the block.
    """

    colours = SERIES
    ink = INK
    paper = PAPER

    def __init__(self, axes: Any) -> None:
        self.axes = axes
        self.drawing = Drawing()


@contextmanager
def canvas(
    *, width: float = WIDTH, height: float = HEIGHT, rows: int = 1, columns: int = 1
) -> Iterator[Canvas]:
    """Axes for a plot that none of the ready ones draws; ``drawing`` of what it gives is the plot.

    Args:
        width: in inches; the page scales the plot, so that it sets the size of the letters.
        height: in inches.
        rows: of axes; with ``columns``, ``axes`` is an array of axes where there are several.
        columns: of axes.

    Raises:
        DependencyError: matplotlib is not installed.
    """
    figure_class, context = _matplotlib()
    with context(_SETTINGS):
        figure = figure_class(figsize=(width, height))
        drawn = Canvas(figure.subplots(rows, columns))
        yield drawn
        buffer = io.StringIO()
        # No date: the same numbers give the same bytes.
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    drawn.drawing.svg = buffer.getvalue()


def embedded(drawing: Drawing, name: str, alt: str) -> str:
    """The element as it stands in a page: its identifiers its own, its colours the page's.

    ``alt`` must be escaped already.
    """
    svg = drawing.svg[drawing.svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    for stand_in, variable in VARIABLES.items():
        svg = svg.replace(stand_in, variable)
    size = re.search(r'viewBox="[^"]+"', svg)
    opened = f'<svg class="plot" role="img" aria-labelledby="{name}-title"'
    opened += f" {size[0]}" if size else ""
    opened += ' xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    body = svg[svg.index(">") + 1 :].strip()
    return f'{opened}<title id="{name}-title">{alt}</title>{body}'


def _matplotlib() -> tuple[Any, Any]:
    # It tells of fonts and caches on its logger, which is nobody's concern here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DependencyError(
            "Reports are drawn with matplotlib, which is not installed here: "
            "pip install 'edge-sdk[report]'."
        ) from error
    return Figure, rc_context
