"""Plans are data: they go through TOML and refuse what contradicts itself."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from edge_sdk.converters.pruning import Mask, PruningPlan, Recovery, as_plan
from edge_sdk.errors import UsageError


def toml(table: dict[str, Any], prefix: str = "") -> str:
    """Tables of plain values as TOML; what is None is left out."""
    lines, inner = [], []
    for name, value in table.items():
        if isinstance(value, dict):
            inner.append(f"[{prefix}{name}]\n{toml(value, f'{prefix}{name}.')}")
        elif value is not None:
            lines.append(f"{name} = {json.dumps(value)}")
    return "\n".join([*lines, *inner])


@pytest.mark.parametrize(
    "plan",
    [
        PruningPlan(ratio=0.5),
        PruningPlan(macs=0.4, criterion="l1", parts={"audio": 0.0}, keep=("*.stem",), seed=7),
        PruningPlan(
            latency=0.6,
            keep_embeddings=False,
            mask=Mask(kind="2:4"),
            recovery=Recovery(method="batch-norm", finetune="a.b:c", epochs=3, minutes=2.5),
        ),
    ],
)
def test_a_plan_goes_through_toml_and_back(plan: PruningPlan) -> None:
    defaults = msgspec.to_builtins(PruningPlan(ratio=0))
    assert as_plan(msgspec.toml.decode(toml(msgspec.to_builtins(plan)))) == plan
    assert set(defaults) == set(msgspec.to_builtins(plan))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"ratio": 0.5, "macs": 0.5}, "ratio and macs contradict each other"),
        ({"criterion": "l1"}, "nothing to prune"),
        ({"ratio": 1.0}, "Expected `float` < 1.0 - at `$.ratio`"),
        ({"ratio": 0.5, "sparsity": 1}, "unknown field `sparsity`"),
        ({"ratio": 0.5, "recovery": {"epochs": 0}}, "`$.recovery.epochs`"),
    ],
)
def test_a_wrong_plan_is_a_sentence(content: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        as_plan(content, "plan.toml")
    assert str(caught.value).startswith("plan.toml is no pruning plan: ")
    assert sentence in str(caught.value)
