"""The arithmetic of repeated measurements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.benchmarks.rounds import interleave
from edge_sdk.benchmarks.spread import differences, ratios, spread

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)


def test_hand_computed_spread() -> None:
    found = spread([4.0, 1.0, 3.0, 10.0])
    assert (found.median, found.low, found.high, found.count) == (3.5, 1.0, 10.0, 4)


@given(numbers)
def test_the_median_lies_inside_the_band(values: list[float]) -> None:
    found = spread(values)
    assert found.low <= found.median <= found.high
    assert found == spread(values[::-1])


def test_pairs_are_compared_one_by_one() -> None:
    pairs = [(2.0, 4.0), (9.0, 3.0)]
    assert ratios(pairs) == (0.5, 3.0)
    assert differences(pairs) == (-2.0, 6.0)


def test_a_slow_phase_that_meets_both_sides_leaves_the_ratio() -> None:
    slowness = [1.0, 1.0, 7.0, 7.0, 1.5]
    assert ratios((s * 1.0, s * 2.0) for s in slowness) == pytest.approx([0.5] * 5)


def test_both_sides_get_every_input_and_take_turns_in_going_first() -> None:
    seen: list[str] = []

    def side(name: str) -> object:
        return lambda given: seen.append(f"{name}{given}") or f"{name}{given}"

    pairs = interleave(side("a"), side("b"), range(3))  # type: ignore[arg-type]
    assert pairs == [("a0", "b0"), ("a1", "b1"), ("a2", "b2")]
    assert seen == ["a0", "b0", "b1", "a1", "a2", "b2"]


def test_no_input_no_pair() -> None:
    assert interleave(str, str, []) == []
