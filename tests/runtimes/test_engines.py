"""Engines: the one asked for runs, or it is said why not."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_sdk import FusionSession
from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import Manifest
from edge_sdk.errors import EngineError, InputError, UsageError
from edge_sdk.runtimes.engines import EngineOptions, Executable, engine_names, load_engine
from edge_sdk.runtimes.engines.protocol import Bindable
from edge_sdk.runtimes.parts import choose_edition

from ..bundles import manifest_of, rewrite

# The audio graph has outputs for streams as well.
ONE_OUTPUT = EngineOptions(outputs=("embedding",))


@pytest.fixture(scope="module")
def graph(tiny_bundle: Path) -> Executable:
    bundle = Bundle.open(tiny_bundle)
    file = bundle.manifest.parts[0].variants[0].file
    return load_engine("onnxruntime").load(bundle.read(file), ONE_OUTPUT)


def with_edition(bundle: Path, engine: str, *, alone: bool = False) -> Manifest:
    """The bundle's manifest with an edition for ``engine``, the target's first choice."""
    manifest = manifest_of(bundle)
    known = manifest.editions["onnxruntime"]
    parts = []
    for part in manifest.parts:
        other = msgspec.structs.replace(part.variants[0], engine=engine, file=f"{part.name}.other")
        parts.append(msgspec.structs.replace(part, variants=(*part.variants, other)))
    files = {part.name: f"{part.name}.other" for part in parts}
    editions = {} if alone else dict(manifest.editions)
    editions[engine] = msgspec.structs.replace(known, parts=files, engine=engine)
    target = msgspec.structs.replace(manifest.target, engines=(engine, "onnxruntime"))
    return msgspec.structs.replace(manifest, parts=tuple(parts), editions=editions, target=target)


@pytest.fixture
def no_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)


def test_onnxruntime_is_found_and_chosen(tiny_bundle: Path) -> None:
    assert "onnxruntime" in engine_names()
    manifest = manifest_of(tiny_bundle)
    assert choose_edition(manifest, "auto") == "onnxruntime"
    assert choose_edition(manifest, "onnxruntime") == "onnxruntime"
    assert load_engine("onnxruntime").version()


def test_an_edition_whose_engine_is_not_here_is_passed_over(tiny_bundle: Path) -> None:
    assert choose_edition(with_edition(tiny_bundle, "not-there"), "auto") == "onnxruntime"


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
    graph = load_engine("onnxruntime").load(bundle.read(file), ONE_OUTPUT)
    graph.close()
    with pytest.raises(EngineError, match="closed"):
        graph.run({"features": np.ones((1, 9, 16), np.float32)})
    graph.close()


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x08\x07"])
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    with pytest.raises(EngineError, match="refuses the graph"):
        load_engine("onnxruntime").load(content, EngineOptions())


def test_an_engine_that_nobody_knows(tiny_bundle: Path) -> None:
    with pytest.raises(UsageError, match=r"no engine 'steam'; known: .*onnxruntime"):
        choose_edition(manifest_of(tiny_bundle), "steam")


def test_an_engine_the_bundle_has_no_graphs_for(tiny_bundle: Path) -> None:
    manifest = with_edition(tiny_bundle, "not-there", alone=True)
    with pytest.raises(EngineError, match="no graphs for onnxruntime; it has not-there"):
        choose_edition(manifest, "onnxruntime")
    with pytest.raises(EngineError, match="No engine that this bundle has graphs for"):
        choose_edition(manifest, "auto")


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


def test_a_traced_graph_tells_its_nodes_and_leaves_no_file(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bundle = Bundle.open(tiny_bundle)
    content = bundle.read(bundle.manifest.head.variants[0].file)
    engine = load_engine("onnxruntime")
    assert engine.load(content, EngineOptions()).placement() is None
    traced = engine.load(content, EngineOptions(trace=True))
    shapes = {s.name: [d for d in s.shape if isinstance(d, int)] for s in traced.inputs}
    traced.run({name: np.ones(shape, np.float32) for name, shape in shapes.items()})
    first = traced.placement()
    assert first is not None
    assert set(first.nodes) == {"CPUExecutionProvider"}
    assert first.total > 3
    assert traced.placement() == first
    traced.close()
    engine.load(content, EngineOptions(trace=True)).close()
    with pytest.raises(EngineError, match="refuses the graph"):
        engine.load(b"no graph", EngineOptions(trace=True))
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_has_not_run_tells_nothing(tiny_bundle: Path) -> None:
    bundle = Bundle.open(tiny_bundle)
    content = bundle.read(bundle.manifest.head.variants[0].file)
    traced = load_engine("onnxruntime").load(content, EngineOptions(trace=True))
    with pytest.raises(EngineError, match="has not run yet"):
        traced.placement()
    traced.close()


def test_an_engine_that_stands_in_takes_the_others_edition(tiny_bundle: Path) -> None:
    manifest = with_edition(tiny_bundle, "tensorrt")
    with pytest.raises(EngineError, match="built without TensorRT"):
        choose_edition(manifest, "onnxruntime-tensorrt")
    with pytest.raises(EngineError, match="no graphs for onnxruntime-tensorrt"):
        choose_edition(manifest_of(tiny_bundle), "onnxruntime-tensorrt")


def test_a_bound_run_reads_and_writes_the_same_arrays_each_time(graph: Executable) -> None:
    assert isinstance(graph, Bindable)
    features = np.zeros((1, 8, 16), np.float32)
    made = np.zeros([int(size) for size in graph.outputs[0].shape], np.float32)
    run = graph.bind({"features": features}, {"embedding": made})
    for seed in range(3):
        features[:] = np.random.default_rng(seed).normal(size=features.shape)
        run()
        np.testing.assert_array_equal(made, graph.run({"features": features})["embedding"])


def test_what_does_not_fit_the_graph_is_not_bound(graph: Executable) -> None:
    assert isinstance(graph, Bindable)
    made = np.zeros([int(size) for size in graph.outputs[0].shape], np.float32)
    with pytest.raises(InputError, match=r"features must be float32 \[1, .*, 16\]"):
        graph.bind({"features": np.zeros((1, 8, 17), np.float32)}, {"embedding": made})
    run = graph.bind({"features": np.zeros((1, 8, 16), np.float32)}, {"embedding": made[:, :1]})
    with pytest.raises(EngineError, match="onnxruntime failed"):
        run()
