"""Tiny figures in place of the real ones, and a bench that has nothing to convert."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from edge_sdk.benchmarks.bench import Bench
from edge_sdk.benchmarks.figure import Figure, Reading

MakeReading = Callable[..., Reading]


def reading(*values: float, limit: float = 1.0, goal: float | None = None) -> Reading:
    return Reading(what="a | b", unit="x", values=values, limit=limit, goal=goal, detail="fake")


def figure(name: str, measure: Callable[[Bench], Iterable[Reading]]) -> Figure:
    return Figure(name, f"the figure {name}", measure)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path / "checkpoint", tmp_path / "data") as made:
        yield made
