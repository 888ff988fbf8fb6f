"""The look of a page: its style sheet, and the colours that plots take from it.

Plots are drawn in stand-in colours; in the page each becomes a variable of the style sheet, so
that one drawing serves light and dark.
"""

from __future__ import annotations

#: Stand-in for the colour of the text, of grid lines, and of the page behind a plot.
INK, GRID, PAPER = "#010101", "#020202", "#030303"
#: Stand-ins for the colours of series, in order; eight that colour-blind readers tell apart.
SERIES = tuple(f"#0a0a{number:02x}" for number in range(10, 18))

_LIGHT = ("#0072b2", "#d55e00", "#00805c", "#b0508a", "#a87800", "#3a8fc4", "#5f5f5f", "#7a3db8")
_DARK = ("#56b4e9", "#ff9a4d", "#3dcc9e", "#e691c3", "#f0d442", "#9ccff0", "#b5b5b5", "#bb93f0")

#: Stand-in colour -> what stands in the page.
VARIABLES = {
    INK: "var(--ink)",
    GRID: "var(--line)",
    PAPER: "var(--paper)",
    **{name: f"var(--series-{number})" for number, name in enumerate(SERIES, 1)},
}


def _scheme(
    ink: str, soft: str, line: str, paper: str, raised: str, series: tuple[str, ...]
) -> str:
    colours = "".join(f"--series-{number}:{value};" for number, value in enumerate(series, 1))
    named = f"--ink:{ink};--soft:{soft};--line:{line};--paper:{paper};--raised:{raised};"
    return f":root{{{named}{colours}}}"


CSS = f"""
{_scheme("#1a1c1f", "#555b63", "#d5d8dc", "#ffffff", "#f4f5f7", _LIGHT)}
@media (prefers-color-scheme: dark) {{
{_scheme("#e8e9eb", "#a5abb3", "#3d4249", "#16181b", "#202327", _DARK)}
}}
:root {{ color-scheme: light dark; }}
* {{ box-sizing: border-box; }}
body {{
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem;
  background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}}
h1 {{ font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; }}
h2 {{ font-size: 1.25rem; margin: 2.5rem 0 .5rem; border-top: 1px solid var(--line);
  padding-top: 1.25rem; }}
p {{ margin: .5rem 0 1rem; max-width: 46rem; }}
.lead {{ color: var(--soft); }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: 1rem 0; }}
dt {{ color: var(--soft); }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
.scroll {{ overflow-x: auto; margin: 1rem 0; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; color: var(--soft); padding-bottom: .4rem; }}
th, td {{ padding: .3rem .9rem .3rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }}
th {{ font-weight: 600; }}
tbody th {{ font-weight: inherit; }}
.number {{ text-align: right; white-space: nowrap; }}
.good {{ color: var(--series-3); font-weight: 600; }}
.bad {{ color: var(--series-2); font-weight: 600; }}
figure {{ margin: 1.25rem 0; overflow-x: auto; }}
figcaption {{ color: var(--soft); margin-top: .25rem; max-width: 46rem; }}
figure svg {{ display: block; width: 100%; min-width: 34rem; height: auto; }}
figure svg text {{ font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans",
  sans-serif !important; }}
footer {{ margin-top: 3rem; color: var(--soft); font-size: .875rem; }}
@media (max-width: 40rem) {{ dl {{ grid-template-columns: 1fr; }} dd {{ margin-bottom: .4rem; }} }}
@media print {{ figure, table {{ break-inside: avoid; }} }}
"""
