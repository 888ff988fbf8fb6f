"""What commands print: one JSON object, or tables; problems go to standard error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ..errors import DependencyError

if TYPE_CHECKING:
    from ..bundle.manifest import FloatShare


def check_report() -> None:
    """Refuse a page now that could not be drawn at the end.

    Raises:
        DependencyError: matplotlib is not installed.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise DependencyError(
            "--html needs matplotlib, which is not installed here: pip install 'edge-sdk[report]'."
        )


def emit_json(value: Any) -> None:
    """Print ``value`` as one JSON object on standard output."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def printable(text: str) -> str:
    """``text`` without the bytes of a file name that are no UTF-8, which JSON cannot carry."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def emit_error(kind: str, sentence: str, exit_code: int, *, as_json: bool) -> None:
    """Say what went wrong: a sentence, or with ``--json`` an object with it."""
    sentence = printable(sentence)
    click.echo(f"error: {sentence}", err=True)
    if as_json:
        emit_json({"error": {"kind": kind, "message": sentence, "exit_code": exit_code}})


def unforeseen(error: OSError | MemoryError) -> tuple[str, str]:
    """The kind and the sentence of what the machine refused where nothing of ours foresaw it."""
    if isinstance(error, MemoryError):
        return "memory", "There is not enough memory for this."
    place = f"{error.filename}: " if error.filename else ""
    return "system", f"{place}{error.strerror or error}."


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows (the first is the header) in aligned columns; numbers go to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    numeric = [all(_is_number(row[i]) for row in rows[1:]) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def float_cell(share: FloatShare | None) -> str:
    """What stayed float in an int8 graph; empty for a graph that is float as a whole."""
    if share is None:
        return ""
    if not share.nodes:
        return "nothing"
    nodes = ", ".join(f"{count} {operator}" for operator, count in share.nodes.items())
    return f"{nodes}: {share.weights:.0%} of weights, {share.macs:.0%} of MACs"


def _is_number(cell: str) -> bool:
    return not cell or cell.lstrip("+-").removesuffix("%").replace(".", "", 1).isdigit()
