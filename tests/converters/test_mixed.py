"""Sensitivity and mixed precision: the guilty layer is found, kept, and named with the reason."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import pytest
from onnx import numpy_helper

from edge_sdk.converters.calibration.ranges import Calibration, calibrate
from edge_sdk.converters.quantisation.dynamic import quantise_dynamic
from edge_sdk.converters.quantisation.ends import float_ends
from edge_sdk.converters.quantisation.layers import quantisable_layers
from edge_sdk.converters.quantisation.mixed import guilty_first, keep_by_accuracy, keep_by_noise
from edge_sdk.converters.quantisation.noise import (
    PartNoise,
    decibel,
    int8_form,
    output_noise,
    part_noise,
)
from edge_sdk.converters.quantisation.plan import QuantisationPlan
from edge_sdk.converters.quantisation.share import float_share
from edge_sdk.converters.reference import Reference
from edge_sdk.targets import Int8Scheme

from ..onnx_graphs import feeds, image_net, sequence_net

SCHEME, PLAN = Int8Scheme(), QuantisationPlan()
INPUTS = feeds((1, 3, 16, 16), count=8)


@pytest.fixture(scope="module")
def graph() -> onnx.ModelProto:
    """A net whose depthwise convolution has one channel a thousand times as loud as the others."""
    net = image_net()
    for constant in net.graph.initializer:
        if constant.name in ("w2", "w3"):
            values = numpy_helper.to_array(constant).copy()
            if constant.name == "w2":
                values[0] *= 1000
            else:
                values[:, 0] /= 1000
            constant.CopyFrom(numpy_helper.from_array(values, constant.name))
    return net


@pytest.fixture(scope="module")
def seen(graph: onnx.ModelProto) -> Calibration:
    return calibrate(graph, INPUTS)


@pytest.fixture(scope="module")
def noise(graph: onnx.ModelProto, seen: Calibration) -> PartNoise:
    return part_noise(graph, seen, SCHEME, PLAN, INPUTS)


def snr(graph: onnx.ModelProto, other: onnx.ModelProto) -> float:
    reference = Reference(graph)
    wanted = [reference.run(feed) for feed in INPUTS]
    return decibel(max(output_noise(wanted, Reference(other), INPUTS).values()))


def test_layers_are_those_with_an_int8_form(graph: onnx.ModelProto, seen: Calibration) -> None:
    layers = {layer.name: layer for layer in quantisable_layers(graph, seen)}
    assert list(layers) == ["first", "depthwise", "embed"]
    assert layers["first"].weights == 16 * 27 + 16
    assert layers["first"].macs == 16 * 16 * 16 * 27
    assert layers["depthwise"].output == "c2"


def test_the_guilty_layer_is_first(noise: PartNoise) -> None:
    assert noise.layers[0].layer.name == "depthwise"
    assert [x.noise for x in noise.layers] == sorted((x.noise for x in noise.layers), reverse=True)
    assert noise.snr_db < noise.layers[0].snr_db + 3


def test_noises_of_layers_add_up(noise: PartNoise) -> None:
    assert decibel(sum(x.noise for x in noise.layers)) == pytest.approx(noise.snr_db, abs=3)


def test_keeping_the_guilty_layer_gains_what_it_cost(
    graph: onnx.ModelProto, seen: Calibration, noise: PartNoise
) -> None:
    (kept, *_) = keep_by_noise(noise)
    assert kept.layer == "depthwise"
    assert kept.sentence.startswith("depthwise stays float: alone in int8 it leaves ")
    mixed = int8_form(graph, seen, SCHEME, PLAN, [kept.layer])
    assert snr(graph, mixed) > noise.snr_db + 6
    assert float_share(graph, mixed, seen).nodes == {"Conv": 1}


def test_no_more_stays_float_than_allowed(noise: PartNoise) -> None:
    kept = keep_by_noise(noise, gain_db=100, most=0.3)
    weights = {x.layer.name: x.layer.weights for x in noise.layers}
    macs = {x.layer.name: x.layer.macs for x in noise.layers}
    share = sum(
        (weights[k.layer] / sum(weights.values()) + macs[k.layer] / sum(macs.values())) / 2
        for k in kept
    )
    assert kept
    assert share <= 0.3


@pytest.mark.parametrize("needed", [0, 1])
def test_as_few_layers_are_kept_as_the_budget_asks_for(noise: PartNoise, needed: int) -> None:
    order = [x.layer.name for x in guilty_first(noise)]
    trials: list[Sequence[str]] = []

    def drop(keep: Sequence[str]) -> float:
        trials.append(keep)
        return 0.0 if set(order[:needed]) <= set(keep) else 5.0

    kept = keep_by_accuracy(noise, drop, 1.0)
    assert kept is not None
    assert [k.layer for k in kept] == order[:needed]
    assert len(trials) <= 4


def test_a_budget_that_half_the_layers_do_not_keep_is_given_up(noise: PartNoise) -> None:
    assert keep_by_accuracy(noise, lambda keep: 5.0, 1.0) is None


def test_dynamic_int8_has_no_ranges_and_stored_weights_elsewhere() -> None:
    graph = sequence_net()
    inputs = feeds((1, 12, 8))
    dynamic = quantise_dynamic(graph, SCHEME)
    operators = [node.op_type for node in dynamic.graph.node]
    assert "ConvInteger" not in operators
    assert operators.count("MatMulInteger") == 1
    reference, runner = Reference(graph), Reference(dynamic)
    wanted = [reference.run(feed) for feed in inputs]
    assert decibel(max(output_noise(wanted, runner, inputs).values())) > 30
    seen = calibrate(graph, inputs)
    assert float_share(graph, dynamic, seen).nodes == {"Conv": 1, "GRU": 1}
    kept = quantise_dynamic(graph, SCHEME, keep=["embed"])
    share = float_share(graph, kept, seen)
    assert share.nodes == {"Conv": 1, "GRU": 1, "MatMul": 1}
    assert share.macs == pytest.approx(1)


def test_a_product_at_the_end_is_not_rounded(graph: onnx.ModelProto, seen: Calibration) -> None:
    int8 = int8_form(graph, seen, SCHEME, PLAN, ())
    last = next(node for node in int8.graph.node if "embedding" in node.output)
    assert last.op_type == "Gemm"
    before = int8.SerializeToString()
    assert float_ends(int8).SerializeToString() == before
