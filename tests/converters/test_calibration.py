"""Calibration: exact ranges over all samples, one sample in memory, no made-up numbers."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_sdk.converters.calibration.ranges import calibrate, expose
from edge_sdk.converters.reference import Reference
from edge_sdk.errors import DataError

from .graphs import conv_gru_gemm, linear

Feed = dict[str, NDArray[np.float32]]


def feeds(count: int = 12) -> list[Feed]:
    """Samples of several lengths; the extremes are in the middle ones."""
    rng = np.random.default_rng(0)
    found = []
    for i in range(count):
        scale = 5.0 if i == count // 2 else 1.0
        x = rng.normal(0, scale, (1, 3, int(rng.integers(2, 20))))
        found.append({"features": x.astype(np.float32)})
    return found


def test_ranges_are_the_extremes_over_all_samples() -> None:
    graph = conv_gru_gemm(np.random.default_rng(1))
    samples = feeds()
    seen = calibrate(graph, iter(samples))
    assert seen.samples == len(samples)
    names = ["features", "c", "t", "y", "last", "s", "embedding"]
    assert sorted(seen.ranges) == sorted(names)
    probe = Reference(expose(graph, names))
    values = [{**feed, **probe.run(feed)} for feed in samples]
    for name in names:
        low = min(float(value[name].min()) for value in values)
        high = max(float(value[name].max()) for value in values)
        assert seen.ranges[name] == (low, high)


def test_shapes_are_those_of_the_first_sample() -> None:
    graph = conv_gru_gemm(np.random.default_rng(1))
    seen = calibrate(graph, [{"features": np.zeros((1, 3, t), np.float32)} for t in (7, 9)])
    assert seen.shapes["c"] == (1, 4, 7)
    assert seen.shapes["y"] == (7, 1, 1, 5)


def test_the_graph_itself_is_left_alone() -> None:
    graph = conv_gru_gemm(np.random.default_rng(1))
    before = graph.SerializeToString()
    calibrate(graph, feeds(2))
    assert graph.SerializeToString() == before


def test_samples_are_taken_one_at_a_time_and_let_go() -> None:
    taken: list[weakref.ref[NDArray[np.float32]]] = []
    alive: list[int] = []

    def stream() -> Iterator[Feed]:
        for _ in range(6):
            gc.collect()
            alive.append(sum(reference() is not None for reference in taken))
            x = np.random.default_rng(0).normal(0, 1, (1, 3, 50)).astype(np.float32)
            taken.append(weakref.ref(x))
            feed = {"features": x}
            del x
            yield feed
            del feed

    seen = calibrate(conv_gru_gemm(np.random.default_rng(1)), stream())
    assert seen.samples == 6
    # Whenever a sample is asked for, every earlier one is gone.
    assert alive == [0] * 6


def test_no_sample_is_an_error() -> None:
    with pytest.raises(DataError, match="no calibration sample"):
        calibrate(conv_gru_gemm(np.random.default_rng(1)), [])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_input_that_is_no_number_is_named_with_its_sample(value: float) -> None:
    samples = feeds(4)
    samples[2]["features"][0, 1, 1] = value
    with pytest.raises(DataError, match="sample 3 makes the activation features infinite or NaN"):
        calibrate(conv_gru_gemm(np.random.default_rng(1)), samples)


def test_an_activation_that_overflows_is_named() -> None:
    graph = linear(np.full((2, 2), 1e30, np.float32), np.zeros(2, np.float32))
    with pytest.raises(DataError, match=r"sample 1 makes the activation (sum|embedding)"):
        calibrate(graph, [{"features": np.full((1, 2), 1e30, np.float32)}])
