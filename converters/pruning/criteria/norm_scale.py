"""The scale of a channel's batch norms (Liu et al., 2017)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from torch import Tensor

from . import Scores, Slices
from .magnitude import L2


class NormScale:
    """The absolute scale; channels without a batch norm take their L2 norm."""

    needs_data = False

    def scores(self, slices: Slices, gradients: Iterable[Mapping[str, Tensor]]) -> Scores:
        """See :class:`~edge_sdk.converters.pruning.criteria.Criterion`."""
        scales = {name: slices.weights[name].abs() for name in slices.norms}
        found = slices.sum(scales)
        covered = slices.sum({name: scale * 0 + 1 for name, scale in scales.items()}) > 0
        return np.where(covered, found, L2().scores(slices, gradients))
