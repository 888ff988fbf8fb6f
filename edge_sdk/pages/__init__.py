"""HTML reports that stand alone: one file, no script, no network, readable in light and dark.

:class:`Page` puts headings, tables and plots in order; :mod:`.plots` draws with matplotlib (extra
``[report]``, imported when the first plot is drawn). The same content gives the same bytes.
"""

from .page import Page
from .plots import Series, bars, canvas, histogram, lines, scatter, spans

__all__ = ["Page", "Series", "bars", "canvas", "histogram", "lines", "scatter", "spans"]
