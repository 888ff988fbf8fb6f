"""How much the loss would change, to first order (Molchanov et al., 2019)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from torch import Tensor

from . import Scores, Slices


class Taylor:
    """The mean over the samples of the square of the sum of weight times gradient."""

    needs_data = True

    def scores(self, slices: Slices, gradients: Iterable[Mapping[str, Tensor]]) -> Scores:
        """See :class:`~edge_sdk.converters.pruning.criteria.Criterion`."""
        total = np.zeros(len(slices.sum({})))
        count = 0
        for found in gradients:
            changes = {n: slices.weights[n].detach() * gradient for n, gradient in found.items()}
            total += slices.sum(changes) ** 2
            count += 1
        return total / max(1, count)
