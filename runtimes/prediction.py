"""What a session answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from numpy.typing import NDArray

from edge_sdk.bundle.heads import probabilities
from edge_sdk.bundle.manifest import Head


class HeadPrediction:
    """One head's answer.

    Attributes:
        label: the most probable label.
        confidence: its probability.
    """

    __slots__ = ("_labels", "_shares", "confidence", "label")

    def __init__(self, labels: Sequence[str], shares: Sequence[float]) -> None:
        self._labels, self._shares = labels, shares
        self.confidence = max(shares)
        self.label = labels[shares.index(self.confidence)]

    @property
    def probabilities(self) -> dict[str, float]:
        """A probability for each label, in the order of the labels; made when it is asked for."""
        return dict(zip(self._labels, self._shares, strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HeadPrediction):
            return NotImplemented
        return (self._labels, self._shares) == (other._labels, other._shares)

    def __hash__(self) -> int:
        return hash((tuple(self._labels), tuple(self._shares)))

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


def answer(head: Head, output: NDArray[Any]) -> HeadPrediction:
    """One head's answer from its output ``[1, labels]``."""
    return HeadPrediction(head.labels, probabilities(head, output))


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
