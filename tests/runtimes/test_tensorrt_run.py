"""Running TensorRT engines against the fake binding: shapes, types, memory, refusals."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edge_sdk.bundle.manifest import ShapeRange
from edge_sdk.errors import DeviceError, EngineError, InputError
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.engines.layer_times import NotTold
from edge_sdk.runtimes.engines.tensorrt import TensorRtEngine
from edge_sdk.runtimes.tensorrt.cache import EngineCache
from edge_sdk.runtimes.tensorrt.compile import compile_kit
from edge_sdk.runtimes.tensorrt.cuda import Cuda
from edge_sdk.runtimes.tensorrt.fake import FakeMachine
from edge_sdk.runtimes.tensorrt.kit import KitGraph
from edge_sdk.runtimes.tensorrt.options import TensorRtOptions
from edge_sdk.runtimes.tensorrt.runner import TensorRtGraph

from ..onnx_graphs import image_net, summing

GRAPH = summing().SerializeToString()
PROFILE = ShapeRange(input="features", smallest=(1, 1, 4), usual=(1, 20, 4), largest=(1, 50, 4))


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


def prepared(
    machine: FakeMachine,
    root: Path,
    graph: bytes = GRAPH,
    profiles: tuple[ShapeRange, ...] = (PROFILE,),
) -> TensorRtGraph:
    kit = [KitGraph(part="p", precision="fp32", graph=graph, profiles=profiles)]
    (outcome,) = compile_kit(machine.binding, Cuda(machine.cudart).gpu(), kit, EngineCache(root))
    assert outcome.state in ("compiled", "kept")
    engine = TensorRtEngine(machine.binding, machine.cudart)
    return engine.load(graph, TensorRtOptions(shapes=profiles, cache=root))


def frames(count: int) -> np.ndarray:
    return np.random.default_rng(count).standard_normal((1, count, 4)).astype(np.float32)


def test_answers_are_those_of_the_graph_at_every_length(
    machine: FakeMachine, tmp_path: Path
) -> None:
    graph = prepared(machine, tmp_path)
    assert graph.provider == "TensorRT 10.3.0"
    placed = graph.placement()
    assert placed is not None
    assert placed.nodes == {"TensorRT 10.3.0": {"fake": 1}}
    assert placed.beside("TensorRT") == {}
    assert placed.in_float == {"fake": 1}
    assert [(s.name, s.dtype) for s in graph.inputs] == [("features", "float32")]
    assert graph.inputs[0].shape == (1, "features.1", 4)
    assert graph.outputs[0].shape == (1, 4)
    for count in (1, 50, 7, 20):
        value = frames(count)
        np.testing.assert_allclose(
            graph.run({"features": value})["embedding"], 2 * value.sum(1), rtol=1e-5, atol=1e-5
        )


def test_a_traced_engine_tells_the_time_of_its_layers(machine: FakeMachine, tmp_path: Path) -> None:
    plain = prepared(machine, tmp_path)
    plain.run({"features": frames(4)})
    assert plain.layer_times() == NotTold("the graph was loaded without tracing")
    engine = TensorRtEngine(machine.binding, machine.cudart)
    graph = engine.load(GRAPH, TensorRtOptions(shapes=(PROFILE,), cache=tmp_path, trace=True))
    for count in (3, 9, 3):
        graph.run({"features": frames(count)})
    times = graph.layer_times()
    assert not isinstance(times, NotTold)
    (layer,) = times
    assert (layer.name, layer.operator, layer.provider) == ("whole", "fake", "TensorRT 10.3.0")
    assert layer.calls == 3
    assert layer.median_us > 0
    assert layer.share == 1


def test_a_graph_of_fixed_shape_needs_no_profile(machine: FakeMachine, tmp_path: Path) -> None:
    content = image_net().SerializeToString()
    graph = prepared(machine, tmp_path, content, ())
    value = np.ones((1, 3, 16, 16), np.float32)
    assert graph.run({"features": value})["embedding"].shape == (1, 8)


def test_a_view_that_is_not_contiguous_is_copied(machine: FakeMachine, tmp_path: Path) -> None:
    graph = prepared(machine, tmp_path)
    value = np.asfortranarray(frames(9))
    got = graph.run({"features": value})["embedding"]
    np.testing.assert_allclose(got, 2 * value.sum(1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (frames(51), "features may have 1 to 50 along axis 1, not 51"),
        (frames(0), "features may have 1 to 50 along axis 1, not 0"),
        (frames(5).astype(np.float64), "must be float32"),
        (frames(5).astype(np.float16), "must be float32"),
        (frames(5)[0], "must be float32"),
        (np.zeros((1, 5, 3), np.float32), "must be float32"),
        (np.zeros((2, 5, 4), np.float32), "must be float32"),
    ],
)
def test_inputs_that_the_engine_does_not_take_are_refused(
    machine: FakeMachine, tmp_path: Path, value: np.ndarray, sentence: str
) -> None:
    graph = prepared(machine, tmp_path)
    with pytest.raises(InputError, match=sentence):
        graph.run({"features": value})
    assert graph.run({"features": frames(3)})


def test_memory_grows_once_and_comes_back(machine: FakeMachine, tmp_path: Path) -> None:
    graph = prepared(machine, tmp_path)
    graph.run({"features": frames(50)})
    held = dict(machine.cudart.allocated)
    for count in (1, 30, 50):
        graph.run({"features": frames(count)})
    assert machine.cudart.allocated == held
    graph.close()
    graph.close()
    assert not machine.cudart.allocated
    assert not machine.cudart.streams
    with pytest.raises(EngineError, match="closed"):
        graph.run({"features": frames(1)})


def test_a_full_gpu_is_a_sentence_and_the_graph_still_runs(
    machine: FakeMachine, tmp_path: Path
) -> None:
    graph = prepared(machine, tmp_path)
    graph.run({"features": frames(2)})
    machine.cudart.memory = 100
    with pytest.raises(EngineError, match="CUDA fails: cudaErrorMemoryAllocation"):
        graph.run({"features": frames(50)})
    machine.cudart.memory = 1 << 20
    value = frames(50)
    got = graph.run({"features": value})["embedding"]
    np.testing.assert_allclose(got, 2 * value.sum(1), rtol=1e-5, atol=1e-4)
    graph.close()
    assert not machine.cudart.allocated


def test_without_a_compiled_engine_it_says_what_to_run(
    machine: FakeMachine, tmp_path: Path
) -> None:
    engine = TensorRtEngine(machine.binding, machine.cudart)
    options = TensorRtOptions(shapes=(PROFILE,), cache=tmp_path)
    with pytest.raises(EngineError, match=r"none has been compiled yet\. Run 'edge-sdk build'"):
        engine.load(GRAPH, options)
    assert not machine.builds


def test_an_engine_of_another_version_is_never_loaded(machine: FakeMachine, tmp_path: Path) -> None:
    prepared(FakeMachine(version="10.2.0"), tmp_path)
    engine = TensorRtEngine(machine.binding, machine.cudart)
    with pytest.raises(EngineError, match=r"TensorRT 10\.2\.0, and this is 10\.3\.0.*edge-sdk bu"):
        engine.load(GRAPH, TensorRtOptions(shapes=(PROFILE,), cache=tmp_path))


def test_an_engine_that_tensorrt_refuses_is_a_sentence(machine: FakeMachine) -> None:
    with pytest.raises(EngineError, match="refuses the engine: the plan has another magic tag"):
        TensorRtGraph(machine.binding, Cuda(machine.cudart), b"not a plan")


def test_without_a_gpu_tensorrt_is_not_touched(
    machine: FakeMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.cudart.devices = 0
    monkeypatch.delattr(machine.module, "Runtime")
    engine = TensorRtEngine(machine.binding, machine.cudart)
    with pytest.raises(DeviceError, match=r"no GPU here that CUDA can use.*InsufficientDriver"):
        engine.load(GRAPH, TensorRtOptions(shapes=(PROFILE,), cache=tmp_path))


def test_it_does_not_pretend_to_run_the_reference(machine: FakeMachine) -> None:
    engine = TensorRtEngine(machine.binding, machine.cudart)
    with pytest.raises(EngineError, match="node by node"):
        engine.load(GRAPH, EngineOptions(optimise=False))


def test_the_version_is_the_bindings(machine: FakeMachine) -> None:
    assert TensorRtEngine(machine.binding).version() == "10.3.0"


def test_without_tensorrt_it_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(
        EngineError, match=r"not installed here\. On a Jetson it comes with JetPack"
    ):
        TensorRtEngine().version()


def test_a_failed_run_is_a_sentence(machine: FakeMachine, tmp_path: Path) -> None:
    graph = prepared(machine, tmp_path)
    context = graph._context
    assert context is not None
    graph._context = SimpleNamespace(  # type: ignore[assignment]
        set_input_shape=context.set_input_shape,
        set_tensor_address=context.set_tensor_address,
        infer_shapes=context.infer_shapes,
        get_tensor_shape=context.get_tensor_shape,
        execute_async_v3=lambda stream: False,
    )
    with pytest.raises(EngineError, match=r"TensorRT 10\.3\.0 fails to run: it gave no reason"):
        graph.run({"features": frames(2)})
