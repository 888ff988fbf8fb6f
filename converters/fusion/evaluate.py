"""Measuring a model on labelled batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from .batch import IGNORE, Batch
from .metrics import HeadMetrics, classification_metrics
from .model import FusionModel


def predict(
    model: FusionModel, batches: Iterable[Batch], *, hide: tuple[str, ...] = ()
) -> dict[str, NDArray[np.float32]]:
    """Logits float32 ``[n, labels]`` a head, with the modalities ``hide`` taken away."""
    logits: dict[str, list[NDArray[np.float32]]] = {name: [] for name in model.head_names}
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            for batch in batches:
                for name, out in model(batch.without(*hide)).items():
                    logits[name].append(out.numpy())
    finally:
        model.train(was_training)
    return {name: np.concatenate(rows) for name, rows in logits.items()}


def evaluate(
    model: FusionModel, batches: Iterable[Batch], *, hide: tuple[str, ...] = ()
) -> dict[str, HeadMetrics]:
    """The metrics of each head that has labels in ``batches``, with ``hide`` taken away."""
    kept = list(batches)
    logits = predict(model, kept, hide=hide)
    out: dict[str, HeadMetrics] = {}
    for head in model.config.model.heads:
        true = np.concatenate([batch.labels[head.name].numpy() for batch in kept])
        known = true != IGNORE
        if known.any():
            predicted = logits[head.name].argmax(axis=1)
            out[head.name] = classification_metrics(true[known], predicted[known], head.labels)
    return out


def mean_f1(metrics: Mapping[str, HeadMetrics]) -> float:
    """The mean of the heads' macro-F1: what early stopping watches."""
    return float(np.mean([m.f1 for m in metrics.values()])) if metrics else 0.0
