"""Taking channels out of a model's weights, and the proof that nothing else changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..fusion.widths import replace
from ..parts import PartSpec
from .analysis import Analysis
from .model import Parts, module_of
from .units import NOTHING, Labels

_NORMS = ("layer_norm", "rms_norm", "group_norm")


def removed(parts: Parts, analysis: Analysis, roots: NDArray[np.int64]) -> Parts:
    """A copy of the model without the channels of these classes."""
    mine = parts.copied()
    holder = mine.holder
    state = {**dict(holder.named_parameters()), **dict(holder.named_buffers())}
    new: dict[str, Tensor] = {}
    for (name, axis), labels in analysis.axes.items():
        left = np.flatnonzero(~_gone(labels, roots))
        if len(left) < len(labels):
            tensor = new.get(name, state[name].detach())
            new[name] = tensor.index_select(axis, torch.from_numpy(left)).contiguous()
    replace(holder, new)
    specs = tuple(_fitted(spec, analysis, roots) for spec in mine.specs)
    return msgspec.structs.replace(mine, specs=specs)


def difference(
    parts: Parts,
    pruned: Parts,
    analysis: Analysis,
    roots: Labels,
    only: Collection[str] | None = None,
) -> float:
    """The largest difference between ``pruned`` and ``parts`` with the same channels zeroed.

    Relative to the largest value; over every example and length of every part (of those of
    ``only``). Norms over channels see the channels that are left.

    Raises:
        Exception: whatever a part raises that does not run any more.
    """
    zeroed = _zeroed(parts, analysis, roots)
    worst = 0.0
    pairs = zip(zeroed.examples(only), pruned.examples(only), strict=True)
    with torch.no_grad():
        for (spec, wide), (slim, _) in pairs:
            narrow = tuple(
                _input(value, analysis.inputs.get((spec.name, i)), roots)
                for i, value in enumerate(wide)
            )
            with _Masked(analysis.norms[spec.name], roots):
                wanted = _tuple(module_of(spec)(*wide))
            given = _tuple(module_of(slim)(*narrow))
            for a, b in zip(wanted, given, strict=True):
                a = _output(a, b, spec, parts, analysis, roots)
                if a.shape != b.shape:
                    raise ValueError(f"{spec.name} gives {list(b.shape)}")
                scale = max(1e-3, float(a.abs().max()))
                worst = max(worst, float((a - b).abs().max()) / scale)
    return worst


def _zeroed(parts: Parts, analysis: Analysis, roots: Labels) -> Parts:
    mine = parts.copied()
    state = dict(mine.holder.named_parameters())
    with torch.no_grad():
        for (name, axis), labels in analysis.axes.items():
            if name in state:
                gone = np.flatnonzero(_gone(labels, roots))
                state[name].index_fill_(axis, torch.from_numpy(gone), 0.0)
    return mine


def _gone(labels: Labels, roots: Labels) -> NDArray[np.bool_]:
    gone: NDArray[np.bool_] = np.isin(labels, roots) & (labels != NOTHING)
    return gone


def _fitted(spec: PartSpec, analysis: Analysis, roots: Labels) -> PartSpec:
    example = tuple(
        _input(value, analysis.inputs.get((spec.name, i)), roots)
        for i, value in enumerate(spec.example)
    )
    return msgspec.structs.replace(spec, example=example)


def _input(value: Tensor, labels: Labels | None, roots: Labels) -> Tensor:
    """What is left of an embedding."""
    if labels is None:
        return value
    left = np.flatnonzero(~_gone(labels.reshape(-1, labels.shape[-1])[0], roots))
    return value.index_select(-1, torch.from_numpy(left))


def _output(
    a: Tensor, b: Tensor, spec: PartSpec, parts: Parts, analysis: Analysis, roots: Labels
) -> Tensor:
    """What is left of an embedding of the unpruned model."""
    if spec is parts.head or a.shape == b.shape or spec.name not in parts.head.inputs:
        return a
    labels = analysis.inputs.get((parts.head.name, parts.head.inputs.index(spec.name)))
    return _input(a, labels, roots)


def _tuple(result: Any) -> tuple[Tensor, ...]:
    return result if isinstance(result, tuple) else (result,)


class _Masked(TorchFunctionMode):
    """Lets norms over channels see only the channels that are left; the rest give zero."""

    def __init__(self, norms: Sequence[Labels], roots: Labels) -> None:
        super().__init__()
        self._norms, self._roots, self._seen = norms, roots, 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = getattr(func, "__name__", "").split(".")[0]
        if name not in _NORMS or self._seen >= len(self._norms):
            return func(*args, **(kwargs or {}))
        labels = self._norms[self._seen]
        self._seen += 1
        axis = 1 if name == "group_norm" else -1
        vector = np.moveaxis(labels, axis, -1).reshape(-1, labels.shape[axis])[0]
        gone = _gone(vector, self._roots)
        if not gone.any():
            return func(*args, **(kwargs or {}))
        left = torch.from_numpy(np.flatnonzero(~gone))
        given = _bound(name, args, kwargs or {})
        source = given.pop("input")
        wide = torch.zeros_like(source)
        weights: dict[str, Any] = {
            k: None if given.get(k) is None else given[k].index_select(0, left)
            for k in ("weight", "bias")
            if k in given
        }
        given.update(weights)
        if "normalized_shape" in given:
            given["normalized_shape"] = (len(left),)
        narrow = getattr(torch.nn.functional, name)(source.index_select(axis, left), **given)
        return wide.index_copy(axis, left, narrow)


def _bound(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    second = "num_groups" if name == "group_norm" else "normalized_shape"
    order = ["input", second, "weight", "bias", "eps"]
    if name == "rms_norm":
        order.remove("bias")
    return {**dict(zip(order, args, strict=False)), **kwargs}
