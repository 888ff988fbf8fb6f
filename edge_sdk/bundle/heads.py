"""From what a head puts out to probabilities and a class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .manifest import Head


def probabilities(head: Head, output: NDArray[Any]) -> NDArray[np.float64]:
    """Probabilities float64 ``[labels]`` from the head's output ``[1, labels]`` (or ``[1, 1]``).

    A ``classification`` shares one among its labels (softmax); a ``binary`` head has one value
    for its second label, and the first gets the rest (sigmoid). Outputs that the graph has
    already turned into probabilities are taken as they are.
    """
    values = np.asarray(output, np.float64).reshape(-1)
    if head.task == "binary":
        share = values[0] if head.output == "probabilities" else 1.0 / (1.0 + np.exp(-values[0]))
        return np.array([1.0 - share, share])
    if head.output == "probabilities":
        return values
    shifted = np.exp(values - values.max())
    shares: NDArray[np.float64] = shifted / shifted.sum()
    return shares


def chosen_class(head: Head, output: NDArray[Any]) -> int:
    """The index of the most probable label."""
    return int(probabilities(head, output).argmax())
