"""The engine ``litert``: the interface from outside, the provider it says, what it refuses."""

from __future__ import annotations

import sys
from time import perf_counter
from types import ModuleType

import numpy as np
import pytest
from ai_edge_litert import interpreter

from edge_sdk.bundle.manifest import TensorSpec
from edge_sdk.errors import EngineError, InputError
from edge_sdk.runtimes.engines.layer_times import NotTold
from edge_sdk.runtimes.engines.litert import LiteRtEngine
from edge_sdk.runtimes.engines.litert_c import CHECKED, Event, ProfiledModel, why_not
from edge_sdk.runtimes.engines.litert_times import RUNS
from edge_sdk.runtimes.engines.protocol import Engine, EngineOptions, Timed
from edge_sdk.runtimes.engines.run_times import run_times
from tests.tflite_parts import feed, fp32, quantised, size_of, torch_outputs

ENGINE: Engine = LiteRtEngine()


def test_a_graph_is_seen_unpadded_and_in_the_callers_types() -> None:
    graph = ENGINE.load(fp32("text gru"), EngineOptions())
    assert graph.inputs == (TensorSpec(name="features", dtype="int64", shape=(1, "tokens")),)
    assert graph.outputs == (TensorSpec(name="embedding", dtype="float32", shape=(1, 8)),)
    longest = size_of("text gru")
    # Down again too: what a longer one left behind is no part of a shorter one.
    for length in (*range(1, longest + 1), *range(longest - 1, 0, -1)):
        inputs = feed("text gru", length, seed=length)
        wanted = torch_outputs("text gru", inputs)["embedding"]
        np.testing.assert_allclose(graph.run(inputs)["embedding"], wanted, rtol=1e-4, atol=1e-5)


def test_outputs_are_named_and_belong_to_the_caller() -> None:
    graph = ENGINE.load(fp32("head concat"), EngineOptions())
    first = graph.run(feed("head concat", seed=1))
    kept = {name: value.copy() for name, value in first.items()}
    graph.run(feed("head concat", seed=2))
    assert list(first) == ["shape", "tone"]
    for name, value in kept.items():
        np.testing.assert_array_equal(first[name], value)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_do_not_change_the_answer(threads: int) -> None:
    graph = ENGINE.load(fp32("image"), EngineOptions(threads=threads))
    inputs = feed("image")
    wanted = torch_outputs("image", inputs)["embedding"]
    np.testing.assert_allclose(graph.run(inputs)["embedding"], wanted, rtol=1e-4, atol=1e-5)


def test_the_engines_own_call_is_told_apart() -> None:
    graph = ENGINE.load(fp32("text gru"), EngineOptions())
    assert isinstance(graph, Timed)
    assert graph.last_run is None
    for length in (1, 3):
        began = perf_counter()
        graph.run(feed("text gru", length))
        ended = perf_counter()
        assert graph.last_run is not None
        assert [began, *graph.last_run, ended] == sorted([began, *graph.last_run, ended])
        assert all(spent > 0 for spent in run_times(graph.last_run))
    kept = graph.last_run
    with pytest.raises(InputError):
        graph.run(feed("image"))
    assert graph.last_run is kept


def test_it_says_where_it_runs() -> None:
    fast = LiteRtEngine().load(fp32("image"), EngineOptions())
    assert fast.provider == "XNNPACK"
    placed = fast.placement()
    assert placed is not None
    assert set(placed.nodes) == {"XNNPACK"}
    assert placed.total > 5
    assert placed.beside("xnnpack") == {}
    plain = LiteRtEngine().load(fp32("image"), EngineOptions(optimise=False))
    assert plain.provider == "reference"
    written = plain.placement()
    assert written is not None
    assert set(written.nodes) == {"reference"}
    assert written.total == placed.total
    fast.close()
    with pytest.raises(EngineError, match="closed"):
        fast.placement()


def test_a_node_that_the_delegate_leaves_is_found() -> None:
    graph = LiteRtEngine().load(fp32("text gru"), EngineOptions())
    assert graph.provider == "XNNPACK"
    placed = graph.placement()
    assert placed is not None
    strays = placed.beside("XNNPACK")
    assert set(strays) == {"builtin"}
    assert 0 < sum(strays["builtin"].values()) < 4 < placed.total


def test_what_an_int8_graph_computes_in_floats_is_told() -> None:
    whole = LiteRtEngine().load(quantised("image", "int8"), EngineOptions()).placement()
    plain = LiteRtEngine().load(fp32("image"), EngineOptions()).placement()
    assert whole is not None
    assert plain is not None
    # Its mean is float on purpose; the convolutions are not.
    assert set(whole.in_float) <= {"MEAN"}
    assert sum(plain.in_float.values()) > 5


def test_a_quantised_graph_takes_and_gives_floats() -> None:
    graph = ENGINE.load(quantised("image", "int8"), EngineOptions())
    inputs = feed("image", seed=4)
    wanted = torch_outputs("image", inputs)["embedding"]
    error = graph.run(inputs)["embedding"] - wanted
    assert 10 * np.log10((wanted**2).sum() / (error**2).sum()) > 20


def test_an_input_that_does_not_fit_is_refused() -> None:
    size = size_of("audio gru")
    graph = ENGINE.load(fp32("audio gru"), EngineOptions())
    with pytest.raises(InputError, match=f"has {size + 1} steps; this graph takes 1 to {size}"):
        graph.run(feed("audio gru", size + 1))
    with pytest.raises(InputError, match="must be float32"):
        graph.run({"features": np.zeros((1, 5, 12), np.float64)})
    with pytest.raises(InputError, match="must be float32"):
        graph.run({"features": np.zeros((1, 5, 13), np.float32)})
    with pytest.raises(InputError, match="takes the inputs features, not length"):
        graph.run({"length": np.ones(1, np.int32)})


def test_an_id_that_does_not_fit_the_graphs_own_type_is_refused() -> None:
    graph = ENGINE.load(fp32("text gru"), EngineOptions())
    with pytest.raises(InputError, match="features has values that do not fit int32"):
        graph.run({"features": np.array([[2**40]])})


@pytest.mark.parametrize("content", [b"", b"no graph at all", b"\x1c\x00\x00\x00TFL3" + bytes(64)])
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    with pytest.raises(EngineError, match=r"litert .* refuses the graph"):
        ENGINE.load(content, EngineOptions())


def test_a_closed_graph_says_so() -> None:
    graph = ENGINE.load(fp32("head concat"), EngineOptions())
    graph.close()
    with pytest.raises(EngineError, match="closed"):
        graph.run(feed("head concat"))


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        for module in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, name, None)


def test_a_missing_package_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without(monkeypatch, "ai_edge_litert", "tflite_runtime")
    for call in (ENGINE.version, lambda: ENGINE.load(b"", EngineOptions())):
        with pytest.raises(EngineError, match=r"pip install 'edge-sdk\[tflite\]'"):
            call()


def test_tflite_runtime_serves_where_it_is_what_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ai_edge_litert import interpreter

    old = ModuleType("tflite_runtime")
    old.__version__ = "2.14.0"  # type: ignore[attr-defined]
    old.interpreter = interpreter  # type: ignore[attr-defined]
    content, inputs = fp32("head concat"), feed("head concat")
    without(monkeypatch, "ai_edge_litert")
    monkeypatch.setitem(sys.modules, "tflite_runtime", old)
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", interpreter)
    assert ENGINE.version() == "2.14.0"
    wanted = torch_outputs("head concat", inputs)["shape"]
    got = ENGINE.load(content, EngineOptions()).run(inputs)["shape"]
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("part", "providers"), [
    ("large image", {"XNNPACK"}), ("large text gru", {"XNNPACK", "builtin"}),
])  # fmt: skip
def test_the_times_of_operators_are_told_by_the_profiler(part: str, providers: set[str]) -> None:
    graph = LiteRtEngine().load(fp32(part), EngineOptions(trace=True))
    assert graph.layer_times() == NotTold("the graph has not run yet")
    for seed in range(3):
        graph.run(feed(part, seed=seed))
    times = graph.layer_times()
    assert not isinstance(times, NotTold)
    assert len(times) > 5
    assert {layer.provider for layer in times} == providers
    assert {layer.calls for layer in times} == {RUNS + 1}
    assert sum(layer.share for layer in times) == pytest.approx(1)
    assert any("Convolution" in layer.operator or "Fully Connected" in layer.operator
               for layer in times)  # fmt: skip
    assert sum(layer.median_us for layer in times) > 0
    # Placement is asked for after the times, and is still there.
    placed = graph.placement()
    assert placed is not None
    assert set(placed.nodes) == providers


def test_operators_that_are_all_below_the_profilers_microsecond_are_not_told(monkeypatch) -> None:
    swift = [Event("Convolution", 1 << 2, 0, 0), Event("Add", 1 << 2, 0, 1)]
    monkeypatch.setattr(ProfiledModel, "events", lambda self: swift)
    graph = LiteRtEngine().load(fp32("image"), EngineOptions(trace=True))
    graph.run(feed("image"))
    told = graph.layer_times()
    assert isinstance(told, NotTold)
    assert "less than the microsecond" in told.why


def test_the_graph_under_the_profiler_gives_the_interpreters_answers() -> None:
    inputs = feed("image", seed=4)
    wanted = LiteRtEngine().load(fp32("image"), EngineOptions()).run(inputs)
    model = ProfiledModel(interpreter, fp32("image"), threads=1)
    given = {name: value.astype(np.float32) for name, value in inputs.items()}
    got = model.run(given)["embedding"].view(np.float32)
    np.testing.assert_array_equal(got, wanted["embedding"].ravel())
    with pytest.raises(EngineError, match="has 4 bytes"):
        model.run({name: np.zeros(1, np.float32) for name in given})
    model.close()
    model.close()


def test_a_graph_that_the_profiled_model_refuses_is_an_error() -> None:
    with pytest.raises(EngineError, match="LiteRT fails in LiteRtCreateModelFromBuffer"):
        ProfiledModel(interpreter, b"no graph at all" * 10, threads=1)


def test_without_a_trace_or_a_known_library_no_times_are_told() -> None:
    graph = LiteRtEngine().load(fp32("image"), EngineOptions())
    graph.run(feed("image"))
    assert graph.layer_times() == NotTold("the graph was loaded without tracing")
    assert "LiteRT 1.0.1 is not known here (2.3.x is)" in why_not(interpreter, "1.0.1")
    bare = ModuleType("interpreter")
    bare.__file__ = "/nowhere/interpreter.py"
    assert "has no libLiteRt.so" in why_not(bare, CHECKED[0])
