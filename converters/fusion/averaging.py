"""A moving average of the weights, which is often the better model of the two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class WeightAverage:
    """An exponential moving average over the floating-point state of ``model``.

    The batch norms' running statistics are averaged too; counters are copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model = model
        self._decay = decay
        self._updates = 0
        self._state = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are now."""
        self._updates += 1
        # early on a long memory would hold on to the random start
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        for name, value in self._model.state_dict().items():
            if value.is_floating_point():
                self._state[name].lerp_(value, 1 - decay)
            else:
                self._state[name].copy_(value)

    def state(self) -> dict[str, Any]:
        """The average and how many updates it is of."""
        return {"updates": self._updates, "weights": self._state}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self._updates = state["updates"]
        self._state = {name: value.clone() for name, value in state["weights"].items()}

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the block the model carries the averaged weights."""
        current = {k: v.detach().clone() for k, v in self._model.state_dict().items()}
        self._model.load_state_dict(self._state)
        try:
            yield
        finally:
            self._model.load_state_dict(current)


def copy_state(model: nn.Module) -> dict[str, Tensor]:
    """The model's state, detached from what training does to it next."""
    return {k: v.detach().clone() for k, v in model.state_dict().items()}
