"""What a session answers."""

from __future__ import annotations

from typing import Any

import msgspec
from numpy.typing import NDArray

from edge_sdk.bundle.heads import probabilities
from edge_sdk.bundle.manifest import Head


class HeadPrediction(msgspec.Struct, frozen=True, kw_only=True):
    """One head's answer; ``probabilities`` (softmax) are in the order of the labels."""

    label: str
    confidence: float
    probabilities: dict[str, float]


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
    shares = probabilities(head, output)
    confidence = max(shares)
    return HeadPrediction(
        label=head.labels[shares.index(confidence)],
        confidence=confidence,
        probabilities=dict(zip(head.labels, shares, strict=True)),
    )
