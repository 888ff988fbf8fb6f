"""Engines: the one asked for runs, or it is said why not."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_sdk import FusionSession
from edge_sdk.bundle import Bundle
from edge_sdk.errors import EngineError, InputError, UsageError
from edge_sdk.runtimes.engines import (
    EngineOptions,
    Executable,
    choose_engine,
    engine_names,
    load_engine,
)

from ..bundles import manifest_of, rewrite


@pytest.fixture(scope="module")
def graph(tiny_bundle: Path) -> Executable:
    bundle = Bundle.open(tiny_bundle)
    file = bundle.manifest.parts[0].variants[0].file
    return load_engine("onnxruntime").load(bundle.read(file), EngineOptions())


@pytest.fixture
def no_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)


def test_onnxruntime_is_found_and_chosen() -> None:
    assert "onnxruntime" in engine_names()
    assert choose_engine("auto", ["onnxruntime"]).name == "onnxruntime"
    assert choose_engine("auto", ["not-there", "onnxruntime"]).name == "onnxruntime"
    assert choose_engine("onnxruntime", ["onnxruntime"]).version()


def test_a_graph_says_what_it_takes_and_what_runs_it(graph: Executable) -> None:
    assert [(s.name, s.dtype, s.shape[0], s.shape[2]) for s in graph.inputs] == [
        ("features", "float32", 1, 16)
    ]
    assert isinstance(graph.inputs[0].shape[1], str)
    assert [s.name for s in graph.outputs] == ["embedding"]
    assert graph.provider == "CPUExecutionProvider"
    for frames in (40, 7):
        out = graph.run({"features": np.ones((1, frames, 16), np.float32)})
        assert out["embedding"].shape == (1, 12)


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({}, "takes the inputs features, not none"),
        ({"other": np.ones((1, 9, 16), np.float32)}, "takes the inputs features, not other"),
        ({"features": np.ones((1, 9, 15), np.float32)}, "not float32 [1, 9, 15]"),
        ({"features": np.ones((9, 16), np.float32)}, "not float32 [9, 16]"),
        ({"features": np.ones((2, 9, 16), np.float32)}, "not float32 [2, 9, 16]"),
        ({"features": np.ones((1, 9, 16))}, "not float64 [1, 9, 16]"),
        ({"features": [[1.0]]}, "must be float32"),
    ],
)
def test_inputs_the_graph_does_not_take(graph: Executable, inputs: dict, why: str) -> None:
    with pytest.raises(InputError) as caught:
        graph.run(inputs)
    assert why in str(caught.value)


def test_a_closed_graph_does_not_run(tiny_bundle: Path) -> None:
    bundle = Bundle.open(tiny_bundle)
    file = bundle.manifest.parts[0].variants[0].file
    graph = load_engine("onnxruntime").load(bundle.read(file), EngineOptions())
    graph.close()
    with pytest.raises(EngineError, match="closed"):
        graph.run({"features": np.ones((1, 9, 16), np.float32)})
    graph.close()


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x08\x07"])
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    with pytest.raises(EngineError, match="refuses the graph"):
        load_engine("onnxruntime").load(content, EngineOptions())


def test_an_engine_that_nobody_knows() -> None:
    with pytest.raises(UsageError, match=r"no engine 'steam'; known: .*onnxruntime"):
        choose_engine("steam", ["onnxruntime"])


def test_an_engine_the_bundle_has_no_graphs_for() -> None:
    with pytest.raises(EngineError, match="no graphs for the engine onnxruntime; it has litert"):
        choose_engine("onnxruntime", ["litert"])
    with pytest.raises(EngineError, match="No engine that this bundle has graphs for"):
        choose_engine("auto", ["litert"])


@pytest.mark.usefixtures("no_onnxruntime")
def test_an_engine_that_is_not_installed(tiny_bundle: Path) -> None:
    for engine in ("auto", "onnxruntime"):
        with pytest.raises(EngineError) as caught:
            FusionSession.open(tiny_bundle, engine=engine)
        assert "onnxruntime is not installed here" in str(caught.value)
        assert "pip install" in str(caught.value)
        assert caught.value.exit_code == 6


def test_a_part_for_another_engine(tiny_bundle: Path, tmp_path: Path) -> None:
    manifest = manifest_of(tiny_bundle)
    first = manifest.parts[0]
    other = msgspec.structs.replace(first.variants[0], engine="litert")
    parts = (msgspec.structs.replace(first, variants=(other,)), *manifest.parts[1:])
    path = rewrite(tiny_bundle, tmp_path / "mixed.edge", parts=parts)
    for engine in ("auto", "onnxruntime"):
        with pytest.raises(EngineError):
            FusionSession.open(path, engine=engine)
