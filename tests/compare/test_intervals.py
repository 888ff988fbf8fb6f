"""Intervals on distributions whose truth is known; seeds in place of a clock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_sdk.benchmarks.compare.comparison import change_of, limit_of
from edge_sdk.benchmarks.compare.intervals import (
    Ratio,
    ratio_of_pairs,
    ratio_of_rounds,
    student,
)

RUNS = 20


def blocks(
    seed: int, slower: float, *, noise: float = 0.04, layout: float = 0.01
) -> list[list[float]]:
    """Ratios as a busy machine gives them: heavy tails within a process, a bias between them."""
    draw = np.random.default_rng(seed)
    return [
        list(slower * np.exp(draw.normal(0, layout) + noise * draw.standard_t(3, 10)))
        for _ in range(4)
    ]  # fmt: skip


def rounds(seed: int, middle: float, *, noise: float = 0.012) -> list[float]:
    return list(middle * np.exp(np.random.default_rng(seed).normal(0, noise, 5)))


def test_twenty_equal_pairs_raise_at_most_one_alarm() -> None:
    worse = sum(change_of(ratio_of_pairs(blocks(i, 1.0)), 0.05)[0] == "worse" for i in range(RUNS))
    better = sum(
        change_of(ratio_of_pairs(blocks(i, 1.0)), 0.05)[0] == "better" for i in range(RUNS)
    )
    assert worse <= 1
    assert better <= 1


def test_a_tenth_slower_in_turns_is_caught() -> None:
    found = [
        change_of(ratio_of_pairs(blocks(100 + i, 1.10, noise=0.02)), 0.05)[0] for i in range(RUNS)
    ]
    assert found.count("worse") >= RUNS - 1


def test_twenty_equal_profiles_raise_at_most_one_alarm() -> None:
    found = [
        change_of(ratio_of_rounds(rounds(2 * i, 5.0), rounds(2 * i + 1, 5.0)), 0.05)[0]
        for i in range(RUNS)
    ]
    assert found.count("worse") <= 1


def test_a_tenth_slower_profile_is_caught() -> None:
    found = [
        change_of(ratio_of_rounds(rounds(2 * i, 5.0), rounds(2 * i + 1, 5.5)), 0.05)[0]
        for i in range(RUNS)
    ]
    assert found.count("worse") >= RUNS - 1


def test_a_tenth_faster_is_seen_too() -> None:
    assert change_of(ratio_of_pairs(blocks(7, 0.88, noise=0.02)), 0.05)[0] == "better"


def test_noise_is_called_unclear_and_not_the_same() -> None:
    """A gate that cannot see does not say that all is well."""
    change, notices = change_of(ratio_of_pairs(blocks(3, 1.0, noise=0.6)), 0.05)
    assert change == "unclear"
    assert notices is not None
    assert notices > 0.15


def test_few_rounds_have_no_interval() -> None:
    assert ratio_of_rounds([1.0, 1.0], [1.2, 1.2, 1.2]) == Ratio(value=1.2, low=None, high=None)
    assert change_of(ratio_of_rounds([1.0], [2.0]), 0.05) == ("unclear", None)
    assert ratio_of_pairs([[1.0, 1.1]]).low is None


def test_what_does_not_vary_is_exact() -> None:
    ratio = ratio_of_rounds([2.0] * 3, [2.2] * 3)
    assert (ratio.low, ratio.high) == (pytest.approx(1.1), pytest.approx(1.1))
    assert change_of(ratio, 0.05)[0] == "worse"
    assert change_of(ratio, 0.11)[0] == "same"


def test_one_disturbed_block_moves_nothing() -> None:
    calm = blocks(5, 1.0, noise=0.01)
    disturbed = [[9.0, *one[1:]] for one in calm]
    assert ratio_of_pairs(disturbed).value == pytest.approx(ratio_of_pairs(calm).value, rel=0.02)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.1, 10), min_size=3, max_size=8),
       st.lists(st.floats(0.1, 10), min_size=3, max_size=8))  # fmt: skip
def test_swapping_the_sides_turns_the_ratio_over(base: list[float], new: list[float]) -> None:
    one, other = ratio_of_rounds(base, new), ratio_of_rounds(new, base)
    assert one.low is not None
    assert other.high is not None
    assert one.low == pytest.approx(1 / other.high)
    assert one.low <= one.value <= (one.high or 0)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (8, 2.306), (1e6, 1.960)],
)  # fmt: skip
def test_students_quantiles_are_those_of_the_tables(freedom: float, quantile: float) -> None:
    assert student(freedom) == pytest.approx(quantile, rel=0.011)


def test_a_limit_inside_the_interval_is_unclear() -> None:
    assert limit_of(10, 9, 11, 12) == "kept"
    assert limit_of(10, 9, 11, 8) == "missed"
    assert limit_of(10, 9, 11, 10.5) == "unclear"
    assert limit_of(10, None, None, 9) == "missed"
