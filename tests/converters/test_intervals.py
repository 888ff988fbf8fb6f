"""The intervals of macro-F1 and of what was lost of it."""

from __future__ import annotations

import numpy as np
import pytest

from edge_sdk.converters.fusion.metrics import classification_metrics
from edge_sdk.converters.intervals import _macro_f1, drop_interval, f1_intervals


def test_equal_answers_lose_nothing() -> None:
    truth = np.array([0, 1, 2, 0, 1])
    answers = np.array([0, 1, 1, 0, 1])
    assert drop_interval(truth, answers, answers, 3) == (0.0, 0.0)
    assert drop_interval(truth[:0], truth[:0], truth[:0], 3) == (0.0, 0.0)


def test_the_true_drop_lies_within() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 400)
    before = np.where(rng.random(400) < 0.95, truth, (truth + 1) % 3)
    after = np.where(rng.random(400) < 0.85, before, (before + 1) % 3)
    low, high = drop_interval(truth, before, after, 3)
    scores = [classification_metrics(truth, a, ("a", "b", "c")).f1 for a in (before, after)]
    assert scores == pytest.approx([_macro_f1(truth, a, 3) for a in (before, after)])
    assert 0 < low < 100 * (scores[0] - scores[1]) < high < 25


def test_the_loss_of_the_same_samples_is_surer_than_either_score() -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 3, 300)
    before = np.where(rng.random(300) < 0.8, truth, (truth + 1) % 3)
    after = np.where(rng.random(300) < 0.98, before, (before + 1) % 3)
    one, other, lost = f1_intervals(truth, before, after, 3)
    for answers, (low, high) in ((before, one), (after, other)):
        assert low < _macro_f1(truth, answers, 3) < high
    spread = 100 * (one[1] - one[0])
    assert 0 < lost[1] - lost[0] < spread / 2
    assert drop_interval(truth, before, after, 3) == lost
