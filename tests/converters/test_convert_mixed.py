"""``int8-mixed`` in a conversion: accuracy decides what is kept, and a form must be worth it."""

from __future__ import annotations

from pathlib import Path

import onnx

from edge_sdk import Bundle
from edge_sdk.converters.backends.onnxruntime_int8 import quantised
from edge_sdk.converters.backends.protocol import PartWork
from edge_sdk.converters.cache import StageCache
from edge_sdk.converters.calibration.ranges import calibrate
from edge_sdk.converters.quantisation.plan import QuantisationPlan
from edge_sdk.targets import Int8Scheme

from ..onnx_graphs import feeds, image_net
from .conftest import Convert


def test_nothing_is_kept_where_int8_keeps_the_budget(convert_tiny: Convert, tmp_path: Path) -> None:
    report = convert_tiny(precision="int8-mixed", max_drop=100)
    assert {part.precision for part in report.parts} == {"int8-mixed"}
    for part in report.parts:
        (attempt,) = part.attempts
        assert attempt.kept == {}
        assert attempt.notes[0] == f"No layers of {part.name} kept for a budget of 100 points."
    assert Bundle.open(tmp_path / "out.edge").manifest.quality.max_drop == 100


def test_dynamic_int8_converts(convert_tiny: Convert) -> None:
    report = convert_tiny(precision="int8-dynamic", max_drop=100)
    assert {part.precision for part in report.parts} == {"int8-dynamic"}


class Strict:
    """Judges by the number of layers that are quantised: as a budget that needs two kept."""

    limit = 1.0

    def __init__(self) -> None:
        self.settled: dict[str, bytes] = {}

    def drop(self, part: str, content: bytes) -> float:
        operators = [node.op_type for node in onnx.load_from_string(content).graph.node]
        return 0.0 if operators.count("DequantizeLinear") < 9 else 5.0

    def settle(self, part: str, content: bytes) -> None:
        self.settled[part] = content


def work(plan: QuantisationPlan, judge: Strict | None = None) -> PartWork:
    graph, inputs = image_net(), feeds((1, 3, 16, 16), count=32)
    return PartWork(
        name="image", key="net", spec=None, graph=graph, feeds=lambda: iter(inputs),
        few=lambda: iter(inputs[:3]), feeds_key="inputs", scheme=Int8Scheme(), lengths={},
        longest={}, calibration=lambda: calibrate(graph, inputs), store=StageCache(None),
        plan=plan, judge=judge,
    )  # fmt: skip


def test_the_plan_s_improvements_are_tried_and_told() -> None:
    made = quantised(work(QuantisationPlan(equalise=True, correct_bias=True)), "int8")
    equalised, corrected = made.notes
    assert equalised.startswith("Equalis")
    assert "first and depthwise" in equalised
    assert corrected.startswith(("Bias correction", "Corrected"))
    assert quantised(work(QuantisationPlan(equalise=False)), "int8").notes == ()


def test_as_many_layers_are_kept_as_the_judge_asks_for() -> None:
    judge = Strict()
    plain = quantised(work(QuantisationPlan(), judge), "int8")
    assert not plain.kept
    made = quantised(work(QuantisationPlan(), judge), "int8-mixed")
    assert len(made.kept) == 1
    assert made.notes[0] == "1 layer of image kept for a budget of 1 points."
    assert judge.settled == {"image": made.graph.SerializeToString()}
    assert judge.drop("image", plain.graph.SerializeToString()) > judge.limit
    assert judge.drop("image", made.graph.SerializeToString()) <= judge.limit
