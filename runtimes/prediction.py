"""What a session answers."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle.heads import chosen_class, probabilities
from edge_sdk.bundle.manifest import Head


class HeadPrediction:
    """One head's answer.

    Attributes:
        label: the most probable label.
    """

    __slots__ = ("_head", "_values", "label")

    def __init__(self, head: Head, output: NDArray[Any]) -> None:
        """From the head's output ``[1, labels]`` (``[1, 1]`` for a binary head).

        Only the label is settled here: numbers are made when they are asked for.
        """
        self._head, self._values = head, output.reshape(-1)
        self.label = head.labels[chosen_class(head, self._values)]

    @property
    def confidence(self) -> float:
        """The label's probability."""
        return max(probabilities(self._head, self._values.tolist()))

    @property
    def probabilities(self) -> dict[str, float]:
        """A probability for each label, in the order of the labels; made when it is asked for."""
        shares = probabilities(self._head, self._values.tolist())
        return dict(zip(self._head.labels, shares, strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HeadPrediction):
            return NotImplemented
        same = np.array_equal(self._values, other._values)
        return same and self._head == other._head

    def __hash__(self) -> int:
        return hash((self._head.name, self._values.tobytes()))

    def __repr__(self) -> str:
        return f"HeadPrediction(label={self.label!r}, confidence={self.confidence:.3f})"


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one call of :meth:`FusionSession.infer`.

    Attributes:
        heads: by head name.
        used: the modalities that the answer rests on.
        timings: milliseconds by stage: ``frontend.<modality>``, ``encoder.<modality>``,
            ``head``, ``total``. A stage whose result was still valid from an earlier call
            is not in it.
    """

    heads: dict[str, HeadPrediction]
    used: tuple[str, ...]
    timings: dict[str, float]


def plain(prediction: Prediction) -> dict[str, Any]:
    """A prediction as what JSON can hold."""
    heads = {
        name: {
            "label": head.label,
            "confidence": head.confidence,
            "probabilities": head.probabilities,
        }
        for name, head in prediction.heads.items()
    }
    return {"heads": heads, "used": prediction.used, "timings": prediction.timings}
