"""Equalisation and bias correction: the answers stay, and they are kept only where they help."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edge_sdk.converters.calibration.ranges import Calibration, calibrate
from edge_sdk.converters.quantisation.bias import correct_bias
from edge_sdk.converters.quantisation.equalise import equalise
from edge_sdk.converters.quantisation.improve import (
    Improved,
    Judge,
    try_corrected,
    try_equalised,
)
from edge_sdk.converters.quantisation.static import quantise
from edge_sdk.converters.reference import Reference
from edge_sdk.targets import Int8Scheme

from ..onnx_graphs import feeds, image_net

PER_TENSOR = Int8Scheme(per_channel=False)
INPUTS = feeds((1, 3, 16, 16), count=24)


def uneven(factor: float = 200.0) -> onnx.ModelProto:
    """A net with channels of very different sizes that the layers behind make even again."""
    net = image_net()
    rng = np.random.default_rng(3)
    scales = np.exp(rng.uniform(-np.log(factor), np.log(factor), 16) / 2).astype(np.float32)
    for constant in net.graph.initializer:
        values = numpy_helper.to_array(constant).copy()
        if constant.name in ("w1", "b1"):
            values *= scales.reshape(-1, *[1] * (values.ndim - 1))
        elif constant.name == "w2":
            values /= scales.reshape(-1, 1, 1, 1)
        constant.CopyFrom(numpy_helper.from_array(values, constant.name))
    return net


def with_activation(kind: str, **attributes: float) -> onnx.ModelProto:
    """The net with another function behind its first layer."""
    net = uneven()
    node = next(n for n in net.graph.node if n.op_type == "Relu")
    if kind == "Clip":
        extra = [numpy_helper.from_array(np.float32(v), n) for n, v in (("lo", 0), ("hi", 6))]
        net.graph.initializer.extend(extra)
        made = helper.make_node("Clip", ["c1", "lo", "hi"], ["r1"], "clip")
    else:
        made = helper.make_node(kind, ["c1"], ["r1"], "function", **attributes)
    node.CopyFrom(made)
    return net


def quantised(graph: onnx.ModelProto, seen: Calibration) -> onnx.ModelProto:
    return quantise(graph, seen, PER_TENSOR)


def plain(graph: onnx.ModelProto) -> Improved:
    seen = calibrate(graph, INPUTS)
    return Improved(graph, seen, quantised(graph, seen))


def apart(graph: onnx.ModelProto, other: onnx.ModelProto) -> float:
    """The largest difference of the outputs, relative to the largest output."""
    mine, its = Reference(graph), Reference(other)
    pairs = [(mine.run(feed)["embedding"], its.run(feed)["embedding"]) for feed in INPUTS]
    return float(
        max(np.abs(a - b).max() for a, b in pairs) / max(np.abs(a).max() for a, _ in pairs)
    )


@pytest.mark.parametrize(("kind", "attributes"), [("Relu", {}), ("LeakyRelu", {"alpha": 0.1})])
def test_equalised_channels_answer_the_same_and_have_equal_ranges(
    kind: str, attributes: dict[str, float]
) -> None:
    graph = with_activation(kind, **attributes)
    made = equalise(graph)
    assert made.pairs == (("first", "depthwise"), ("depthwise", "embed"))
    assert not made.left
    assert apart(graph, made.graph) < 1e-4
    weights = {i.name: numpy_helper.to_array(i) for i in made.graph.graph.initializer}
    first = np.abs(weights["w1"]).max(axis=(1, 2, 3))
    depthwise = np.abs(weights["w2"]).max(axis=(1, 2, 3))
    embed = np.abs(weights["w3"]).max(axis=0)
    assert depthwise == pytest.approx(first, rel=0.02)
    assert embed == pytest.approx(depthwise, rel=0.02)


@pytest.mark.parametrize("kind", ["Clip", "HardSwish", "Sigmoid"])
def test_a_function_that_is_not_homogeneous_keeps_a_pair_apart_and_is_named(kind: str) -> None:
    made = equalise(with_activation(kind))
    assert made.pairs == (("depthwise", "embed"),)
    assert made.left == {("first", "depthwise"): f"{kind} in between is not homogeneous"}


def test_a_result_that_is_read_twice_keeps_its_channels() -> None:
    graph = uneven()
    last = next(n for n in graph.graph.node if n.op_type == "ReduceMean")
    depthwise = next(n for n in graph.graph.node if n.name == "depthwise")
    depthwise.attribute.append(helper.make_attribute("pads", [1, 1, 1, 1]))
    graph.graph.node.insert(3, helper.make_node("Add", ["c2", "r1"], ["sum"], "residual"))
    last.input[0] = "sum"
    made = equalise(graph)
    assert made.pairs == ()
    assert ("first", "depthwise") in made.left
    assert apart(graph, made.graph) == 0


def test_equalisation_is_kept_where_it_helps_and_the_gain_is_told() -> None:
    graph = uneven()
    judge, before = Judge(graph, INPUTS), plain(graph)
    made = equalise(graph)
    after = try_equalised(before, made, lambda: calibrate(made.graph, INPUTS), quantised, judge)
    assert judge.noise(after.int8) < judge.noise(before.int8) / 4
    (note,) = after.notes
    assert note.startswith("Equalised first and depthwise, depthwise and embed: ")


def test_what_does_not_help_is_left_out_and_told() -> None:
    graph = equalise(uneven()).graph
    judge, before = Judge(graph, INPUTS), plain(graph)
    made = equalise(graph)
    after = try_equalised(before, made, lambda: calibrate(made.graph, INPUTS), quantised, judge)
    assert after.int8.SerializeToString() == before.int8.SerializeToString()
    assert "was left out" in after.notes[0]


def test_a_biased_layer_is_corrected() -> None:
    graph = uneven(1.0)
    judge, before = Judge(graph, INPUTS), plain(graph)
    shifted = onnx.ModelProto()
    shifted.CopyFrom(before.int8)
    codes = next(i for i in shifted.graph.initializer
                 if i.data_type == onnx.TensorProto.INT32 and i.dims == [16])  # fmt: skip
    values = numpy_helper.to_array(codes)
    codes.CopyFrom(numpy_helper.from_array(values + np.int32(2000), codes.name))
    made, layers = correct_bias(graph, shifted, judge.fitting)
    assert layers
    assert judge.noise(made) < judge.noise(shifted) / 20
    after = try_corrected(Improved(graph, before.seen, shifted), judge)
    assert after.notes[0].startswith(f"Corrected the biases of {len(layers)} layers: ")
    assert judge.noise(after.int8) == judge.noise(made)


def test_a_graph_without_int32_biases_is_left_as_it_is() -> None:
    graph = uneven()
    floating = quantise(graph, calibrate(graph, INPUTS), PER_TENSOR, quantise_bias=False)
    made, layers = correct_bias(graph, floating, INPUTS[:4])
    assert layers == ()
    assert made.SerializeToString() == floating.SerializeToString()


@pytest.mark.parametrize(
    ("lost", "kept"), [((1.0, 2.0), False), ((2.0, 1.0), True), ((1.0, 1.0), True)]
)
def test_accuracy_decides_where_samples_have_labels(lost: tuple[float, float], kept: bool) -> None:
    """The noise falls by far; that counts where the points are the same."""
    graph = uneven()
    before, made = plain(graph), equalise(graph)
    points = {before.int8.SerializeToString(): lost[0]}
    judge = Judge(graph, INPUTS, lambda form: points.get(form.SerializeToString(), lost[1]))
    after = try_equalised(before, made, lambda: calibrate(made.graph, INPUTS), quantised, judge)
    assert (after.int8 is not before.int8) == kept
    assert f"the worst head loses {lost[0]:.2f}, then {lost[1]:.2f} points; " in after.notes[0]
