"""Calibrators: streams in any order and pieces, fixed memory, ranges as their methods define."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from edge_sdk.converters.calibration.coverage import Coverage
from edge_sdk.converters.calibration.entropy import best_threshold
from edge_sdk.converters.calibration.histogram import BINS, Histogram
from edge_sdk.converters.calibration.ranges import calibrate
from edge_sdk.converters.calibration.registry import calibrator_names, load_calibrator
from edge_sdk.errors import UsageError

from .graphs import conv_gru_gemm, linear

Values = NDArray[np.float32]
FINITE = st.floats(-(2.0**90), 2.0**90, width=32)
ARRAYS = hnp.arrays(np.float32, st.integers(0, 40), elements=FINITE)
# What order cannot matter to: everything but the average, to which later samples count more.
ORDERLESS = ["minmax", "percentile", "entropy", "mse"]


def counted(pieces: list[Values]) -> Histogram:
    histogram = Histogram()
    for piece in pieces:
        histogram.update(piece)
    return histogram


def state(histogram: Histogram) -> tuple[object, ...]:
    counts = histogram.counts.tolist()
    return histogram.exponent, histogram.first, counts, histogram.zeros, histogram.low


def observed(name: str, pieces: list[Values]) -> tuple[float, float]:
    observer = load_calibrator(name)()
    for piece in pieces:
        observer.update(piece)
    return observer.range()


@given(st.lists(ARRAYS, max_size=6), st.randoms())
def test_a_histogram_is_that_of_all_data_at_once(
    pieces: list[Values], random: np.random.Generator
) -> None:
    shuffled = list(pieces)
    random.shuffle(shuffled)  # type: ignore[arg-type]
    whole = counted([np.concatenate([np.zeros(0, np.float32), *pieces])])
    assert state(counted(pieces)) == state(counted(shuffled)) == state(whole)
    merged = Histogram()
    for piece in shuffled:
        merged.merge(counted([piece]))
    assert state(merged) == state(whole)


@given(ARRAYS)
def test_a_histogram_counts_every_value_in_its_bin(values: Values) -> None:
    histogram = counted([values])
    assert histogram.total == len(values)
    assert histogram.zeros == int((values == 0).sum())
    assert len(histogram.counts) <= BINS
    if len(values):
        expected, _ = np.histogram(values.astype(np.float64), histogram.edges)
        # numpy counts the last edge in; no value lies on it here.
        np.testing.assert_array_equal(histogram.counts, expected)
        assert histogram.counts[0]
        assert histogram.counts[-1]


@given(ARRAYS.filter(len), st.floats(0, 1))
def test_a_quantile_is_right_to_within_a_bin(values: Values, share: float) -> None:
    histogram = counted([values])
    got = histogram.quantile(share)
    wanted = np.sort(values.astype(np.float64))
    below = (wanted < got - histogram.width).mean()
    above = (wanted > got + histogram.width).mean()
    assert below <= share + 1e-9
    assert above <= 1 - share + 1e-9


@pytest.mark.parametrize("name", ORDERLESS)
@settings(max_examples=10, deadline=None)
@given(pieces=st.lists(ARRAYS.filter(len), min_size=1, max_size=4))
def test_a_range_does_not_depend_on_order_and_lies_in_the_data(
    name: str, pieces: list[Values]
) -> None:
    low, high = observed(name, pieces)
    assert observed(name, pieces[::-1]) == (low, high)
    everything = np.concatenate(pieces)
    assert min(float(everything.min()), 0) <= low <= high <= max(float(everything.max()), 0)


@pytest.mark.parametrize("name", calibrator_names())
def test_nothing_seen_is_the_range_of_nothing(name: str) -> None:
    observer = load_calibrator(name)()
    observer.update(np.zeros((1, 0, 4), np.float32))
    assert observer.range() == observer.span() == (0.0, 0.0)


@pytest.mark.parametrize("name", calibrator_names())
def test_a_constant_activation_has_a_range(name: str) -> None:
    low, high = observed(name, [np.full((2, 3), 2.5, np.float32)] * 3)
    assert low <= high == 2.5


def test_the_average_moves_a_hundredth_of_the_way() -> None:
    pieces = [np.array([-1, 1], np.float32), np.array([-3, 101], np.float32)]
    assert observed("moving-average", pieces) == pytest.approx((-1.02, 2.0))


@pytest.mark.parametrize("name", ["moving-average", "percentile", "entropy"])
def test_one_wild_value_does_not_set_the_range(name: str) -> None:
    rng = np.random.default_rng(0)
    pieces = [rng.normal(0, 1, 10_000).astype(np.float32) for _ in range(10)]
    pieces[5][7] = 200.0
    low, high = observed(name, pieces)
    assert 2 < high < 30
    assert -30 < low < -2


def test_a_percentile_clips_its_share() -> None:
    values = np.linspace(0, 1, 100_001, dtype=np.float32)
    observer = load_calibrator("percentile", {"percentile": 90})()
    observer.update(values)
    assert observer.range() == pytest.approx((0.1, 0.9), abs=1e-3)


def test_entropy_keeps_a_uniform_distribution_whole() -> None:
    counts = np.full(1000, 50, np.int64)
    assert best_threshold(counts, 128) > 950


def test_mse_finds_the_range_of_least_error() -> None:
    values = np.random.default_rng(0).laplace(0, 1, 200_000).astype(np.float32)

    def error(low: float, high: float) -> float:
        step = (high - low) / 255
        codes = np.clip(np.round(values / step), round(low / step), round(high / step))
        return float(((codes * step - values) ** 2).mean())

    best = error(*observed("mse", [values]))
    tried = [error(values.min() * s, values.max() * s) for s in np.linspace(0.3, 1, 50)]
    assert best <= min(tried) * 1.02
    assert best < 0.8 * error(float(values.min()), float(values.max()))


def test_exact_zeros_do_not_decide_a_range() -> None:
    values = np.abs(np.random.default_rng(0).normal(0, 1, 50_000)).astype(np.float32)
    sparse = np.concatenate([values, np.zeros(500_000, np.float32)])
    for name in ("entropy", "mse"):
        high = observed(name, [sparse])[1]
        assert high == pytest.approx(observed(name, [values])[1], rel=0.1)


def test_an_unknown_calibrator_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean entropy"):
        load_calibrator("entropie")


@pytest.mark.parametrize("parameters", [{"percentile": 20}, {"percent": 99}])
def test_wrong_parameters_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="percentile refuses its parameters"):
        load_calibrator("percentile", parameters)


def recordings(count: int, growth: float = 0.0) -> Iterator[dict[str, Values]]:
    rng = np.random.default_rng(0)
    for i in range(count):
        x = rng.uniform(-1, 1, (1, 3, 60)) * (1 + growth * i)
        yield {"features": x.astype(np.float32)}


def coverage(count: int, growth: float = 0.0) -> Coverage:
    graph = conv_gru_gemm(np.random.default_rng(1))
    found = calibrate(graph, recordings(count, growth)).coverage
    assert found is not None
    return found


@pytest.mark.parametrize("count", [40, 200])
def test_samples_that_are_alike_settle(count: int) -> None:
    found = coverage(count)
    assert found.samples == count
    assert found.last == pytest.approx(count / 4, abs=count / 32)
    assert not found.unsettled()
    assert found.warning("audio") is None


@pytest.mark.parametrize("count", [40, 200])
def test_ranges_that_keep_growing_are_warned_of(count: int) -> None:
    found = coverage(count, growth=0.1)
    share = 1 - (1 + 0.1 * (count - found.last - 1)) / (1 + 0.1 * (count - 1))
    assert found.widened["features"] == pytest.approx(share, abs=0.02)
    worst = next(iter(found.unsettled()))
    assert found.widened[worst] == max(found.widened.values())
    sentence = found.warning("audio")
    assert sentence is not None
    assert "the part audio has not settled" in sentence
    assert f"({found.layers.get(worst, worst)} by " in sentence


def test_memory_does_not_grow_with_the_samples() -> None:
    graph = linear(np.ones((8, 8), np.float32), np.zeros(8, np.float32))
    observer = load_calibrator("entropy")

    def peak(count: int) -> int:
        tracemalloc.start()
        calibrate(graph, inputs(count), observer=observer)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    def inputs(count: int) -> Iterator[dict[str, Values]]:
        rng = np.random.default_rng(0)
        for _ in range(count):
            yield {"features": rng.normal(0, 1, (1, 8)).astype(np.float32)}

    peak(10)
    assert peak(2000) <= 1.2 * peak(100)
