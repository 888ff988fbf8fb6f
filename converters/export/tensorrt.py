"""The TensorRT kit of a part: what a device compiles its engines from.

int8 and fp16 graphs in ONNX, inside the operator set of TensorRT 10.3, with the shapes that the
engines are to take. Types are in the graph (TensorRT's strongly typed mode): a layer computes in
int8 where it stands between dequantised inputs, in fp16 where its weights are fp16, else in fp32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray

from edge_sdk.bundle.manifest import ShapeRange
from edge_sdk.targets import Int8Scheme

from ..calibration.ranges import Calibration
from ..quantisation.static import quantise
from ..reference import Reference
from .half import to_half
from .profiles import AxisRange, shape_profiles
from .tensorrt_gate import gate_tensorrt

KitPrecision = Literal["int8", "fp16"]

#: Signed and symmetric on both sides; TensorRT has no other int8.
SCHEME = Int8Scheme(activation="int8", per_channel=True, symmetric_activation=True)
#: The operators with int8 kernels. Recurrent ones stay float: TensorRT has no int8 for them.
INT8_OPERATORS = ("Conv", "MatMul", "Gemm")


class KitGraph(msgspec.Struct, frozen=True, kw_only=True):
    """One graph of a kit.

    Attributes:
        precision: what it is for.
        graph: the ONNX graph.
        planned: the names of the nodes that must compute in this precision, with operators.
        notes: what was rewritten, and what stays in fp32 and why, in sentences.
    """

    precision: KitPrecision
    graph: onnx.ModelProto
    planned: dict[str, str]
    notes: tuple[str, ...] = ()


class Kit(msgspec.Struct, frozen=True, kw_only=True):
    """The kit of one part: its graphs by precision, and the shapes they are compiled for."""

    part: str
    profiles: tuple[ShapeRange, ...]
    graphs: tuple[KitGraph, ...]


def make_kit(
    part: str,
    graph: onnx.ModelProto,
    calibration: Calibration,
    ranges: Mapping[str, AxisRange],
    precisions: Sequence[KitPrecision] = ("int8", "fp16"),
) -> Kit:
    """The kit of a verified fp32 graph.

    Args:
        part: the part's name.
        graph: fp32, held against torch before.
        calibration: what calibration saw of it.
        ranges: how long the axes of any length may be, by axis name.
        precisions: the graphs to make.

    Raises:
        ExportError: TensorRT would refuse the graph, or an axis has no range.
    """
    base = gate_tensorrt(graph, part)
    profiles = shape_profiles(base.graph, ranges, calibration, part)
    made = {
        "int8": lambda: _int8(part, base.graph, calibration),
        "fp16": lambda: _fp16(part, base.graph, calibration),
    }
    return Kit(
        part=part, profiles=profiles, graphs=tuple(made[precision]() for precision in precisions)
    )


def numerics(
    kit: Kit, graph: onnx.ModelProto, feeds: Sequence[Mapping[str, NDArray[Any]]]
) -> dict[KitPrecision, float]:
    """Signal-to-error ratio in dB of each of the kit's graphs against fp32, over ``feeds``.

    Both run as they are written in ONNX Runtime: what the graphs say, not what a GPU makes of it.
    Where the outputs hardly vary with the inputs (an untrained model) the ratio flatters: most
    of the signal is a constant. Labels on held-out samples decide what ships.
    """
    reference = Reference(graph)
    wanted = [reference.run(feed) for feed in feeds]
    ratios: dict[KitPrecision, float] = {}
    for item in kit.graphs:
        runner = Reference(item.graph)
        signal = noise = 0.0
        for feed, expected in zip(feeds, wanted, strict=True):
            for name, value in runner.run(feed).items():
                exact = expected[name].astype(np.float64)
                signal += float((exact**2).sum())
                noise += float(((value - exact) ** 2).sum())
        if not np.isfinite(noise) or not signal:
            ratios[item.precision] = float("-inf")
        else:
            ratios[item.precision] = 10 * float(np.log10(signal / noise)) if noise else float("inf")
    return ratios


def _int8(part: str, graph: onnx.ModelProto, calibration: Calibration) -> KitGraph:
    quantised = quantise(
        graph,
        calibration,
        SCHEME,
        operators=INT8_OPERATORS,
        quantise_bias=False,
        float_outputs=True,
    )
    gated = gate_tensorrt(quantised, part)
    planned = _between_pairs(gated.graph)
    left = sorted(
        {
            f"{node.op_type} {node.name} stays fp32"
            for node in gated.graph.graph.node
            if node.op_type in (*INT8_OPERATORS, "ConvTranspose", "GRU", "LSTM", "RNN")
            and node.name not in planned
        }
    )
    return KitGraph(
        precision="int8",
        graph=gated.graph,
        planned=planned,
        notes=(*gated.rewrites, *left),
    )


def _fp16(part: str, graph: onnx.ModelProto, calibration: Calibration) -> KitGraph:
    half, wide = to_half(graph, calibration)
    gated = gate_tensorrt(half, part)
    planned = {
        node.name: node.op_type
        for node in gated.graph.graph.node
        if node.op_type in INT8_OPERATORS and node.name not in wide
    }
    notes = [f"{name} stays fp32: its values are too large for fp16" for name in wide]
    return KitGraph(
        precision="fp16",
        graph=gated.graph,
        planned=planned,
        notes=(*gated.rewrites, *notes),
    )


def _between_pairs(graph: onnx.ModelProto) -> dict[str, str]:
    """Nodes whose first two inputs are both dequantised, with their operators."""
    dequantised = {
        node.output[0] for node in graph.graph.node if node.op_type == "DequantizeLinear"
    }
    return {
        node.name: node.op_type
        for node in graph.graph.node
        if node.op_type in INT8_OPERATORS and dequantised.issuperset(node.input[:2])
    }
