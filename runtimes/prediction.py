"""What a session answers."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray


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


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities over the last axis, computed in double precision."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True), dtype=np.float64)
    shares: NDArray[np.float64] = shifted / shifted.sum(axis=-1, keepdims=True)
    return shares
