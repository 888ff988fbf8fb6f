"""Metrics against counting by hand."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.converters.fusion.metrics import (
    classification_metrics,
    confusion_matrix,
    majority_baseline,
)
from edge_sdk.errors import DataError

LABELS = ("a", "b", "c", "d")
pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


def test_hand_computed_example() -> None:
    m = classification_metrics([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2], LABELS)
    assert m.samples == 6
    assert m.accuracy == pytest.approx(4 / 6)
    assert [c.precision for c in m.classes] == pytest.approx([1, 1 / 2, 1 / 2, 0])
    assert [c.recall for c in m.classes] == pytest.approx([2 / 3, 1 / 2, 1, 0])
    assert [c.f1 for c in m.classes] == pytest.approx([4 / 5, 1 / 2, 2 / 3, 0])
    # class d neither occurs nor is predicted: it takes no part in the means
    assert m.f1 == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    assert m.majority == pytest.approx(3 / 6)
    assert m.confusion == ((2, 1, 0, 0), (0, 1, 1, 0), (0, 0, 1, 0), (0, 0, 0, 0))


@given(pairs)
def test_metrics_agree_with_counting(data: list[tuple[int, int]]) -> None:
    true, predicted = (list(column) for column in zip(*data, strict=True))
    m = classification_metrics(true, predicted, LABELS)
    f1 = []
    for index, entry in enumerate(m.classes):
        hit = sum(t == p == index for t, p in data)
        said, was = predicted.count(index), true.count(index)
        assert entry.support == was
        assert entry.precision == pytest.approx(hit / said if said else 0)
        assert entry.recall == pytest.approx(hit / was if was else 0)
        if said or was:
            f1.append(2 * hit / (said + was))
            assert entry.f1 == pytest.approx(f1[-1])
    assert m.f1 == pytest.approx(sum(f1) / len(f1))
    assert m.accuracy == pytest.approx(sum(t == p for t, p in data) / len(data))
    assert np.sum(m.confusion) == len(data)
    assert m.majority == majority_baseline(true, 4) == max(map(true.count, range(4))) / len(data)


def test_nothing_to_measure_is_zero() -> None:
    m = classification_metrics([], [], LABELS)
    assert (m.samples, m.accuracy, m.f1, m.majority) == (0, 0.0, 0.0, 0.0)


def test_bad_indices_are_refused() -> None:
    with pytest.raises(DataError, match="2 true classes but 1"):
        confusion_matrix([0, 1], [0], 2)
    with pytest.raises(DataError, match="predicted class is outside"):
        confusion_matrix([0, 1], [0, 2], 2)


def test_metrics_need_no_torch() -> None:
    code = (
        "import sys; import edge_sdk.converters.fusion.metrics, edge_sdk.converters.fusion.config;"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
