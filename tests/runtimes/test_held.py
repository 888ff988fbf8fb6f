"""What a session remembers of its last input is what it was, whatever the caller does next."""

from __future__ import annotations

import numpy as np
import pytest

from edge_sdk.runtimes.held import Held


@pytest.fixture
def array() -> np.ndarray:
    return np.arange(600, dtype=np.float32).reshape(300, 2)


def test_the_same_values_are_the_same_input(array: np.ndarray) -> None:
    held = Held()
    held.keep([array], 16000)
    assert held.same([array.copy()], 16000)
    assert not held.same([array.copy()], 8000)
    assert not held.same([array[1:]], 16000)
    assert not held.same([array.astype(np.float64)], 16000)
    assert not held.same([], 16000)


@pytest.mark.parametrize("row", [0, 150, 299])
def test_one_other_value_is_another_input(array: np.ndarray, row: int) -> None:
    held = Held()
    held.keep([array], None)
    other = array.copy()
    other[row, 1] += 1
    assert not held.same([other], None)


def test_writing_to_an_input_makes_it_another(array: np.ndarray) -> None:
    held = Held()
    held.keep([array], None)
    array[150] = 0
    assert not held.same([array], None)


def test_a_read_only_view_of_what_can_be_written_is_copied(array: np.ndarray) -> None:
    view = array[:]
    view.setflags(write=False)
    held = Held()
    held.keep([view], None)
    array[150] = 0
    assert not held.same([view], None)


def test_memory_is_used_again_for_other_shapes(array: np.ndarray) -> None:
    held = Held()
    for rows in (300, 10, 299):
        held.keep([array[:rows]], rows)
        assert held.same([array[:rows].copy()], rows)
    array.setflags(write=False)
    held.keep([array], None)
    assert held.same([array], None)
