"""The size of a channel's weights (Li et al., 2017)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from torch import Tensor

from . import Scores, Slices


class L1:
    """The sum of absolute values."""

    needs_data = False

    def scores(self, slices: Slices, gradients: Iterable[Mapping[str, Tensor]]) -> Scores:
        """See :class:`~edge_sdk.converters.pruning.criteria.Criterion`."""
        return slices.sum({name: weight.abs() for name, weight in slices.weights.items()})


class L2:
    """The Euclidean norm."""

    needs_data = False

    def scores(self, slices: Slices, gradients: Iterable[Mapping[str, Tensor]]) -> Scores:
        """See :class:`~edge_sdk.converters.pruning.criteria.Criterion`."""
        squares = slices.sum({name: weight**2 for name, weight in slices.weights.items()})
        return np.sqrt(squares)
