"""The kit: what is in its graphs, and that they compute what the fp32 graph does."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_sdk.bundle.manifest import ShapeRange
from edge_sdk.bundle.shapes import refusal
from edge_sdk.converters.calibration.ranges import calibrate
from edge_sdk.converters.export.profiles import AxisRange, axis_ranges, shape_profiles
from edge_sdk.converters.export.tensorrt import Kit, KitGraph, make_kit, numerics
from edge_sdk.errors import ExportError
from edge_sdk.frontends.config import AudioFeaturesConfig, FrontendsConfig, TextConfig

from ..onnx_graphs import feeds, image_net, model, sequence_net

IMAGE = feeds((1, 3, 16, 16))
SEQUENCE = [*feeds((1, 30, 8), 3), *feeds((1, 7, 8), 1, 5)]
FRAMES = {"frames": AxisRange(max=100)}


def image_kit() -> Kit:
    return make_kit("image", image_net(), calibrate(image_net(), IMAGE), {})


def sequence_kit() -> Kit:
    return make_kit("audio", sequence_net(), calibrate(sequence_net(), SEQUENCE), FRAMES)


def by_precision(kit: Kit) -> dict[str, KitGraph]:
    return {item.precision: item for item in kit.graphs}


def test_int8_is_signed_symmetric_and_a_channel_a_scale_for_weights() -> None:
    graph = by_precision(image_kit())["int8"].graph
    constants = {i.name: numpy_helper.to_array(i) for i in graph.graph.initializer}
    pairs = [n for n in graph.graph.node if n.op_type in ("QuantizeLinear", "DequantizeLinear")]
    assert pairs
    for pair in pairs:
        zero = constants[pair.input[2]]
        assert zero.dtype == np.int8
        assert not zero.any()
    weights = [p for p in pairs if p.input[0] in constants]
    assert {constants[p.input[1]].size for p in weights} == {16, 8}
    assert graph.opset_import[0].version <= 20
    onnx.checker.check_model(graph)


def test_all_products_are_planned_and_a_gru_stays_float() -> None:
    image, audio = by_precision(image_kit()), by_precision(sequence_kit())
    everything = {"first": "Conv", "depthwise": "Conv", "embed": "Gemm"}
    assert image["int8"].planned == image["fp16"].planned == everything
    assert image["int8"].notes == ()
    assert audio["int8"].planned == {"conv": "Conv", "embed": "Gemm"}
    assert audio["int8"].notes == ("GRU gru stays fp32",)


def test_fp16_keeps_float_inputs_and_outputs() -> None:
    graph = by_precision(sequence_kit())["fp16"].graph
    for value in [*graph.graph.input, *graph.graph.output]:
        assert value.type.tensor_type.elem_type == TensorProto.FLOAT
    kinds = {i.name: i.data_type for i in graph.graph.initializer}
    assert kinds["w1"] == kinds["w"] == kinds["w3"] == TensorProto.FLOAT16


def test_numbers_are_those_of_the_fp32_graph() -> None:
    image = numerics(image_kit(), image_net(), IMAGE)
    audio = numerics(sequence_kit(), sequence_net(), SEQUENCE)
    for ratios in (image, audio):
        assert ratios["int8"] > 25
        assert ratios["fp16"] > 55


def test_what_is_too_large_for_fp16_stays_fp32() -> None:
    graph = model(
        [
            helper.make_node("Conv", ["features", "big"], ["c"], "large"),
            helper.make_node("Conv", ["c", "small"], ["d"], "back"),
            helper.make_node("Conv", ["d", "one"], ["y"], "plain"),
        ],
        {"features": (TensorProto.FLOAT, [1, 1, 8])},
        {"y": [1, 1, 8]},
        {
            "big": np.full((1, 1, 1), 1e5, np.float32),
            "small": np.full((1, 1, 1), 1e-5, np.float32),
            "one": np.ones((1, 1, 1), np.float32),
        },
    )
    samples = feeds((1, 1, 8))
    kit = make_kit("image", graph, calibrate(graph, samples), {}, ["fp16"])
    (item,) = kit.graphs
    assert list(item.planned) == ["plain"]
    assert "large stays fp32: its values are too large for fp16" in item.notes
    assert numerics(kit, graph, samples)["fp16"] > 55


def test_profiles_say_how_long_an_axis_may_be() -> None:
    (profile,) = sequence_kit().profiles
    assert profile == ShapeRange(
        input="features", smallest=(1, 1, 8), usual=(1, 30, 8), largest=(1, 100, 8)
    )
    assert image_kit().profiles == ()
    assert refusal(profile, (1, 100, 8)) is None
    assert refusal(profile, (1, 101, 8)) == "features may have 1 to 100 along axis 1, not 101"
    assert refusal(profile, (1, 100)) == "features has 3 axes, not 2"


def test_an_axis_without_a_range_is_refused() -> None:
    seen = calibrate(sequence_net(), SEQUENCE)
    with pytest.raises(ExportError, match="axis frames of any length; TensorRT needs to know"):
        make_kit("audio", sequence_net(), seen, {})
    with pytest.raises(ExportError, match="smallest <= usual <= largest"):
        shape_profiles(sequence_net(), {"frames": AxisRange(min=9, max=5)}, seen, "audio")


def test_ranges_come_from_the_front_ends() -> None:
    ranges = axis_ranges(
        FrontendsConfig(
            audio=AudioFeaturesConfig(max_seconds=10.0, hop_ms=10.0),
            text=TextConfig(vocabulary=("[pad]", "[unk]", "a"), max_tokens=12),
        )
    )
    assert (ranges["frames"].max, ranges["tokens"].max) == (1000, 12)


def test_the_same_graph_gives_the_same_kit() -> None:
    one, two = image_kit(), image_kit()
    for a, b in zip(one.graphs, two.graphs, strict=True):
        assert a.graph.SerializeToString() == b.graph.SerializeToString()
