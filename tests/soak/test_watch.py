"""The slope of what a soak watches: not moved by outliers, nor by what others did meanwhile."""

from __future__ import annotations

import numpy as np
import pytest

from edge_sdk.benchmarks.soak.watch import slope

MINUTES = np.arange(60) / 20


def test_a_few_outliers_do_not_move_it() -> None:
    values = 2 * MINUTES
    values[::10] += 500
    assert slope(MINUTES, values) == pytest.approx(2)


def test_what_waits_for_others_is_compared_with_its_like_alone() -> None:
    waiting = np.linspace(0, 0.6, 60)
    values = 100 * waiting
    assert slope(MINUTES, values) > 10
    alike = np.resize([0.1, 0.6], 60)
    assert slope(MINUTES, 100 * alike + MINUTES, alike) == pytest.approx(1)


def test_shares_that_are_as_good_as_equal_leave_no_pair_out() -> None:
    rng = np.random.default_rng(0)
    values, nothing = rng.normal(80, 10, 60), rng.uniform(0, 0.005, 60)
    assert slope(MINUTES, values, nothing) == slope(MINUTES, values)


def test_no_pair_has_no_slope() -> None:
    assert slope([1.0], [5.0]) == 0.0
