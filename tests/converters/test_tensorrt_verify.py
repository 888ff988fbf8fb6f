"""Compiling kits on the build host: what is reported, and (slow) TensorRT-RTX itself."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from edge_sdk.converters.calibration.ranges import calibrate
from edge_sdk.converters.export.profiles import AxisRange
from edge_sdk.converters.export.tensorrt import Kit, KitGraph, make_kit
from edge_sdk.converters.verify_tensorrt import (
    COMPUTING,
    CompiledLayer,
    KernelCheck,
    missed_kernels,
    verify_kit,
)
from edge_sdk.errors import DependencyError
from edge_sdk.runtimes.tensorrt.layers import layers_of

from ..onnx_graphs import feeds, image_net, sequence_net
from .test_tensorrt_gate import quantised_conv

LOG = """Layers:
Name: shape, LayerType: ShapeHostToDevice, Inputs: [], Outputs: [ { Name: s, Datatype: Int32}], X
Name: q, LayerType: kgen, Inputs: [ { Name: x, Dimensions: [1,3], Datatype: Float, Format: y }], \
Constants: [], Outputs: [ { Name: z, Datatype: Int8 }], Metadata: [ONNX Layer: x_QuantizeLinear]
Name: c, LayerType: correlation, Inputs: [ { Name: z, Dimensions: [1], Datatype: Int8, F: (N) }], \
Constants: [ { Name: w, Datatype: Int8 }, { Name: s, Datatype: Float }], Outputs: [ { Name: o, \
Datatype: Float }], Metadata: [ONNX Layer: first][ONNX Layer: x_DequantizeLinear]
"""


def layer(kind: str, inputs: str, constants: str, *nodes: str) -> CompiledLayer:
    return CompiledLayer(
        name="l", kind=kind, inputs=tuple(inputs.split()), constants=tuple(constants.split()),
        nodes=nodes,
    )  # fmt: skip


def image_kit() -> Kit:
    return make_kit("image", image_net(), calibrate(image_net(), feeds((1, 3, 16, 16))), {})


def test_a_log_gives_the_types_of_every_layer() -> None:
    shape, first, conv = layers_of(["something", LOG])
    assert (shape.kind, shape.inputs, shape.constants) == ("ShapeHostToDevice", (), ())
    assert (first.kind, first.inputs, first.nodes) == ("kgen", ("Float",), ("x_QuantizeLinear",))
    assert (conv.inputs, conv.constants) == (("Int8",), ("Int8", "Float"))
    assert conv.nodes == ("first", "x_DequantizeLinear")
    assert layers_of(["nothing"]) == ()


@pytest.mark.parametrize(
    ("precision", "layers", "missed"),
    [
        ("int8", [layer("correlation", "Int8", "Int8 Float", "n")], False),
        ("int8", [layer("gemm", "Int8 Int8", "Float Float", "n")], False),
        ("int8", [layer("gemm", "Int8 Float", "Float", "n")], True),
        ("int8", [layer("gemm", "Float", "Int8", "n")], True),
        ("int8", [layer("kgen", "Int8", "Int8", "n")], True),
        ("int8", [layer("kgen", "Int8", "", "n"), layer("gemm", "Int8", "Int8", "n")], False),
        ("int8", [layer("gemm", "Int8", "Int8", "n"), layer("gemm", "Float", "Float", "n")], True),
        ("int8", [], True),
        ("fp16", [layer("correlation", "Half", "Half", "n")], False),
        ("fp16", [layer("correlation", "Float", "Float", "n")], True),
        ("fp16", [layer("kgen", "Float", "Half", "n")], False),
        ("fp16", [layer("kgen", "Float", "Float", "n")], True),
    ],
)
def test_a_planned_node_must_compute_in_its_precision(
    precision: str, layers: list[CompiledLayer], missed: bool
) -> None:
    assert "runtime_fusion" in COMPUTING
    item = KitGraph(precision=precision, graph=image_net(), planned={"n": "Gemm"})  # type: ignore[arg-type]
    assert bool(missed_kernels(item, tuple(layers))) is missed


def interpreter(folder: Path, body: str) -> str:
    """An interpreter whose ``-m`` runs ``body``."""
    path = folder / "python"
    path.write_text(f"#!{sys.executable}\nimport os, signal, sys, time\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed while compiling (SIGSEGV)"),
        ("print('no memory', file=sys.stderr); sys.exit(3)", "code 3; the last it said: no memory"),
        ("time.sleep(60)", "took more than 1 seconds"),
    ],
)
def test_a_crash_is_a_result_of_that_graph(tmp_path: Path, body: str, sentence: str) -> None:
    checks = verify_kit(image_kit(), python=interpreter(tmp_path, body), timeout=1)
    assert len(checks) == 2
    for check in checks:
        assert not check.ok
        assert sentence in check.sentence()


def test_without_tensorrt_rtx_it_says_what_to_install(tmp_path: Path) -> None:
    body = (
        "sys.path[:0] = os.environ['PYTHONPATH'].split(os.pathsep)\n"
        "sys.modules['tensorrt_rtx'] = None\n"
        "sys.argv = sys.argv[2:]\n"
        "from edge_sdk.runtimes.tensorrt.worker import main; main()"
    )
    with pytest.raises(DependencyError, match=r"edge-sdk.verify-tensorrt"):
        verify_kit(image_kit(), python=interpreter(tmp_path, body))


# Below, TensorRT-RTX compiles for a GPU that is not there. Nothing of it runs.

rtx = pytest.mark.slow


@pytest.fixture
def _tensorrt_rtx() -> None:
    pytest.importorskip("tensorrt_rtx", reason="pip install 'edge-sdk[verify-tensorrt]'")


@rtx
@pytest.mark.usefixtures("_tensorrt_rtx")
@pytest.mark.parametrize("capability", ["SM86", "SM89"])
def test_every_planned_layer_gets_its_kernel(capability: str) -> None:
    samples = [*feeds((1, 30, 8), 3), *feeds((1, 7, 8), 1, 5)]
    graph = sequence_net()
    audio = make_kit("audio", graph, calibrate(graph, samples), {"frames": AxisRange(max=100)})
    for kit in (image_kit(), audio):
        for check in verify_kit(kit, capability=capability):
            assert check.ok, check.sentence()
            assert check.planned == len(kit.graphs[0].planned)
            assert check.capability == capability
            assert "planned nodes have" in check.sentence()


@rtx
@pytest.mark.usefixtures("_tensorrt_rtx")
def test_what_the_gate_refuses_tensorrt_refuses_or_computes_in_float() -> None:
    def compile_raw(graph: object) -> KernelCheck:
        item = KitGraph(precision="int8", graph=graph, planned={"my_Conv": "Conv"})  # type: ignore[arg-type]
        (check,) = verify_kit(Kit(part="p", profiles=(), graphs=(item,)))
        return check

    assert compile_raw(quantised_conv()).ok
    assert "zero" in str(compile_raw(quantised_conv(zero=np.array(3, np.int8))).error).lower()
    for refused in (
        quantised_conv(axis=1),
        quantised_conv(bias=True),
        quantised_conv(activation=False),
        quantised_conv(scale=np.full(32, 0.1, np.float32), zero=np.zeros(32, np.int8)),
        quantised_conv(scale=np.array(0.0, np.float32)),
        quantised_conv(zero=np.array(0, np.int16)),
    ):
        assert not compile_raw(refused).ok


@rtx
@pytest.mark.usefixtures("_tensorrt_rtx")
def test_a_capability_that_is_unknown_is_an_error() -> None:
    for check in verify_kit(image_kit(), capability="SM87"):
        assert "cannot compile for SM87" in str(check.error)
