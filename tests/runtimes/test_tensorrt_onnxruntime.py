"""ONNX Runtime's TensorRT provider: asserted, never replaced by the CPU without a word."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from edge_sdk.bundle.manifest import ShapeRange
from edge_sdk.errors import EngineError, InputError
from edge_sdk.runtimes.engines.onnxruntime_tensorrt import OnnxRuntimeTensorRtEngine
from edge_sdk.runtimes.tensorrt.options import TensorRtOptions

from ..onnx_graphs import summing

GRAPH = summing().SerializeToString()
PROFILE = ShapeRange(input="features", smallest=(1, 1, 4), usual=(1, 20, 4), largest=(1, 50, 4))
TENSORRT, CPU = "TensorrtExecutionProvider", "CPUExecutionProvider"


class Session:
    """A session that says it runs on ``got``, and runs on the CPU."""

    got = (TENSORRT,)
    asked: Any = None
    entries: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, graph: bytes, options: Any, providers: Any) -> None:
        type(self).asked = providers
        self._real = onnxruntime.InferenceSession(graph, providers=[CPU])
        self.fallback = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def disable_fallback(self) -> None:
        self.fallback = False

    def get_providers(self) -> list[str]:
        return list(self.got)


class Options:
    """Session options that remember their entries."""

    def __init__(self) -> None:
        Session.entries = {}

    def add_session_config_entry(self, key: str, value: str) -> None:
        Session.entries[key] = value


def library(got: tuple[str, ...] = (TENSORRT,), **changes: Any) -> SimpleNamespace:
    kind = type("Session", (Session,), {"got": got})
    parts: dict[str, Any] = {
        "__version__": "1.20.0",
        "get_available_providers": lambda: [TENSORRT, CPU],
        "SessionOptions": Options,
        "InferenceSession": kind,
    }
    return SimpleNamespace(**{**parts, **changes})


def test_it_runs_when_the_provider_is_the_one_asked_for(tmp_path: Path) -> None:
    module = library()
    engine = OnnxRuntimeTensorRtEngine(module)
    options = TensorRtOptions(shapes=(PROFILE,), precision="int8", cache=tmp_path)
    graph = engine.load(GRAPH, options)
    assert graph.provider == TENSORRT
    assert not graph._session.fallback
    assert Session.entries == {"session.disable_cpu_ep_fallback": "1"}
    ((name, given),) = module.InferenceSession.asked
    assert name == TENSORRT
    assert given["trt_profile_max_shapes"] == "features:1x50x4"
    assert (given["trt_int8_enable"], given["trt_fp16_enable"]) == ("1", "0")
    assert given["trt_engine_cache_path"].startswith(str(tmp_path))
    value = np.ones((1, 3, 4), np.float32)
    assert graph.run({"features": value})["embedding"].tolist() == [[6.0] * 4]
    with pytest.raises(InputError, match="1 to 50 along axis 1, not 51"):
        graph.run({"features": np.ones((1, 51, 4), np.float32)})
    graph.close()
    with pytest.raises(EngineError, match="closed"):
        graph.run({"features": value})


@pytest.mark.parametrize("got", [(CPU,), (), ("CUDAExecutionProvider", CPU)])
def test_another_provider_is_an_error(tmp_path: Path, got: tuple[str, ...]) -> None:
    engine = OnnxRuntimeTensorRtEngine(library(got))
    with pytest.raises(EngineError, match=f"instead of {TENSORRT}"):
        engine.load(GRAPH, TensorRtOptions(cache=tmp_path))


def test_nodes_left_to_the_cpu_are_an_error(tmp_path: Path) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("nodes are assigned to the default CPU EP")

    engine = OnnxRuntimeTensorRtEngine(library(InferenceSession=refuse))
    with pytest.raises(EngineError, match=r"cannot run the whole graph on Tensorrt.*default CPU"):
        engine.load(GRAPH, TensorRtOptions(cache=tmp_path))


def test_this_hosts_onnxruntime_has_no_tensorrt() -> None:
    with pytest.raises(EngineError, match="built without TensorRT"):
        OnnxRuntimeTensorRtEngine().version()
