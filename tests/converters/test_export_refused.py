"""A graph that does not do what the module does is never handed on."""

from __future__ import annotations

import contextlib

import msgspec
import onnx
import pytest
import torch
from torch import Tensor, nn

from edge_sdk.converters.export.onnx import PartSpec, check_parity, export_onnx
from edge_sdk.errors import ExportError


def spec_for(module: nn.Module, *, length: int = 8, frozen: bool = False) -> PartSpec:
    """A part with one input ``[1, length, 4]`` whose length is free, or ``frozen``."""
    generator = torch.Generator().manual_seed(0)
    return PartSpec(
        name="probe",
        module=module,
        example=(torch.randn(1, length, 4, generator=generator),),
        inputs=("features",),
        outputs=("embedding",),
        dynamic={} if frozen else {"features": (1, "frames")},
        lengths=() if frozen else (1, 3, length, 50),
    )


class Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x).mean(dim=1)


class Branches(nn.Module):
    """Long inputs are summed, short ones averaged."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(dim=1) if x.shape[1] > 20 else x.mean(dim=1)


class CountsInPython(nn.Module):
    """The length becomes a number of the example."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(dim=1) / float(int(x.shape[1]))


class UsesOne(nn.Module):
    def forward(self, x: Tensor, unused: Tensor) -> Tensor:
        return x * 2


class Gru(nn.Module):
    def __init__(self, **options: bool | int) -> None:
        super().__init__()
        self.gru = nn.GRU(4, 4, **options)

    def forward(self, x: Tensor) -> Tensor:
        return self.gru(x)[0].mean(dim=1)


@pytest.fixture(scope="module")
def mean_graph() -> onnx.ModelProto:
    """The graph of :class:`Mean`; copy it before you change it."""
    return export_onnx(spec_for(Mean()))


def with_operator(graph: onnx.ModelProto, operator: str) -> onnx.ModelProto:
    """A copy whose Relu is another operator."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    next(node for node in copy.graph.node if node.op_type == "Relu").op_type = operator
    return copy


def test_a_sound_module_passes_with_its_error(mean_graph: onnx.ModelProto) -> None:
    assert check_parity(spec_for(Mean()), mean_graph) < 1e-6


def test_a_module_that_branches_on_the_length_is_refused() -> None:
    with pytest.raises(ExportError, match=r"probe .*(?:at length 50|Not all values of frames)"):
        export_onnx(spec_for(Branches()))


def test_a_length_counted_in_python_is_refused() -> None:
    with pytest.raises(ExportError, match="probe"):
        export_onnx(spec_for(CountsInPython()))


def test_a_module_that_branches_on_a_value_is_refused() -> None:
    class Gated(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean(dim=1) if x.sum() > 0 else x.sum(dim=1)

    with pytest.raises(ExportError, match="probe"):
        export_onnx(spec_for(Gated(), frozen=True))


def test_what_is_traced_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    class Sorts(nn.Module):
        """The tracer has no operator for it, the other exporter has."""

        def forward(self, x: Tensor) -> Tensor:
            return torch.special.xlog1py(x, x.abs()).mean(dim=1)

    export_onnx(spec_for(Mean()))
    with contextlib.suppress(ExportError):
        export_onnx(spec_for(Sorts()))
    assert capfd.readouterr() == ("", "")


def test_a_frozen_length_is_caught() -> None:
    graph = export_onnx(spec_for(Mean(), frozen=True))
    with pytest.raises(ExportError, match="does not run at length 1"):
        check_parity(spec_for(Mean()), graph)


def test_a_length_frozen_in_a_constant_is_caught() -> None:
    class MeanOfEight(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(x).sum(dim=1) / 8

    graph = export_onnx(spec_for(MeanOfEight()))
    with pytest.raises(ExportError, match=r"differs from torch .* at length 1 .*frozen"):
        check_parity(spec_for(Mean()), graph)


def test_a_wrong_operator_is_caught(mean_graph: onnx.ModelProto) -> None:
    with pytest.raises(ExportError, match="operator is wrong"):
        check_parity(spec_for(Mean()), with_operator(mean_graph, "Abs"))


def test_nan_in_the_graph_is_caught(mean_graph: onnx.ModelProto) -> None:
    with pytest.raises(ExportError, match="differs from torch by nan"):
        check_parity(spec_for(Mean()), with_operator(mean_graph, "Sqrt"))


def test_a_wrong_output_shape_is_caught() -> None:
    class Keeps(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(x).mean(dim=1, keepdim=True)

    graph = export_onnx(spec_for(Keeps()))
    with pytest.raises(ExportError, match=r"shape \[1, 1, 4\] where torch gives \[1, 4\]"):
        check_parity(spec_for(Mean()), graph)


def test_an_input_that_is_not_used_stays_an_input() -> None:
    spec = PartSpec(
        name="probe",
        module=UsesOne(),
        example=(torch.ones(1, 4), torch.ones(1, 4)),
        inputs=("a", "b"),
        outputs=("c",),
    )
    graph = export_onnx(spec)
    assert [value.name for value in graph.graph.input] == ["a", "b"]
    onnx.checker.check_model(graph)


def test_a_missing_output_is_refused() -> None:
    spec = msgspec.structs.replace(spec_for(Mean()), outputs=("embedding", "more"))
    with pytest.raises(ExportError, match="1 inputs and 1 outputs; expected: features to"):
        export_onnx(spec)


@pytest.mark.parametrize(
    "options",
    [{"num_layers": 2, "batch_first": True}, {}, {"batch_first": True, "bias": False}],
)
def test_every_gru_gives_what_torch_gives(options: dict[str, bool | int]) -> None:
    spec = spec_for(Gru(**options))
    assert check_parity(spec, export_onnx(spec)) < 1e-5


def test_an_lstm_that_onnx_cannot_hold_is_named() -> None:
    class Projected(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(4, 4, batch_first=True, proj_size=2)

        def forward(self, x: Tensor) -> Tensor:
            return self.lstm(x)[0].mean(dim=1)

    with pytest.raises(ExportError, match=r"The LSTM lstm cannot be exported: .* nn.Linear"):
        export_onnx(spec_for(Projected()))


def test_a_bidirectional_gru_gives_what_torch_gives_and_is_left_alone() -> None:
    module = Gru(batch_first=True, bidirectional=True).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    spec = spec_for(module)
    assert check_parity(spec, export_onnx(spec)) < 1e-5
    assert type(module.gru) is nn.GRU
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
