"""Multiply-accumulates of single operators, against counts made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edge_sdk.converters.calibration.ranges import Calibration
from edge_sdk.converters.quantisation.macs import node_macs

# Operator, attributes, shapes of the inputs, shape of the output, multiply-accumulates.
CASES: list[tuple[str, dict[str, Any], list[tuple[int, ...]], tuple[int, ...], int]] = [
    # 8 channels of 10 x 12, each from 3 channels of 3 x 3
    ("Conv", {}, [(1, 3, 12, 14), (8, 3, 3, 3)], (1, 8, 10, 12), 8 * 10 * 12 * 27),
    # depthwise: each output channel reads one input channel
    ("Conv", {"group": 8}, [(1, 8, 12), (8, 1, 5)], (1, 8, 8), 8 * 8 * 5),
    # every input value meets 2 channels of 4 taps
    ("ConvTranspose", {"strides": [2]}, [(1, 3, 5), (3, 2, 4)], (1, 2, 12), 15 * 8),
    ("Gemm", {}, [(2, 5), (5, 7)], (2, 7), 2 * 5 * 7),
    ("Gemm", {"transB": 1}, [(2, 5), (7, 5)], (2, 7), 2 * 5 * 7),
    ("MatMul", {}, [(1, 9, 5), (5, 7)], (1, 9, 7), 9 * 5 * 7),
    # 6 steps, one direction, 3 gates of 4, from 5 inputs and 4 of its own
    ("GRU", {}, [(6, 1, 5), (1, 12, 5), (1, 12, 4)], (6, 1, 1, 4), 6 * 12 * 9),
    ("GRU", {}, [(6, 1, 5), (2, 12, 5), (2, 12, 4)], (6, 2, 1, 4), 2 * 6 * 12 * 9),
    ("LSTM", {}, [(6, 1, 5), (1, 16, 5), (1, 16, 4)], (6, 1, 1, 4), 6 * 16 * 9),
    ("Relu", {}, [(1, 99)], (1, 99), 0),
    ("Gather", {}, [(50, 8), (1, 3)], (1, 3, 8), 0),
]


def count(
    operator: str,
    attributes: dict[str, Any],
    inputs: list[tuple[int, ...]],
    outputs: dict[str, tuple[int, ...]],
    *,
    weights: bool = True,
) -> int:
    names = [f"in{i}" for i in range(len(inputs))]
    node = helper.make_node(operator, names, list(outputs), "it", **attributes)
    graph = onnx.ModelProto()
    if weights:
        for name, shape in list(zip(names, inputs, strict=True))[1:]:
            array = numpy_helper.from_array(np.zeros(shape, np.float32), name)
            graph.graph.initializer.append(array)
    shapes = {**dict(zip(names, inputs, strict=True)), **outputs}
    return node_macs(node, graph, Calibration(ranges={}, shapes=shapes, samples=1))


@pytest.mark.parametrize(("operator", "attributes", "inputs", "output", "macs"), CASES)
def test_macs_are_as_counted_by_hand(
    operator: str,
    attributes: dict[str, Any],
    inputs: list[tuple[int, ...]],
    output: tuple[int, ...],
    macs: int,
) -> None:
    assert count(operator, attributes, inputs, {"out": output}) == macs


def test_a_product_of_two_activations_counts() -> None:
    inputs = [(1, 2, 9, 5), (1, 2, 5, 9)]
    assert count("MatMul", {}, inputs, {"out": (1, 2, 9, 9)}, weights=False) == 2 * 81 * 5


def test_a_gru_of_which_only_the_last_state_is_used_counts_every_step() -> None:
    inputs = [(6, 1, 5), (1, 12, 5), (1, 12, 4)]
    assert count("GRU", {}, inputs, {"": (), "last": (1, 1, 4)}) == 6 * 12 * 9
