"""Step by step gives what the whole sequence gives, from the same file."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge_sdk.bundle.manifest import Streaming
from edge_sdk.bundle.streaming import Stepper, embeddings_along, prefixes
from edge_sdk.converters.calibration.ranges import calibrate
from edge_sdk.converters.export.onnx import export_onnx
from edge_sdk.converters.export.streaming import NotStreamable, Streamable, with_states
from edge_sdk.converters.parts import PartSpec
from edge_sdk.converters.quantisation.static import quantise
from edge_sdk.converters.reference import Reference
from edge_sdk.targets import load_target
from tests.tflite_parts import spec_of

KINDS = ("audio gru", "audio tcn")


@cache
def fp32(kind: str) -> onnx.ModelProto:
    return export_onnx(spec_of(kind))


@cache
def int8(kind: str) -> onnx.ModelProto:
    seen = calibrate(fp32(kind), [{"features": features(40, seed)} for seed in range(8)])
    return quantise(fp32(kind), seen, load_target("rpi5").int8)


def features(frames: int, seed: int = 0, bands: int = 12) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((1, frames, bands)).astype(np.float32)


def stepper(made: Streamable, *, multiples: bool = True) -> Stepper:
    form = Streaming(file="", frames=made.frames, multiples=multiples, states=made.states)
    return Stepper(Reference(made.graph).run, form)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("graph", [fp32, int8])
def test_a_stream_gives_what_the_whole_sequence_gives(graph: Any, kind: str) -> None:
    made = with_states(graph(kind), features(20))
    whole, x = Reference(graph(kind)), features(64, 5)
    assert made.frames == 4
    for chunk in (1, 2, 5):
        stream = stepper(made)
        for upto in range(chunk * 4, x.shape[1] + 1, chunk * 4):
            got = stream.step(x[:, upto - chunk * 4 : upto])
            wanted = whole.run({"features": x[:, :upto]})["embedding"]
            np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("graph", [fp32, int8])
def test_without_states_it_answers_as_before(graph: Any, kind: str) -> None:
    made = with_states(graph(kind), features(20))
    for frames in (1, 3, 4, 30, 61):
        wanted = Reference(graph(kind)).run({"features": features(frames)})["embedding"]
        got = Reference(made.graph).run({"features": features(frames)})["embedding"]
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("graph", [fp32, int8])
def test_states_cost_no_space_and_no_input(graph: Any) -> None:
    made = with_states(graph("audio tcn"), features(20))
    session = onnxruntime.InferenceSession(made.graph.SerializeToString())
    assert [value.name for value in session.get_inputs()] == ["features"]
    onnx.checker.check_model(made.graph)
    carried = sum(4 * int(np.prod(state.shape)) for state in made.states)
    ours = [i for i in made.graph.graph.initializer if i.name.startswith("state_")]
    assert sum(len(i.raw_data) for i in ours if i.data_type == onnx.TensorProto.FLOAT) < carried / 8


def test_a_reset_forgets_all() -> None:
    stream = stepper(with_states(fp32("audio gru"), features(20)))
    first = stream.step(features(8, 1))
    assert not np.allclose(stream.step(features(8, 1)), first)
    stream.reset()
    np.testing.assert_array_equal(stream.step(features(8, 1)), first)


def test_a_graph_of_one_step_is_stepped_one_by_one() -> None:
    made = with_states(fp32("audio gru"), features(20))
    many, single = stepper(made), stepper(made, multiples=False)
    np.testing.assert_allclose(many.step(features(32)), single.step(features(32)), atol=1e-5)


def test_golden_prefixes_double_and_end_with_the_last_whole_step() -> None:
    assert list(prefixes(45, 4)) == [(0, 4), (4, 8), (8, 16), (16, 32), (32, 44)]
    assert list(prefixes(3, 4)) == []
    assert embeddings_along(stepper(with_states(fp32("audio gru"), features(9))), features(9)).shape == (2, 12)  # fmt: skip # noqa: E501


class Ahead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(12, 8, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.transpose(1, 2)).mean(2)


class Normed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x - x.mean(1, keepdim=True))[:, -1]


class Both(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(12, 8, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.gru(x)[0].mean(1)


class Attending(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (torch.softmax(x @ x.transpose(1, 2), 2) @ x).mean(1)


class Largest(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.amax(1)


class First(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


class Placed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x * torch.arange(x.shape[1]).view(1, -1, 1)).mean(1)


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (Ahead(), "looks ahead"),
        (Normed(), "what the end says"),
        (Both(), "backwards"),
        (Attending(), "MatMul"),
        (Largest(), "ReduceMax"),
        (First(), "other steps than the last"),
        (Placed(), "Shape"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_what_cannot_stream_is_refused_by_name(module: nn.Module, why: str) -> None:
    with pytest.raises(NotStreamable, match=why):
        with_states(exported(module), features(20))


class Causal(nn.Module):
    """LSTM, explicit padding, LayerNorm, squeeze and a mean: none of it of the reference models."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(12, 8, 3, stride=3)
        self.norm = nn.LayerNorm(8)
        self.lstm = nn.LSTM(8, 6, num_layers=2, batch_first=True)
        self.out = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(nn.functional.pad(x.transpose(1, 2), (2, 0))).transpose(1, 2)
        steps, _ = self.lstm(torch.tanh(self.norm(y)))
        return self.out(torch.cat((steps[:, -1], steps.mean(1)), 1))


class LastState(Causal):
    """Nobody reads the steps of the LSTM: they have no name in the graph."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(nn.functional.pad(x.transpose(1, 2), (2, 0))).transpose(1, 2)
        _, (last, cell) = self.lstm(torch.tanh(self.norm(y)))
        return self.out(torch.cat((last[-1], cell[-1]), 1))


@pytest.mark.parametrize("module", [Causal, LastState])
def test_a_model_of_the_users_streams_where_its_layers_are_causal(module: type[nn.Module]) -> None:
    graph = exported(module())
    made = with_states(graph, features(20))
    assert made.frames == 3
    x, stream, whole = features(60, 2), stepper(made), Reference(graph)
    for upto in range(3, 61, 3):
        got = stream.step(x[:, upto - 3 : upto])
        wanted = whole.run({"features": x[:, :upto]})["embedding"]
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-4)


def exported(module: nn.Module) -> onnx.ModelProto:
    torch.manual_seed(0)
    spec = PartSpec(
        name="audio",
        module=module.eval(),
        example=(torch.randn(1, 20, 12),),
        inputs=("features",),
        outputs=("embedding",),
        dynamic={"features": (1, "frames")},
        lengths=(7, 30),
    )
    return export_onnx(spec)
