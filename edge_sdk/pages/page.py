"""One report as one HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Literal

from ..files import replacing
from .style import CSS
from .svg import Drawing, embedded

Cell = str | int | float | None
#: A cell of a table with a verdict is coloured, and says it in words all the same.
Verdicts = Mapping[str, Literal["good", "bad"]]

# Nothing is fetched and nothing runs, whatever a label in the report may contain.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Page:
    """A page that is written from top to bottom. Every text is escaped.

    Args:
        title: the heading, and the name of the browser's tab.
        lead: a sentence or two under it.
        language: of the text, as HTML names it.

    ::

        page = Page("Profile of doorbell", lead="On a Raspberry Pi 5, 2026-03-01.")
        page.facts({"engine": "onnxruntime 1.31.1"})
        page.section("Latency")
        page.table(("stage", "p50 ms"), [("head", 0.2)], caption="Warm, 200 calls.")
        page.plot(histogram({"whole": latencies}, x="ms"), caption="...", alt="...")
        page.write(Path("report.html"))
    """

    def __init__(self, title: str, *, lead: str = "", language: str = "en") -> None:
        self._title = title
        self._language = language
        self._plots = 0
        self._body = [f"<h1>{escape(title)}</h1>"]
        if lead:
            self._body.append(f'<p class="lead">{escape(lead)}</p>')

    def section(self, title: str, text: str = "") -> None:
        """A heading of the second level, and a paragraph below it."""
        self._body.append(f"<h2>{escape(title)}</h2>")
        if text:
            self.text(text)

    def text(self, text: str) -> None:
        """A paragraph."""
        self._body.append(f"<p>{escape(text)}</p>")

    def facts(self, facts: Mapping[str, Cell]) -> None:
        """Names and what they are, one a line."""
        rows = "".join(f"<dt>{escape(k)}</dt><dd>{_shown(v)}</dd>" for k, v in facts.items())
        self._body.append(f"<dl>{rows}</dl>")

    def table(
        self,
        header: Sequence[str],
        rows: Iterable[Sequence[Cell]],
        *,
        caption: str,
        verdicts: Verdicts | None = None,
    ) -> None:
        """A table; its first column names the rows, columns of numbers go to the right.

        Args:
            header: the names of the columns.
            rows: as many cells each; floats are shown with three digits, None as a dash. Give a
                string to show a number otherwise.
            caption: what the table says.
            verdicts: texts of cells to be coloured (``{"missed": "bad"}``).
        """
        content = [list(row) for row in rows]
        right = [
            bool(content) and all(_is_number(row[i]) for row in content) for i in range(len(header))
        ]
        head = "".join(
            f'<th scope="col"{_class("number" if number else "")}>{escape(name)}</th>'
            for name, number in zip(header, right, strict=True)
        )
        lines = []
        for row in content:
            cells = []
            for i, (cell, number) in enumerate(zip(row, right, strict=True)):
                names = ("number" if number else "", (verdicts or {}).get(str(cell), ""))
                tag = 'th scope="row"' if i == 0 else "td"
                cells.append(f"<{tag}{_class(*names)}>{_shown(cell)}</{tag.split()[0]}>")
            lines.append(f"<tr>{''.join(cells)}</tr>")
        # A wide table scrolls by itself, also from the keyboard.
        self._body.append(
            f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
            f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(lines)}</tbody></table></div>"
        )

    def plot(self, drawing: Drawing, *, caption: str, alt: str) -> None:
        """A plot with a caption below; ``alt`` says what is seen to who cannot see it."""
        self._plots += 1
        name = f"plot-{self._plots}"
        self._body.append(
            f'<figure id="{name}" tabindex="0">{embedded(drawing, name, escape(alt))}'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )

    def footer(self, text: str) -> None:
        """Small print at the end."""
        self._body.append(f"<footer>{escape(text)}</footer>")

    def render(self) -> str:
        """The page as HTML."""
        return (
            f'<!doctype html>\n<html lang="{escape(self._language)}">\n<head>\n'
            '<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(self._title)}</title>\n<style>{CSS}</style>\n</head>\n"
            "<body>\n<main>\n" + "\n".join(self._body) + "\n</main>\n</body>\n</html>\n"
        )

    def write(self, path: Path) -> None:
        """Write the page to ``path``, aside first.

        Raises:
            StorageError: the place cannot be written or is full.
        """
        with replacing(path) as aside:
            aside.write_text(self.render(), encoding="utf-8")


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        magnitude = abs(cell)
        return f"{cell:.0f}" if magnitude >= 100 else f"{cell:.3g}"
    return escape(str(cell))


def _is_number(cell: Cell) -> bool:
    if not isinstance(cell, str):
        return True
    plain = cell.strip().removesuffix("%").removesuffix("x").replace(" ", "")
    return plain.lstrip("+-−").replace(".", "", 1).replace(",", "").isdigit()


def _class(*names: str) -> str:
    found = " ".join(name for name in names if name)
    return f' class="{found}"' if found else ""
