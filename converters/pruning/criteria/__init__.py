"""Measures of importance: classes found by the entry-point group ``edge_sdk.pruning_criteria``.

A new one is one module with a class of the protocol :class:`Criterion`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from edge_sdk.errors import UsageError

from ..analysis import Analysis

__all__ = ["Criterion", "Slices", "load_criterion"]

GROUP = "edge_sdk.pruning_criteria"
Scores = NDArray[np.float64]


class Slices:
    """The weights' slices of every channel of a model.

    Attributes:
        weights: every weight by name.
        norms: the names of the scales of batch norms.
    """

    def __init__(
        self, analysis: Analysis, weights: Mapping[str, Tensor], norms: frozenset[str]
    ) -> None:
        self.weights, self.norms = weights, norms
        roots = np.concatenate([group.roots for group in analysis.groups] or [np.zeros(0, int)])
        place = {int(root): i for i, root in enumerate(roots)}
        self._count = len(place)
        self._axes = [
            (name, axis, np.array([place.get(int(r), -1) for r in labels]))
            for (name, axis), labels in analysis.axes.items()
        ]

    def sum(self, values: Mapping[str, Tensor]) -> Scores:
        """Sum ``values`` (of the weights' shapes) over each channel's slices: float64 ``[n]``."""
        total = np.zeros(self._count)
        for name, axis, place in self._axes:
            value = values.get(name)
            if value is None or (place < 0).all():
                continue
            rest = tuple(k for k in range(value.ndim) if k != axis)
            vector = value.detach().double()
            vector = vector.sum(rest) if rest else vector
            np.add.at(total, place[place >= 0], vector.numpy()[place >= 0])
        return total


class Criterion(Protocol):
    """How much a model would miss each of its channels."""

    #: Whether :meth:`scores` looks at ``gradients``.
    needs_data: bool

    def scores(self, slices: Slices, gradients: Iterable[Mapping[str, Tensor]]) -> Scores:
        """One score a channel, the larger the more important: float64 ``[n]``.

        ``gradients`` gives the gradients of the loss by weight, for one sample after the other.
        """
        ...


def load_criterion(name: str) -> Criterion:
    """The registered criterion of that name.

    Raises:
        UsageError: there is none.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        raise UsageError(f"There is no criterion {name!r}; known: {', '.join(sorted(found))}.")
    criterion: Criterion = found[name].load()()
    return criterion
