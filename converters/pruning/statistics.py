"""Batch norms' running statistics, estimated again: what pruning changed of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .answers import Seen
from .model import Parts, module_of

_BATCH = 16


def estimate(parts: Parts, seen: Sequence[Seen]) -> bool:
    """Estimate from samples, without labels; False where the model has no batch norms.

    Samples of one modality go through together, sequences cut to the shortest of them.
    """
    with _measuring(parts.holder) as norms:
        if not norms:
            return False
        for spec in parts.encoders:
            module = module_of(spec)
            values = [s.features[spec.name] for s in seen if spec.name in s.features]
            axis = spec.dynamic.get("features", (None,))[0]
            for start in range(0, len(values), _BATCH):
                _through(module, values[start : start + _BATCH], axis)
        if not parts.encoders:
            for sample in seen:
                _quietly(lambda sample=sample: parts.answer(sample.features))  # type: ignore[misc]
    return True


def _through(module: nn.Module, values: Sequence[Tensor], axis: int | None) -> None:
    if axis is not None:
        shortest = min(value.shape[axis] for value in values)
        values = [value.narrow(axis, 0, shortest) for value in values]
    if not _quietly(lambda: module(torch.cat(list(values)))):
        # A model for one sample at a time.
        for value in values:
            _quietly(lambda value=value: module(value))  # type: ignore[misc]


def _quietly(run: Callable[[], object]) -> bool:
    try:
        with torch.no_grad():
            run()
    except (RuntimeError, ValueError, IndexError):
        # One value a channel has no variance; such a batch says nothing.
        return False
    return True


@contextmanager
def _measuring(holder: nn.Module) -> Iterator[list[nn.Module]]:
    """Within the block the batch norms average what goes through them."""
    kind = nn.modules.batchnorm._BatchNorm
    norms = [m for m in holder.modules() if isinstance(m, kind) and m.track_running_stats]
    before = [(norm, norm.momentum, norm.training) for norm in norms]
    kept = [{k: v.clone() for k, v in norm.state_dict().items()} for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    try:
        yield list(norms)
    finally:
        for (norm, momentum, training), state in zip(before, kept, strict=True):
            norm.momentum = momentum
            norm.train(training)
            if norm.num_batches_tracked is None or not int(norm.num_batches_tracked):
                norm.load_state_dict(state)
            else:
                norm.num_batches_tracked.copy_(state["num_batches_tracked"])
