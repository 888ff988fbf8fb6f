"""The gate: drops as computed by hand, and the part that is to blame falls back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import helper

from edge_sdk.bundle.manifest import Head
from edge_sdk.converters.feeds import wiring_of
from edge_sdk.converters.gate import Gate, settle
from edge_sdk.converters.reference import Reference
from edge_sdk.errors import DataError
from edge_sdk.samples import Sample
from edge_sdk.targets import Precision

from .graphs import make_graph

HEADS = (Head(name="intent", labels=("a", "b")), Head(name="colour", labels=("x", "y", "z")))
PARTS = ("audio", "text", "head")
BOTH: dict[str, tuple[Precision, ...]] = dict.fromkeys(PARTS, ("int8", "fp32"))


def encoder(width: int, shift: Sequence[float] | None = None) -> onnx.ModelProto:
    """``embedding = features + shift``."""
    value = np.zeros((1, width), np.float32)
    if shift is not None:
        value[:] = shift
    node = helper.make_node("Add", ["features", "shift"], ["embedding"], "add")
    shapes = {"features": [1, width]}, {"embedding": [1, width]}
    return make_graph([node], *shapes, {"shift": value})


def head(weight: float = 0.0) -> onnx.ModelProto:
    """``colour`` is text; ``intent`` is audio, and ``weight`` times the sum of text for b."""
    nodes = [
        helper.make_node("MatMul", ["text", "pick"], ["picked"], "pick"),
        helper.make_node("MatMul", ["mask", "none"], ["nothing"], "mask"),
        helper.make_node("Sum", ["audio", "picked", "nothing"], ["intent"], "sum"),
        helper.make_node("Identity", ["text"], ["colour"], "text"),
    ]
    inputs = {"audio": [1, 2], "text": [1, 3], "mask": [1, 2]}
    pick = np.array([[0, weight]] * 3, np.float32)
    weights = {"pick": pick, "none": np.zeros((2, 2), np.float32)}
    return make_graph(nodes, inputs, {"intent": [1, 2], "colour": [1, 3]}, weights)


def one_hot(index: int, width: int) -> np.ndarray:
    return np.eye(width, dtype=np.float32)[index][None]


def observed(
    *,
    audio: Sequence[float] | None = None,
    text: Sequence[float] | None = None,
    weight: float = 0.0,
    labels: bool = True,
) -> Gate:
    """Four samples that fp32 gets right; ``audio`` and ``text`` are what int8 adds there."""
    graphs: dict[str, dict[Precision, onnx.ModelProto]] = {
        "audio": {"fp32": encoder(2), "int8": encoder(2, audio)},
        "text": {"fp32": encoder(3), "int8": encoder(3, text)},
        "head": {"fp32": head(weight), "int8": head(weight)},
    }
    base = {name: Reference(made["fp32"]) for name, made in graphs.items()}
    candidates = {n: {p: Reference(g) for p, g in made.items()} for n, made in graphs.items()}
    fp32 = {name: made["fp32"] for name, made in graphs.items()}
    gate = Gate(base, candidates, wiring_of(("audio", "text"), fp32), HEADS)
    samples = []
    for i, (intent, colour) in enumerate([(0, 0), (0, 1), (1, 2), (1, 2)]):
        truth = {"intent": "ab"[intent], "colour": "xyz"[colour]} if labels else {}
        features = {"audio": one_hot(intent, 2), "text": one_hot(colour, 3)}
        samples.append((Sample(id=f"s{i}", labels=truth), features))
    gate.observe(samples)
    assert gate.samples == 4
    return gate


def alone(part: str) -> dict[str, Precision]:
    return {**dict.fromkeys(PARTS, "fp32"), part: "int8"}  # type: ignore[dict-item]


def test_a_drop_is_in_points_of_macro_f1() -> None:
    # All said to be b: F1 of a is 0, of b 2 / 3; a mean of 1 / 3 instead of 1.
    gate = observed(audio=(0, 3))
    assert gate.drops(alone("audio")) == pytest.approx({"intent": 100 * 2 / 3, "colour": 0})
    quality = gate.quality(alone("audio"))["intent"]
    assert (quality.fp32.accuracy, quality.fp32.macro_f1) == (1, 1)
    assert quality.shipped.accuracy == pytest.approx(1 / 2)
    assert quality.shipped.macro_f1 == pytest.approx(1 / 3)
    assert (quality.samples, quality.agreement) == (4, 0.5)


def test_parts_are_judged_apart() -> None:
    gate = observed(audio=(0, 3))
    assert gate.drops(alone("text")) == {"intent": 0, "colour": 0}
    assert gate.drops(alone("head")) == {"intent": 0, "colour": 0}


def test_a_gain_is_a_negative_drop() -> None:
    gate = observed(audio=(0, 3))
    sample = Sample(id="odd", labels={"intent": "b"})
    gate.observe([(sample, {"audio": one_hot(0, 2), "text": one_hot(0, 3)})] * 8)
    assert gate.drops(alone("audio"))["intent"] < 0


def test_without_labels_agreement_is_the_measure() -> None:
    gate = observed(audio=(0, 3), labels=False)
    # Two of four labels change.
    assert gate.drops(alone("audio")) == {"intent": 50, "colour": 0}
    assert gate.quality(alone("audio"))["intent"].samples == 0


def test_a_sample_without_a_head_s_label_says_nothing_about_it() -> None:
    gate = observed()
    features = {"audio": one_hot(0, 2), "text": one_hot(0, 3)}
    gate.observe([(Sample(id="more", labels={"colour": "x"}), features)])
    quality = gate.quality(dict.fromkeys(PARTS, "fp32"))
    assert (quality["intent"].samples, quality["colour"].samples) == (4, 5)


def test_an_unknown_label_is_named_with_its_sample() -> None:
    gate = observed()
    features = {"audio": one_hot(0, 2), "text": one_hot(0, 3)}
    with pytest.raises(DataError, match=r"sample odd is labelled 'c', .* head 'intent'"):
        gate.observe([(Sample(id="odd", labels={"intent": "c"}), features)])


def test_a_missing_modality_is_zeros_and_a_zero_in_the_mask() -> None:
    wiring = wiring_of(("audio", "text"), {"audio": encoder(2), "text": encoder(3), "head": head()})
    feed = wiring.head_feed({"text": np.ones((1, 3), np.float32)})
    assert list(feed) == ["audio", "text", "mask"]
    assert feed["audio"].tolist() == [[0, 0]]
    assert feed["mask"].tolist() == [[0, 1]]
    assert feed["mask"].dtype == feed["audio"].dtype == np.float32


def test_what_keeps_the_budget_ships_as_preferred() -> None:
    chosen, _ = settle(observed(), BOTH, 0.0)
    assert chosen == dict.fromkeys(PARTS, "int8")


def test_the_part_that_breaks_the_budget_falls_back_alone() -> None:
    chosen, _ = settle(observed(audio=(0, 3)), BOTH, 1.0)
    assert chosen == {"audio": "fp32", "text": "int8", "head": "int8"}


def test_every_part_that_breaks_the_budget_falls_back() -> None:
    chosen, _ = settle(observed(audio=(0, 3), text=(0, 0, 3)), BOTH, 1.0)
    assert chosen == {"audio": "fp32", "text": "fp32", "head": "int8"}


def test_parts_that_fail_only_together_lose_one() -> None:
    # a leads b by 0.9 in fp32; audio takes 0.6 of that, text 0.6.
    gate = observed(audio=(0, 0.6), text=(2, 2, 2), weight=0.1, labels=False)
    together: dict[str, Precision] = {"audio": "int8", "text": "int8", "head": "fp32"}
    assert gate.drops(alone("audio"))["intent"] == 0
    assert gate.drops(alone("text"))["intent"] == 0
    assert gate.drops(together)["intent"] > 0
    chosen, _ = settle(gate, BOTH, 0.0)
    assert chosen is not None
    assert sorted(chosen.values()) == ["fp32", "int8", "int8"]
    assert chosen["head"] == "int8"


def test_a_budget_that_is_just_met_is_met() -> None:
    gate = observed(audio=(0, 3), labels=False)
    assert settle(gate, BOTH, 50.0)[0] == dict.fromkeys(PARTS, "int8")
    assert settle(gate, BOTH, 49.9)[0] != dict.fromkeys(PARTS, "int8")


def test_where_nothing_passes_the_nearest_is_named() -> None:
    chosen, nearest = settle(observed(audio=(0, 3)), dict.fromkeys(PARTS, ("int8",)), 1.0)
    assert chosen is None
    assert nearest == dict.fromkeys(PARTS, "int8")
