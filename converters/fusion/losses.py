"""The training loss: cross-entropy a head, over the rows that have that label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional

from edge_sdk.errors import UsageError

from .batch import IGNORE
from .config import Head


class HeadsLoss:
    """Weighted mean of the heads' cross-entropies; labels of -100 are left out.

    ``class_weights``: float ``[labels]`` for some heads. ``soft`` targets (from mixing examples)
    are the caller's own loss: see ``extra_loss`` of :func:`.train.fit`.
    """

    def __init__(
        self,
        heads: Sequence[Head],
        *,
        smoothing: float = 0.0,
        class_weights: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self._heads = heads
        self._smoothing = smoothing
        self._weights: dict[str, Tensor] = {}
        for name, values in (class_weights or {}).items():
            known = {head.name: len(head.labels) for head in heads}
            weights = torch.as_tensor(np.asarray(values, np.float32))
            if known.get(name) != weights.numel():
                raise UsageError(
                    f"Class weights for {name!r}: {weights.numel()} values, "
                    f"but the heads are {known}."
                )
            self._weights[name] = weights

    def __call__(self, logits: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> Tensor:
        """Scalar float32; zero (with a gradient) where no row has any label."""
        total = torch.zeros(())
        for head in self._heads:
            out, target = logits[head.name], labels[head.name]
            if not bool((target != IGNORE).any()):
                total = total + 0.0 * out.sum()
                continue
            total = total + head.weight * functional.cross_entropy(
                out,
                target,
                weight=self._weights.get(head.name),
                ignore_index=IGNORE,
                label_smoothing=self._smoothing,
            )
        return total


def balanced_weights(labels: ArrayLike, classes: int, power: float = 0.5) -> list[float]:
    """Class weights ``(mean count / count) ** power``, mean 1; ``power`` 1 balances fully.

    ``labels`` are class indices, -100 left out; a class that never occurs weighs 1.
    """
    known = np.asarray(labels, np.int64).ravel()
    counts = np.bincount(known[known != IGNORE], minlength=classes).astype(float)
    weights = np.ones(classes)
    seen = counts > 0
    if seen.any():
        weights[seen] = (counts[seen].mean() / counts[seen]) ** power
        weights[seen] /= weights[seen].mean()
    return [float(w) for w in weights]


def distillation(student: Tensor, teacher: Tensor, temperature: float = 2.0) -> Tensor:
    """Divergence from the teacher's softened answers (Hinton et al., 2015), a scalar.

    Both are logits float32 ``[N, labels]``; no gradient reaches the teacher.
    """
    wanted = functional.log_softmax(teacher.detach() / temperature, dim=1)
    given = functional.log_softmax(student / temperature, dim=1)
    loss = functional.kl_div(given, wanted, log_target=True, reduction="batchmean")
    return loss * temperature**2
