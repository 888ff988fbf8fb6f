"""Sources around small modules, and the plan that most tests use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edge_sdk.bundle.manifest import Head
from edge_sdk.converters.checkpoint import Checkpoint
from edge_sdk.converters.fusion.config import ModelConfig
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.converters.parts import PartSpec
from edge_sdk.converters.pruning import PrunedSource, PruningPlan, Recovery, prune_source
from edge_sdk.converters.source import Source, from_checkpoint
from edge_sdk.frontends.config import FrontendsConfig, ImageConfig

Around = Callable[..., Source]
RAW = Recovery(method="none")


def plan(**options: Any) -> PruningPlan:
    """Half of every layer by weight norm, without data or recovery."""
    given: dict[str, Any] = {"criterion": "l2", "normalise": "rank", "round_to": 1}
    if not {"ratio", "macs", "latency", "parts", "mask"} & set(options):
        given["ratio"] = 0.5
    return PruningPlan(recovery=RAW, **{**given, **options})


def halved(source: Source, **options: Any) -> PrunedSource:
    """The source pruned by :func:`plan`."""
    return prune_source(source, plan(**options))


def outputs(source: Source, *example: Tensor) -> Tensor:
    """What the last part gives."""
    module = source.parts[-1].module
    assert module is not None
    with torch.no_grad():
        found = module(*example)
    return found[0] if isinstance(found, tuple) else found  # type: ignore[no-any-return]


def around(net: nn.Module, *example: Tensor, labels: int = 3) -> Source:
    """A module of one part, with lively norms: fresh ones would hide mistakes."""
    net = net.eval()
    for layer in net.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.affine:
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias)
            assert layer.running_mean is not None
            layer.running_mean.normal_()
    spec = PartSpec(
        name="head",
        module=net,
        example=example,
        inputs=tuple(f"in{i}" for i in range(len(example))),
        outputs=("mood",),
    )
    return Source(
        name="net",
        digest="0",
        frontends=FrontendsConfig(image=ImageConfig(height=32, width=32)),
        heads=(Head(name="mood", labels=tuple(f"l{i}" for i in range(labels))),),
        parts=(spec,),
        module=net,
    )


def reference(config: ModelConfig, seed: int = 0) -> Source:
    """A reference model with random weights and lively norms."""
    model = FusionModel(config, seed=seed).eval()
    generator = torch.Generator().manual_seed(seed)
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(layer.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(layer.bias, generator=generator)
    return from_checkpoint(Checkpoint(config=config, model=model, digest="0"))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
