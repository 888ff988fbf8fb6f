"""Percentiles, energy and the thermal run on values that are known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_sdk.benchmarks.profile.energy import Meter
from edge_sdk.benchmarks.profile.inputs import Given
from edge_sdk.benchmarks.profile.percentiles import estimate_of, latency_of
from edge_sdk.benchmarks.profile.thermal import measure_thermal
from edge_sdk.benchmarks.profile.within import Within
from edge_sdk.runtimes.engines.layer_times import by_operator, layer_times
from edge_sdk.runtimes.probes import find_probes
from edge_sdk.runtimes.probes.vitals import VitalsReader

from ..probes.boards import jetson, raspberry_pi, tree, x86

TIMES = st.lists(st.floats(0.01, 1e4), min_size=1, max_size=40)


@settings(deadline=None, max_examples=15)
@given(st.lists(TIMES, min_size=1, max_size=4))
def test_percentiles_lie_among_the_calls(rounds: list[list[float]]) -> None:
    found = latency_of(rounds)
    every = [v for one in rounds for v in one]
    assert found.calls == len(every)
    assert found.max == max(every)
    assert found.p50.value == pytest.approx(float(np.percentile(every, 50)))
    assert min(every) <= found.p50.value <= found.p99.value <= found.max + 1e-9
    assert found.noise >= 0
    assert (found.p50.low is None) == (len(rounds) < 3)


def test_the_interval_counts_the_differences_between_rounds() -> None:
    draw = np.random.default_rng(1)
    alike = [draw.normal(10, 0.1, 100) for _ in range(5)]
    apart = [draw.normal(10 + shift, 0.1, 100) for shift in (-1, -0.5, 0, 0.5, 1)]

    def width(rounds: list[np.ndarray]) -> float:
        estimate = latency_of(rounds).p50
        assert estimate.low is not None
        assert estimate.high is not None
        return estimate.high - estimate.low

    assert width(alike) < 0.1
    assert width(apart) > 0.5


def test_the_interval_covers_as_often_as_it_says() -> None:
    draw = np.random.default_rng(2)
    hits = 0
    for _ in range(40):
        p50 = latency_of([draw.normal(10 + draw.normal(0, 0.2), 0.5, 50) for _ in range(8)]).p50
        assert p50.low is not None
        assert p50.high is not None
        hits += p50.low <= 10 <= p50.high
    assert hits >= 33


def test_the_same_calls_give_the_same_numbers() -> None:
    rounds = [list(np.random.default_rng(i).gamma(9, 0.1, 50)) for i in range(4)]
    assert latency_of(rounds) == latency_of(rounds)


def test_one_value_a_round() -> None:
    assert estimate_of([3.0, 1.0, 2.0]).value == 2.0
    assert (estimate_of([3.0, 1.0, 2.0]).low, estimate_of([3.0, 1.0]).low) == (1.0, None)


def test_layers_of_one_kind_are_summed() -> None:
    found = {("a", "Conv", "x"): [3.0], ("b", "Gemm", "x"): [2.0], ("c", "Gemm", "x"): [2.0],
             ("d", "Gemm", "y"): [1.0]}  # fmt: skip
    kinds = by_operator(layer_times(found))
    assert [(k.operator, k.provider, k.layers, k.us) for k in kinds] == [
        ("Gemm", "x", 2, 4.0), ("Conv", "x", 1, 3.0), ("Gemm", "y", 1, 1.0),
    ]  # fmt: skip
    assert sum(k.share for k in kinds) == pytest.approx(1)


def test_whole_microseconds_are_averaged_without_the_interruptions() -> None:
    found = {("a", "Conv", "x"): [50, 1, 1, 2, 2, 2, 1, 1, 900], ("b", "Gemm", "x"): [9] + [0] * 8}
    times = layer_times(found, skip=1, whole=True)
    assert [layer.median_us for layer in times] == [1.5, 0.0]


def test_layers_by_median_without_the_first_run() -> None:
    times = layer_times({("a", "Conv", "cpu"): [99, 2, 2, 50], ("b", "Gemm", "cpu"): [9, 6, 6]},
                        skip=1)  # fmt: skip
    assert [(t.name, t.median_us, t.share) for t in times] == [("b", 6, 0.75), ("a", 2, 0.25)]


def test_a_graph_that_a_call_does_not_run_tells_nothing_of_it() -> None:
    ran, rests = SimpleNamespace(last_run=None), SimpleNamespace(last_run=(0.0, 1.0, 2.0, 3.0))
    session: Any = SimpleNamespace(
        parts=SimpleNamespace(
            encoders={
                "audio": SimpleNamespace(graph=ran, engine="one"),
                "image": SimpleNamespace(graph=rests, engine="one"),
            },
            head=SimpleNamespace(graph=object(), engine="two"),
        )
    )
    within = Within(session)
    assert within.silent == {"head": "two"}
    for start in (5.0, 7.0):
        ran.last_run = (start, start + 0.001, start + 0.004, start + 0.004)
        within.keep()
        within.keep()  # a call without sound
    found = within.times()
    assert list(found) == ["encoder.audio.inputs", "encoder.audio.invoke", "encoder.audio.outputs"]
    assert found["encoder.audio.inputs"] == pytest.approx([1, 1])
    assert found["encoder.audio.invoke"] == pytest.approx([3, 3])
    assert found["encoder.audio.outputs"] == [0, 0]


def test_energy_of_a_counter(tmp_path: Path) -> None:
    meter = Meter(find_probes(x86(tmp_path, joules=5.0)))
    x86(tmp_path, joules=7.5)
    spent = meter.spent()
    assert spent is not None
    assert spent.joules == pytest.approx(2.5)
    assert (spent.scope, spent.sensor) == ("package", "rapl package-0")


def test_energy_of_a_power_sensor_is_that_of_the_board(tmp_path: Path) -> None:
    meter = Meter(find_probes(jetson(tmp_path)))
    spent = meter.spent()
    assert spent is not None
    assert spent.joules == pytest.approx(2.0 * spent.seconds)  # 2 W at the input
    assert (spent.scope, spent.sensor) == ("board", "ina3221 VDD_IN")


def test_no_sensor_no_energy(tmp_path: Path) -> None:
    assert Meter(find_probes(tmp_path)).spent() is None


def test_a_thermal_run_follows_the_heat(tmp_path: Path) -> None:
    """A board that gets hot and slow, on a clock of our own."""
    raspberry_pi(tmp_path)
    now = [0.0]

    def subject(values: dict[str, object]) -> dict[str, float]:
        now[0] += 0.5
        heat = 50 + now[0]
        tree(tmp_path, {"sys/class/thermal/thermal_zone0/temp": f"{heat * 1000:.0f}"})
        if heat > 70:
            raspberry_pi(tmp_path, throttled="4", celsius=heat)
        return {"total": 1.0 if heat <= 70 else 2.0}

    points = measure_thermal(
        subject,
        [Given(id="a", values={})],
        0.5,
        vitals=VitalsReader(tmp_path),
        clock=lambda: now[0],
    )
    assert [p.seconds for p in points] == [5.0, 10.0, 15.0, 20.0, 25.0, 30.0]
    assert [p.p50 for p in points] == [1, 1, 1, 1, 2, 2]
    assert [p.throttled for p in points] == [False] * 4 + [True] * 2
    assert [p.look.temperature for p in points] == [55, 60, 65, 70, 75, 80]
