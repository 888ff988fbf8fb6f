"""Every encoder and fusion kind exports, and gives what torch gives at any length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from edge_sdk.converters.checkpoint.content import Checkpoint
from edge_sdk.converters.export.fusion import part_specs
from edge_sdk.converters.export.onnx import PartSpec, export_onnx
from edge_sdk.converters.fusion.config import ModelConfig
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.converters.reference import Reference

from .fusion.conftest import tiny

KINDS = {
    "audio gru": ("audio", tiny(audio="gru", image=False, text=None)),
    "audio tcn": ("audio", tiny(audio="tcn", image=False, text=None)),
    "image": ("image", tiny(audio=None, text=None)),
    "text gru": ("text", tiny(audio=None, image=False, text="gru")),
    "text transformer": ("text", tiny(audio=None, image=False, text="transformer")),
    "video mean": ("video", tiny(audio=None, image=False, text=None, video="mean")),
    "video gru": ("video", tiny(audio=None, image=False, text=None, video="gru")),
}
# Lengths that the exporter itself does not try.
LENGTHS = {"audio": (1, 2, 5, 33, 128, 777), "text": (1, 2, 5, 40)}


def spec_of(config: ModelConfig, part: str) -> PartSpec:
    """The specification of one part of an untrained model, its norms' statistics not trivial."""
    model = FusionModel(config, seed=3).eval()
    generator = torch.Generator().manual_seed(1)
    for name, buffer in model.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    checkpoint = Checkpoint(config=config, model=model, digest="")
    return next(spec for spec in part_specs(checkpoint) if spec.name == part)


def inputs_at(spec: PartSpec, length: int | None) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(length)
    found = {}
    for name, value in zip(spec.inputs, spec.example, strict=True):
        shape = list(value.shape)
        if length is not None:
            shape[1] = length
        if value.dtype == torch.int64:
            found[name] = rng.integers(0, 10, shape)
        else:
            found[name] = rng.normal(0, 1, shape).astype(np.float32)
    return found


def assert_like_torch(
    spec: PartSpec, graph: onnx.ModelProto, inputs: dict[str, np.ndarray]
) -> None:
    with torch.no_grad():
        wanted = spec.module(*(torch.from_numpy(inputs[name]) for name in spec.inputs))
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    got = Reference(graph).run(inputs)
    assert tuple(got) == spec.outputs
    for name, tensor in zip(spec.outputs, wanted, strict=True):
        np.testing.assert_allclose(got[name], tensor.numpy(), rtol=1e-4, atol=1e-5)


@pytest.fixture(params=["traced", "captured"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As these modules are exported, and as in a torch that does not trace for ONNX any more."""
    if request.param == "captured":
        without_tracer(monkeypatch)


def without_tracer(monkeypatch: pytest.MonkeyPatch) -> None:
    export = torch.onnx.export

    def newer(*arguments: Any, dynamo: bool, **options: Any) -> Any:
        if not dynamo:
            raise TypeError("export() got an unexpected value for 'dynamo'")
        return export(*arguments, dynamo=True, **options)

    monkeypatch.setattr(torch.onnx, "export", newer)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("kind", KINDS)
def test_an_encoder_gives_what_torch_gives(kind: str) -> None:
    part, config = KINDS[kind]
    spec = spec_of(config, part)
    graph = export_onnx(spec)
    assert [value.name for value in graph.graph.input] == ["features"]
    for length in LENGTHS.get(part, (None,)):
        assert_like_torch(spec, graph, inputs_at(spec, length))


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("fusion", ["concat", "weighted", "attention"])
def test_a_head_gives_what_torch_gives_whatever_is_missing(fusion: str) -> None:
    spec = spec_of(tiny(fusion=fusion), "head")
    graph = export_onnx(spec)
    assert [value.name for value in graph.graph.input] == ["audio", "image", "text", "mask"]
    assert [value.name for value in graph.graph.output] == ["shape", "tone"]
    inputs = inputs_at(spec, None)
    for mask in np.ndindex(2, 2, 2):
        inputs["mask"] = np.array([mask], np.float32)
        assert_like_torch(spec, graph, inputs)


@pytest.mark.parametrize("kind", ["audio gru", "audio tcn", "image", "text gru"])
def test_both_ways_give_one_graph(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    part, config = KINDS[kind]
    spec = spec_of(config, part)
    layers = [layers_of(export_onnx(spec))]
    without_tracer(monkeypatch)
    layers.append(layers_of(export_onnx(spec)))
    assert layers[0] == layers[1]


def layers_of(graph: onnx.ModelProto) -> list[str]:
    """The nodes with weights, as they are called, in the order of their names."""
    constants = {i.name for i in graph.graph.initializer if len(i.dims) > 1}
    return sorted(n.name for n in graph.graph.node if constants.intersection(n.input[:2]))


def test_only_time_and_text_axes_are_free(fp32_graphs: dict[str, onnx.ModelProto]) -> None:
    shapes = {}
    for part, graph in fp32_graphs.items():
        # The past of a stream comes with a default, and whoever does not stream never gives it.
        optional = {initializer.name for initializer in graph.graph.initializer}
        for value in graph.graph.input:
            if value.name in optional:
                assert value.name.startswith("state_")
                continue
            dims = value.type.tensor_type.shape.dim
            shapes[part, value.name] = [d.dim_param or d.dim_value for d in dims]
    assert shapes == {
        ("audio", "features"): [1, "frames", 16],
        ("image", "features"): [1, 3, 24, 24],
        ("text", "features"): [1, "tokens"],
        ("head", "audio"): [1, 12],
        ("head", "image"): [1, 12],
        ("head", "text"): [1, 8],
        ("head", "mask"): [1, 3],
    }


def test_the_gru_is_one_operator(fp32_graphs: dict[str, onnx.ModelProto]) -> None:
    for part in ("audio", "text"):
        operators = [node.op_type for node in fp32_graphs[part].graph.node]
        assert operators.count("GRU") == 1
        assert not {"Loop", "Scan", "If"} & set(operators)


def test_a_graph_tells_nothing_of_the_machine(fp32_graphs: dict[str, onnx.ModelProto]) -> None:
    here = str(Path(__file__).parents[2]).encode()
    for graph in fp32_graphs.values():
        content = graph.SerializeToString()
        for trace in (here, b"site-packages", b".py", b"torch", b"pkg."):
            assert trace not in content
        assert not graph.metadata_props
        assert not graph.producer_name
        assert not graph.producer_version
        assert not any(node.metadata_props or node.doc_string for node in graph.graph.node)
