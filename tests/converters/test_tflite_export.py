"""Every encoder and fusion kind becomes a TFLite graph that gives what torch gives, unpadded."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edge_sdk.bundle.fixed_length import FixedLength
from edge_sdk.bundle.manifest import TensorSpec
from edge_sdk.bundle.tflite_note import NOTE, read_note
from edge_sdk.converters.export.tflite import export_tflite
from edge_sdk.converters.export.tflite_flatbuffer import Graph, tflite_parameters
from edge_sdk.converters.export.tflite_parity import check_tflite_parity
from edge_sdk.converters.export.tflite_reference import TfliteReference
from edge_sdk.converters.parts import PartSpec
from edge_sdk.errors import BundleError, ExportError, InputError
from edge_sdk.runtimes.engines.litert_nodes import nodes_of
from tests.tflite_parts import KINDS, PADDED, SIZES, feed, fp32, size_of, spec_of, torch_outputs


def assert_like_torch(kind: str, graph: TfliteReference, length: int | None) -> None:
    inputs = feed(kind, length, seed=length or 0)
    got, wanted = graph.run(inputs), torch_outputs(kind, inputs)
    assert list(got) == list(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in PADDED])
@pytest.mark.parametrize("optimise", [False, True])
def test_a_part_of_fixed_shape_gives_what_torch_gives(kind: str, optimise: bool) -> None:
    assert_like_torch(kind, TfliteReference(fp32(kind), optimise=optimise), None)


@pytest.mark.parametrize("kind", PADDED)
@pytest.mark.parametrize("optimise", [False, True])
def test_padding_never_reaches_the_result(kind: str, optimise: bool) -> None:
    graph = TfliteReference(fp32(kind), optimise=optimise)
    for length in range(1, size_of(kind) + 1):
        assert_like_torch(kind, graph, length)


@pytest.mark.parametrize("kind", ["head concat", "head attention"])
def test_a_head_gives_what_torch_gives_whatever_is_missing(kind: str) -> None:
    graph = TfliteReference(fp32(kind))
    inputs = feed(kind)
    for mask in np.ndindex(2, 2, 2):
        inputs["mask"] = np.array([mask], np.float32)
        for name, value in torch_outputs(kind, inputs).items():
            np.testing.assert_allclose(graph.run(inputs)[name], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", PADDED)
def test_an_input_that_does_not_fit_is_refused(kind: str) -> None:
    graph, size = TfliteReference(fp32(kind)), size_of(kind)
    with pytest.raises(InputError, match=f"has {size + 1} steps; this graph takes 1 to {size}"):
        graph.run(feed(kind, size + 1))
    with pytest.raises(InputError, match="has 0 steps"):
        graph.run(feed(kind, 0))


def test_the_artefact_describes_its_interface() -> None:
    note = read_note(fp32("text gru"))
    assert note is not None
    assert note.inputs == (TensorSpec(name="features", dtype="int64", shape=(1, "tokens")),)
    assert note.outputs == (TensorSpec(name="embedding", dtype="float32", shape=(1, 8)),)
    assert note.fixed == (FixedLength(input="features", axis=1, size=8, length="length"),)
    head = read_note(fp32("head concat"))
    assert head is not None
    assert [spec.name for spec in head.inputs] == ["audio", "image", "text", "mask"]
    assert [spec.name for spec in head.outputs] == ["shape", "tone"]
    assert head.fixed == ()


def test_a_damaged_description_is_said_to_be_damaged() -> None:
    content = fp32("head concat")
    with pytest.raises(BundleError, match="damaged"):
        read_note(content.replace(b'{"inputs"', b'{"inputz"'))
    with pytest.raises(BundleError, match="damaged"):
        read_note(content[:40])
    assert read_note(content.replace(NOTE.encode(), b"edge-sdk.somewhere")) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_tells_nothing_of_the_machine_or_the_tools(kind: str) -> None:
    content = fp32(kind)
    here = str(Path(__file__).parents[2]).encode()
    for trace in (here, b"site-packages", b".py", b"torch", b"/tmp", b"edge_sdk", b"MLIR"):
        assert trace not in content
    graph = Graph(content)
    names = [tensor.name.decode() for tensor in graph.tensors]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"t\d+", name) for name in names)


def test_the_same_part_gives_the_same_bytes() -> None:
    assert export_tflite(spec_of("text transformer"), sizes=SIZES) == fp32("text transformer")


def test_weights_are_stored_once_however_often_a_step_is_unrolled() -> None:
    spec = spec_of("audio gru")
    assert spec.module is not None
    weights = sum(p.numel() for p in spec.module.parameters())
    # norms fold into convolutions, and constants of the arithmetic come in
    assert tflite_parameters(fp32("audio gru")) == pytest.approx(weights, rel=0.2)


@pytest.mark.parametrize("kind", PADDED)
def test_fast_kernels_take_nearly_everything(kind: str) -> None:
    graph = TfliteReference(fp32(kind), optimise=True)
    nodes = nodes_of(graph.interpreter, "fast", "own")
    assert nodes is not None
    own = [node.operator for node in nodes if node.provider == "own"]
    # lookups, and joining more than a few steps, are not theirs
    assert set(own) <= {"CONCATENATION", "EMBEDDING_LOOKUP", "RESHAPE"}
    assert len(own) <= 3


def test_convolutions_over_time_need_no_transposes_between_them() -> None:
    graph = Graph(fp32("audio tcn"))
    operators = [graph.operator(node) for node in graph.main.operators]
    assert operators.count("CONV_2D") + operators.count("DEPTHWISE_CONV_2D") == 9
    assert operators.count("TRANSPOSE") <= 4


class Pool(nn.Module):
    """Looks at all its frames, and cannot be told which are padding."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1)


class Forgetful(nn.Module):
    """Takes lengths and does not use them as it should."""

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        out = x.sum(1)
        return out if lengths is None else out + lengths.to(torch.float32)[:, None]


def sequence(module: nn.Module, **changes: object) -> PartSpec:
    fields: dict[str, object] = {
        "name": "mine",
        "module": module.eval(),
        "example": (torch.randn(1, 4, 3),),
        "inputs": ("x",),
        "outputs": ("y",),
        "dynamic": {"x": (1, "frames")},
    }
    return PartSpec(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_module_that_cannot_be_told_of_padding_is_refused() -> None:
    with pytest.raises(ExportError, match=r"part mine .*frames.*Set length"):
        export_tflite(sequence(Pool()), sizes=SIZES)


def test_an_axis_without_a_size_is_refused() -> None:
    with pytest.raises(ExportError, match="needs a length for its axis frames"):
        export_tflite(sequence(Forgetful()), sizes={"tokens": 3})


def test_two_inputs_of_any_length_are_refused() -> None:
    spec = sequence(
        Forgetful(),
        example=(torch.randn(1, 4, 3), torch.randn(1, 4, 3)),
        inputs=("x", "z"),
        dynamic={"x": (1, "frames"), "z": (1, "frames")},
    )
    with pytest.raises(ExportError, match="several inputs of any length"):
        export_tflite(spec, sizes=SIZES)


def test_a_graph_that_differs_from_torch_is_refused() -> None:
    with pytest.raises(ExportError, match=r"differs from torch by .* at length"):
        export_tflite(sequence(Forgetful()), sizes={"frames": 4})
    spec = spec_of("head concat")
    other = PartSpec(
        name="head",
        module=spec_of("head attention").module,
        example=spec.example,
        inputs=spec.inputs,
        outputs=spec.outputs,
    )
    with pytest.raises(ExportError, match="part head differs from torch"):
        check_tflite_parity(other, fp32("head concat"))


class Odd(nn.Module):
    """An operator that the converter does not have."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.digamma(x)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.odd = Odd()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.odd(self.linear(x))
        return out


def test_an_unknown_operator_is_named_with_its_layer() -> None:
    with pytest.raises(ExportError, match=r"part mine: .*digamma.* used in odd:") as caught:
        export_tflite(sequence(Net(), dynamic={}), sizes=SIZES)
    assert caught.value.exit_code == 9
