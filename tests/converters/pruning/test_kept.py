"""What is not understood stays as it is, and the report names it with the reason."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edge_sdk.converters.pruning import prune_source
from edge_sdk.errors import UsageError

from .conftest import around, halved, outputs, plan


class Made(nn.Module):
    """Two layers with something between them."""

    def __init__(self, between: Any) -> None:
        super().__init__()
        self.first, self.last, self.between = nn.Linear(6, 8), nn.Linear(8, 3), between

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.between(self.first(x)))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("between", "why"),
    [
        (lambda x: torch.softmax(x, 1), "softmax runs over the channels"),
        (lambda x: x / x.norm(dim=1, keepdim=True), "norm is taken over the channels"),
        (lambda x: torch.fft.fft(x).real, "goes through fft_fft, which is not understood"),
        (lambda x: x + torch.arange(8.0), "meets what is not pruned in add"),
        (lambda x: x[:, torch.arange(8).flip(0)], "the model does not run with fewer: index 7"),
        (lambda x: x[:, [1]] * x, "single channels are picked out by number"),
        (lambda x: x.reshape(-1, 8) * 2, "the model does not run with fewer"),
        (lambda x: x / x.shape[1] ** 0.5, "the answers change by"),
        (lambda x: torch.sort(x, 1)[0], "goes through sort, which is not understood"),
    ],
)
def test_a_width_that_cannot_go_is_named(between: Any, why: str) -> None:
    x = torch.randn(2, 6)
    source = around(Made(between), x)
    found = halved(source)
    reasons = {kept.name: kept.why for kept in found.report.kept}
    assert reasons["first"].startswith(why)
    assert reasons["last"] == "is what the model answers"
    assert found.report.macs[0] == found.report.macs[1]
    torch.testing.assert_close(outputs(found.source, x), outputs(source, x))


def test_a_layer_is_kept_as_asked() -> None:
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    found = halved(around(net, torch.randn(2, 6)), keep=("0",))
    assert [group.name for group in found.report.groups] == ["2"]
    assert {k.name: k.why for k in found.report.kept}["0"] == "is kept as asked"


def test_one_bad_layer_does_not_keep_the_others() -> None:
    net = nn.Sequential(
        nn.Linear(6, 8), Made(lambda x: x.reshape(-1, 8)), nn.ReLU(), nn.Linear(3, 3)
    )
    net[1].first = nn.Linear(8, 8)
    found = halved(around(net, torch.randn(2, 6)))
    assert [group.name for group in found.report.groups] == ["0", "1.last"]
    assert any(k.name == "1.first" and "does not run" in k.why for k in found.report.kept)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"criterion": "luck"}, "There is no criterion 'luck'; known: batch-norm, l1, l2, taylor."),
        ({"parts": {"nose": 0.5}}, "There is no part 'nose' to prune; there are head."),
        ({"latency": 0.5}, "Pruning towards a latency needs a measurement; give macs or ratio."),
        ({"criterion": "taylor"}, "The criterion taylor needs samples"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(
    options: dict[str, Any], sentence: str
) -> None:
    source = around(nn.Linear(6, 3), torch.randn(2, 6))
    with pytest.raises(UsageError) as caught:
        prune_source(source, plan(**options))
    assert sentence in str(caught.value)


def test_a_graph_is_refused() -> None:
    source = around(nn.Linear(6, 3), torch.randn(2, 6))
    import msgspec

    spec = msgspec.structs.replace(source.parts[0], module=None)
    with pytest.raises(UsageError, match="came as a graph"):
        halved(msgspec.structs.replace(source, parts=(spec,), module=None))
