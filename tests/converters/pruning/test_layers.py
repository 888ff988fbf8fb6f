"""Channels whose weights are zero change nothing when they go, whatever layer they run through."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edge_sdk.converters.pruning.analysis import analyse
from edge_sdk.converters.pruning.model import Parts
from edge_sdk.converters.pruning.surgery import removed

from .conftest import around, halved, outputs

PICTURE = (2, 3, 12, 12)
STEPS = (2, 9, 6)


class Through(nn.Module):
    """A first layer whose odd channels are dead, a layer under test, a last layer."""

    def __init__(self, first: nn.Module, under: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.first, self.under, self.last = first, under, last

    def forward(self, x: Tensor) -> Tensor:
        y = self.under(self.first(x))
        y = y[0] if isinstance(y, tuple) else y
        y = y.mean((2, 3)) if y.dim() == 4 else y[:, -1]
        return self.last(y)  # type: ignore[no-any-return]


def picture(under: nn.Module, width: int = 8) -> tuple[nn.Module, Tensor]:
    return Through(nn.Conv2d(3, 8, 3), under, nn.Linear(width, 3)), torch.randn(PICTURE)


def steps(under: nn.Module, width: int = 8) -> tuple[nn.Module, Tensor]:
    return Through(nn.Linear(6, 8), under, nn.Linear(width, 3)), torch.randn(STEPS)


@pytest.mark.parametrize(
    ("net", "x"),
    [
        picture(nn.Identity()),
        picture(nn.ReLU6()),
        picture(nn.PReLU(8)),
        picture(nn.MaxPool2d(2)),
        picture(nn.Upsample(scale_factor=2)),
        picture(nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Unflatten(1, (-1, 2, 2)))),
        picture(nn.InstanceNorm2d(8, affine=True)),
        steps(nn.Identity()),
        steps(nn.GRU(8, 8, batch_first=True)),
        steps(nn.LSTM(8, 8, num_layers=2, bidirectional=True, batch_first=True), 16),
        steps(nn.RNN(8, 8, bias=False, batch_first=True)),
        steps(nn.GLU(), 4),
    ],
    ids=lambda value: type(value.under).__name__ if isinstance(value, Through) else "",
)  # fmt: skip
def test_dead_channels_go_and_the_answers_stay(net: Through, x: Tensor) -> None:
    first: Any = net.first
    with torch.no_grad():
        first.weight[1::2] = 0
        first.bias[1::2] = 0
    parts = Parts.of(around(net, x))
    found = analyse(parts)
    dead = found.axes["head.first.weight", 0][1::2]
    module: Any = removed(parts, found, dead).modules["head"]
    assert module.first.weight.shape[0] == 4
    with torch.no_grad():
        torch.testing.assert_close(module(x), net(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "under",
    [
        nn.Conv2d(8, 8, 3, groups=8),
        nn.Conv2d(8, 16, 3, groups=8),
        nn.Conv2d(8, 8, 3, groups=2),
        nn.Conv2d(8, 8, 3, groups=4, bias=False),
        nn.ConvTranspose2d(8, 8, 2, 2),
        nn.BatchNorm2d(8),
        nn.GroupNorm(2, 8),
        nn.Sequential(nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), nn.Hardswish(), nn.Conv2d(8, 8, 1)),
    ],
    ids=repr,
)
def test_a_picture_goes_through_half_of_a_layer(under: nn.Module) -> None:
    width = 16 if getattr(under, "out_channels", 8) == 16 else 8
    net, x = picture(under, width)
    found = halved(around(net, x))
    assert found.report.difference < 1e-4
    assert found.report.macs[1] < 0.9 * found.report.macs[0]
    assert outputs(found.source, x).shape == (2, 3)
    first = next(group for group in found.report.groups if group.name == "first")
    assert first.after == first.before // 2


def test_layer_norms_normalise_what_is_left() -> None:
    net = nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3))
    found = halved(around(net, torch.randn(4, 6)))
    module: Any = found.source.module
    assert module[1].normalized_shape == (4,)
    assert found.report.difference < 1e-4


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)
        self.out = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        y = torch.relu(y + self.b(y))
        y += self.c(y)
        return self.out(y.mean((2, 3)))  # type: ignore[no-any-return]


def test_what_is_added_has_one_width() -> None:
    found = halved(around(Residual(), torch.randn(PICTURE)))
    (group,) = found.report.groups
    assert (group.name, group.before, group.after) == ("a", 8, 4)
    assert {name.split(".")[1] for name in group.layers} == {"a", "b", "c", "out"}


class Concat(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 6, 1), nn.Conv2d(3, 10, 1)
        self.out = nn.Linear(19, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.cat([self.a(x), x, self.b(x)], 1).amax((2, 3))
        return self.out(y)  # type: ignore[no-any-return]


def test_what_is_concatenated_keeps_its_place() -> None:
    found = halved(around(Concat(), torch.randn(PICTURE)))
    assert {g.name: g.after for g in found.report.groups} == {"a": 3, "b": 5}
    module: Any = found.source.module
    assert module.out.in_features == 3 + 3 + 5


class Attend(nn.Module):
    def __init__(self, need_weights: bool = True) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(8, 4, batch_first=True)
        self.out, self.need = nn.Linear(8, 3), need_weights

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        y, _ = self.attend(x, x, x, key_padding_mask=hidden, need_weights=self.need)
        return self.out(y.mean(1))  # type: ignore[no-any-return]


@pytest.mark.parametrize("need_weights", [True, False])
def test_attention_loses_whole_heads(need_weights: bool) -> None:
    x, hidden = torch.randn(2, 5, 8), torch.zeros(2, 5, dtype=torch.bool)
    hidden[1, 3:] = True
    net = Attend(need_weights)
    source = around(net, x, hidden)
    found = halved(source)
    groups = {g.name: (g.before, g.after) for g in found.report.groups}
    assert groups["attend.query"] == (4, 2)
    assert found.report.difference < 1e-4
    assert isinstance(net.attend, nn.MultiheadAttention), "the model itself is left alone"


def test_a_transformer_layer_of_torch() -> None:
    layer = nn.TransformerEncoderLayer(8, 4, 16, batch_first=True, norm_first=True)
    net = nn.Sequential(nn.Linear(6, 8), layer, nn.Flatten(), nn.Linear(40, 3))
    found = halved(around(net, torch.randn(2, 5, 6)))
    groups = {g.name: (g.before, g.after) for g in found.report.groups}
    assert groups["1.self_attn.query"] == (4, 2)
    assert groups["1.linear1"] == (16, 8)
    assert found.report.difference < 1e-4


LAYERS = ("conv", "grouped", "depthwise", "norm", "relu", "residual", "concat", "pool", "squeeze")


def drawn(kind: str, before: int, width: int) -> nn.Module:
    if kind == "conv":
        return nn.Conv2d(before, width, 3, padding=1)
    if kind == "grouped":
        return nn.Conv2d(before, width, 1, groups=2)
    if kind == "depthwise":
        return nn.Conv2d(before, before, 3, padding=1, groups=before)
    if kind == "norm":
        return nn.BatchNorm2d(before)
    if kind == "residual":
        return nn.Conv2d(before, before, 1)
    if kind == "concat":
        return nn.Conv2d(before, width, 1)
    if kind == "squeeze":
        return nn.Linear(before, before)
    return nn.AvgPool2d(2, ceil_mode=True) if kind == "pool" else nn.ReLU()


class Drawn(nn.Module):
    """A network of layers drawn at random."""

    def __init__(self, kinds: list[str], recurrent: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 4
        self.kinds = ["conv", *kinds]
        before = 3
        for kind in self.kinds:
            layers.append(drawn(kind, before, width))
            if kind in ("conv", "grouped"):
                before = width
            elif kind == "concat":
                before += width
        self.layers = nn.ModuleList(layers)
        self.gru = nn.GRU(before, 6, bidirectional=True, batch_first=True) if recurrent else None
        self.out = nn.Linear(12 if recurrent else before, 3)

    def forward(self, x: Tensor) -> Tensor:
        for kind, layer in zip(self.kinds, self.layers, strict=True):
            if kind == "residual":
                x = x + layer(x)
            elif kind == "concat":
                x = torch.cat([layer(x), x], 1)
            elif kind == "squeeze":
                x = x * torch.sigmoid(layer(x.mean((2, 3))))[:, :, None, None]
            else:
                x = layer(x)
        if self.gru is None:
            return self.out(x.flatten(2).amax(2))  # type: ignore[no-any-return]
        steps, _ = self.gru(x.mean(3).transpose(1, 2))
        return self.out(steps[:, -1])  # type: ignore[no-any-return]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(LAYERS), max_size=6), st.booleans(), st.integers(0, 99))
def test_any_network_of_known_layers_is_pruned_right(
    kinds: list[str], recurrent: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    x = torch.randn(1, 3, 8, 8)
    source = around(Drawn(kinds, recurrent), x)
    found = halved(source, seed=seed)
    assert found.report.difference < 1e-4
    assert found.report.groups, "at least the first layer can be pruned"
    assert found.report.parameters[1] < found.report.parameters[0]
    assert outputs(found.source, x).shape == (1, 3)
    known = {k.why for k in found.report.kept}
    assert known <= {"is what the model answers"}


def test_the_same_seed_gives_the_same_model() -> None:
    net, x = picture(nn.BatchNorm2d(8))
    source = around(net, x)
    digests = {halved(source).source.digest for _ in range(2)}
    assert len(digests) == 1
    assert digests != {source.digest}
