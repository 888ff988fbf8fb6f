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


def chosen_class(head: Head, output: NDArray[Any]) -> int:
    """The index of the most probable label, from the head's output (of any rank)."""
    if head.task == "binary":
        return int(probabilities(head, output.reshape(-1).tolist())[1] > 0.5)
    # Softmax keeps the order.
    return int(output.argmax())


def _sigmoid(value: float) -> float:
    # Either form is exact where the other would overflow.
    return 1.0 / (1.0 + exp(-value)) if value >= 0 else exp(value) / (1.0 + exp(value))
