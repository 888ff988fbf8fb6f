"""Zeros in place: how many, where, and what they are reported with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from edge_sdk.converters.pruning import Mask, engine_milliseconds, prune_source
from edge_sdk.converters.source import Source

from .conftest import around, halved, plan


def net() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8), nn.Flatten(), nn.Linear(32, 3)
    )


def test_two_of_four_along_the_inputs() -> None:
    source = around(net(), torch.randn(1, 4, 6, 6))
    found = halved(source, mask=Mask(kind="2:4"))
    assert found.source.module is not None
    weights = dict(found.source.module.named_parameters())
    for name in ("0.weight", "4.weight"):
        fours = weights[name].movedim(1, -1).reshape(-1, 4)
        assert ((fours == 0).sum(1) == 2).all()
        original = dict(net().named_parameters())[name]
        assert original.shape == weights[name].shape
    assert (weights["2.weight"] != 0).all(), "a depthwise layer has one input a channel"
    assert found.report.mask is not None
    assert found.report.mask.zeros == 0.5
    assert found.report.mask.layers == 2


def test_the_smallest_weights_of_each_layer_go() -> None:
    model = net()
    before = model[0].weight.detach().abs().flatten()
    found = halved(around(model, torch.randn(1, 4, 6, 6)), mask=Mask(ratio=0.75))
    assert found.source.module is not None
    after = dict(found.source.module.named_parameters())["0.weight"].flatten()
    assert int((after == 0).sum()) == int(0.75 * len(after))
    assert before[after == 0].max() <= before[after != 0].min()


def test_zeros_are_reported_with_milliseconds_of_the_same_shapes() -> None:
    seen: list[list[int]] = []

    def measure(sources: Sequence[Source]) -> Sequence[Mapping[str, float]]:
        sizes = [sum(w.numel() for w in s.module.parameters()) for s in sources if s.module]
        seen.append(sizes)
        return [{"head": float(size)} for size in sizes]

    source = around(net(), torch.randn(1, 4, 6, 6))
    found = prune_source(source, plan(ratio=0.5, mask=Mask(kind="2:4")), measure=measure)
    ((full, small, masked),) = seen
    assert small == masked < full
    assert found.report.mask is not None
    assert found.report.mask.milliseconds == (small, masked)
    assert found.report.parts[0].milliseconds == (full, masked)


def test_the_engine_is_measured() -> None:
    source = around(net(), torch.randn(1, 4, 6, 6))
    (times,) = engine_milliseconds([source])
    assert list(times) == ["head"]
    assert times["head"] > 0


def test_towards_a_latency() -> None:
    def measure(sources: Sequence[Source]) -> Sequence[Mapping[str, float]]:
        return [
            {"head": float(sum(w.numel() for w in s.module.parameters()))}
            for s in sources
            if s.module
        ]

    source = around(net(), torch.randn(1, 4, 6, 6))
    found = prune_source(source, plan(latency=0.6), measure=measure)
    before, after = found.report.parts[0].milliseconds or (0.0, 0.0)
    assert 0.3 * before < after <= 0.6 * before
