"""Zeros in place: unstructured by magnitude, and 2:4 along a layer's inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .plan import Mask

# Layers whose weights are masked; a norm's or an embedding's are not multiplied with.
_LAYERS = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase)


def masks_of(module: nn.Module, mask: Mask) -> dict[str, Tensor]:
    """For each masked weight, 1 where it stays and 0 where it goes.

    ``2:4`` leaves out weights whose inputs are no multiple of four (TensorRT runs these
    densely too); depthwise convolutions are left out by both.
    """
    found = {}
    for name, layer in module.named_modules():
        if not isinstance(layer, _LAYERS):
            continue
        for own, weight in layer.named_parameters(recurse=False):
            if weight.ndim < 2 or weight.shape[1] == 1:
                continue
            made = _two_of_four(weight) if mask.kind == "2:4" else _smallest(weight, mask.ratio)
            if made is not None:
                found[f"{name}.{own}" if name else own] = made
    return found


def put_on(module: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Set the masked weights to zero."""
    weights = dict(module.named_parameters())
    with torch.no_grad():
        for name, mask in masks.items():
            weights[name].mul_(mask)


@contextmanager
def held(module: nn.Module, masks: Mapping[str, Tensor]) -> Iterator[None]:
    """Within the block no gradient reaches a masked weight; at its end they are zero."""
    weights = dict(module.named_parameters())
    hooks = [
        _hook(weights[name], mask) for name, mask in masks.items() if weights[name].requires_grad
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        put_on(module, masks)


def _hook(weight: Tensor, mask: Tensor) -> Any:
    return weight.register_hook(lambda gradient: gradient * mask)  # type: ignore[no-untyped-call]


def _smallest(weight: Tensor, ratio: float) -> Tensor:
    flat = weight.detach().abs().flatten()
    mask = torch.ones_like(flat)
    mask[flat.argsort(stable=True)[: int(ratio * len(flat))]] = 0
    return mask.reshape(weight.shape)


def _two_of_four(weight: Tensor) -> Tensor | None:
    if weight.shape[1] % 4:
        return None
    # Groups of four run along the inputs, for every tap of a kernel by itself.
    rows = weight.detach().abs().movedim(1, -1)
    fours = rows.reshape(-1, 4)
    mask = torch.ones_like(fours)
    mask.scatter_(1, fours.argsort(dim=1, stable=True)[:, :2], 0.0)
    return mask.reshape(rows.shape).movedim(-1, 1).contiguous()
