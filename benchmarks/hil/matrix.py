"""The page of bundles x boards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from edge_sdk.pages import Page

Outcome = Literal["passed", "failed", "skipped"]
_WORDS = {"passed": "passed", "failed": "FAILED", "skipped": "not run"}


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """How one test of one bundle on one board ended; ``emulated`` None: it was not found out."""

    board: str
    bundle: str
    test: str
    outcome: Outcome
    emulated: bool | None = None


def write_matrix(cells: Sequence[Cell], path: Path) -> None:
    """Write the page, aside first.

    Raises:
        StorageError: the place cannot be written or is full.
    """
    matrix_of(cells).write(path)


def matrix_of(cells: Sequence[Cell]) -> Page:
    """A table of all pairs, and one of the tests for each pair."""
    pairs: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        pairs.setdefault((cell.bundle, cell.board), []).append(cell)
    emulated = {cell.board for cell in cells if cell.emulated}
    boards = list(dict.fromkeys(cell.board for cell in cells))
    bundles = list(dict.fromkeys(cell.bundle for cell in cells))
    page = Page("Bundles on boards", lead=f"{len(bundles)} bundles, {len(boards)} boards.")
    if emulated:
        page.text(
            f"Emulated: {', '.join(sorted(emulated))}. Times there say nothing about a real board."
        )
    rows = [(bundle, *(_sum(pairs.get((bundle, b), ())) for b in boards)) for bundle in bundles]
    page.table(("bundle", *boards), rows, caption="Tests that passed, of those that ran.")
    for (bundle, board), found in pairs.items():
        page.section(f"{bundle} on {board}")
        page.table(
            ("test", "outcome"),
            [(cell.test, _WORDS[cell.outcome]) for cell in found],
            caption=f"{_sum(found)}.",
        )
    return page


def _sum(cells: Sequence[Cell]) -> str:
    ran = [cell for cell in cells if cell.outcome != "skipped"]
    if not ran:
        return "not run"
    passed = sum(cell.outcome == "passed" for cell in ran)
    return f"{passed} of {len(ran)} passed"
