"""From what a head puts out to probabilities and a class.

Plain floats: this is on the way of every answer, and faster than numpy for so few numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import Any

from numpy.typing import NDArray

from .manifest import Head


def probabilities(head: Head, values: Sequence[float]) -> list[float]:
    """A probability for each label, from the values of the head's output.

    A ``classification`` shares one among its labels (softmax); a ``binary`` head has one value
    for its second label, and the first gets the rest (sigmoid). Outputs that the graph has
    already turned into probabilities are taken as they are.
    """
    if head.task == "binary":
        share = values[0] if head.output == "probabilities" else _sigmoid(values[0])
        return [1.0 - share, share]
    if head.output == "probabilities":
        return list(values)
    top = max(values)
    weights = [exp(value - top) for value in values]
    scale = 1.0 / sum(weights)
    return [weight * scale for weight in weights]


def most_probable(head: Head, values: Sequence[float]) -> tuple[int, float]:
    """The index of the most probable label, and its probability."""
    if head.task == "binary" or head.output == "probabilities":
        shares = probabilities(head, values)
        share = max(shares)
        return shares.index(share), share
    # The weight of the largest value is 1, so the others need not be scaled.
    top = max(values)
    return values.index(top), 1.0 / sum([exp(value - top) for value in values])


def chosen_class(head: Head, output: NDArray[Any]) -> int:
    """The index of the most probable label, from the head's output ``[1, labels]``."""
    return most_probable(head, output.reshape(-1).tolist())[0]


def _sigmoid(value: float) -> float:
    # Either form is exact where the other would overflow.
    return 1.0 / (1.0 + exp(-value)) if value >= 0 else exp(value) / (1.0 + exp(value))
