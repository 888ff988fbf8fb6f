"""What a session answers."""

from __future__ import annotations

from typing import Any

import msgspec
from numpy.typing import NDArray

from edge_sdk.bundle.heads import most_probable, probabilities
from edge_sdk.bundle.manifest import Head


class HeadPrediction:
    """One head's answer.

    Attributes:
        label: the most probable label.
        confidence: its probability.
    """

    __slots__ = ("_head", "_values", "confidence", "label")

    def __init__(self, head: Head, output: NDArray[Any]) -> None:
        """From the head's output ``[1, labels]`` (``[1, 1]`` for a binary head)."""
        self._head = head
        self._values: list[float] = output.reshape(-1).tolist()
        best, self.confidence = most_probable(head, self._values)
        self.label = head.labels[best]

    @property
    def probabilities(self) -> dict[str, float]:
        """A probability for each label, in the order of the labels; made when it is asked for."""
        shares = probabilities(self._head, self._values)
        return dict(zip(self._head.labels, shares, strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HeadPrediction):
            return NotImplemented
        return (self._head, self._values) == (other._head, other._values)

    def __hash__(self) -> int:
        return hash((self._head.name, self.label, self.confidence))

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
