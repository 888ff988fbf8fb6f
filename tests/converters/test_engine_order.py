"""Engines by measured time: what cannot be told apart, and what was not measured, stays."""

from __future__ import annotations

import msgspec
import pytest

from edge_sdk.converters.engine_order import by_time
from edge_sdk.converters.measure import Timing


class Stub(msgspec.Struct):
    engine: str
    time: Timing | None


class Found(msgspec.Struct):
    editions: tuple[Stub, ...]


@pytest.mark.parametrize(
    ("times", "order"),
    [
        ({"a": 2.0, "b": 1.0}, "ba"),
        ({"a": 1.0, "b": 2.0}, "ab"),
        ({"a": 2.0, "b": 1.9}, "ab"),
        ({"a": 2.0, "b": None, "c": 1.0}, "cba"),
        ({"a": None, "b": 3.0, "c": 2.0, "d": 1.0}, "adcb"),
        ({"a": 3.0, "b": 1.0, "c": 2.0}, "bca"),
    ],
)
def test_the_fastest_goes_first(times: dict[str, float | None], order: str) -> None:
    given = [
        Found((Stub(name, None if ms is None else Timing(ms, 0.1, 9)),))
        for name, ms in times.items()
    ]
    found, notes = by_time(given)  # type: ignore[arg-type]
    assert "".join(x.editions[0].engine for x in found) == order
    assert bool(notes) == (order != "".join(times))
    assert all("measured here" in note for note in notes)
