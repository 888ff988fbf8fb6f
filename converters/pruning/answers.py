"""Samples through a model's parts in torch: losses for importance, answers for scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from edge_sdk.bundle.heads import chosen_class
from edge_sdk.bundle.manifest import Head, Score
from edge_sdk.errors import DataError
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.media import sample_features
from edge_sdk.samples import Sample, SampleSet

from ..fusion.metrics import classification_metrics
from ..progress import Progress
from .model import Parts

#: The class that each head chooses on each sample.
Answers = dict[str, NDArray[np.int64]]


class Seen(msgspec.Struct, frozen=True):
    """One sample: its features ``[1, ...]`` by modality and its true class by head."""

    features: dict[str, Tensor]
    truth: dict[str, int]


def read(parts: Parts, samples: SampleSet, progress: Progress, stage: str) -> list[Seen]:
    """The samples that the model can answer, through its front-ends.

    Raises:
        DataError: a sample carries a label that its head does not know.
    """
    source = parts.source
    frontends = Frontends(source.frontends)
    order = source.frontends.modalities
    masked = "mask" in parts.head.inputs
    found = []
    for done, sample in enumerate(samples):
        progress(stage, done, len(samples))
        present = set(order) & set(sample.modalities)
        if present == set(order) or (masked and present):
            features = sample_features(frontends, samples, sample, order)
            tensors = {n: torch.from_numpy(v) for n, v in features.items() if _heard(v)}
            if tensors and (masked or len(tensors) == len(order)):
                found.append(Seen(tensors, _truth(source.heads, sample)))
    progress(stage, len(samples), len(samples))
    return found


def loss_of(
    heads: Sequence[Head], answers: Mapping[str, Tensor], truth: Mapping[str, int]
) -> Tensor:
    """Cross-entropy where the class is known; else how sharp the answer is.

    The second needs no labels: its gradient is that of the most likely class's own loss.
    """
    total = torch.zeros(())
    known = [head for head in heads if head.name in truth]
    for head in known or heads:
        output = answers[head.name].reshape(1, -1)
        if head.output == "probabilities":
            output = (
                torch.logit(output, 1e-6) if output.shape[1] == 1 else output.clamp_min(1e-6).log()
            )
        target = truth.get(head.name)
        if target is None:
            target = int(output[0, 0] > 0) if output.shape[1] == 1 else int(output.argmax())
        if output.shape[1] == 1:
            wanted = torch.full_like(output, float(target))
            total = total + functional.binary_cross_entropy_with_logits(output, wanted)
        else:
            total = total + functional.cross_entropy(output, torch.tensor([target]))
    return total


def gradients(
    parts: Parts, seen: Sequence[Seen], progress: Progress
) -> Iterator[dict[str, Tensor]]:
    """The gradients of the loss by weight, one sample after the other."""
    weights = dict(parts.holder.named_parameters())
    frozen = {name for name, weight in weights.items() if not weight.requires_grad}
    for weight in weights.values():
        weight.requires_grad_(True)
    try:
        for done, sample in enumerate(seen):
            progress("importance", done, len(seen))
            answers = parts.answer(parts.embed(sample.features))
            loss = loss_of(parts.source.heads, answers, sample.truth)
            found = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
            pairs = zip(weights, found, strict=True)
            yield {name: gradient for name, gradient in pairs if gradient is not None}
        progress("importance", len(seen), len(seen))
    finally:
        for name in frozen:
            weights[name].requires_grad_(False)


def answers_of(parts: Parts, seen: Sequence[Seen], progress: Progress, stage: str) -> Answers:
    """The class that each head chooses on each sample."""
    chosen: dict[str, list[int]] = {head.name: [] for head in parts.source.heads}
    with torch.no_grad():
        for done, sample in enumerate(seen):
            progress(stage, done, len(seen))
            outputs = parts.answer(parts.embed(sample.features))
            for head in parts.source.heads:
                chosen[head.name].append(chosen_class(head, outputs[head.name].reshape(-1).numpy()))
    progress(stage, len(seen), len(seen))
    return {name: np.array(found, np.int64) for name, found in chosen.items()}


def score(head: Head, seen: Sequence[Seen], chosen: NDArray[np.int64]) -> tuple[int, Score]:
    """How many samples have a label of this head, and accuracy and macro-F1 on them."""
    rows = [i for i, sample in enumerate(seen) if head.name in sample.truth]
    truth = [seen[i].truth[head.name] for i in rows]
    metrics = classification_metrics(truth, chosen[rows], head.labels)
    return len(rows), Score(accuracy=metrics.accuracy, macro_f1=metrics.f1)


def _heard(value: NDArray[np.generic]) -> bool:
    """A recording shorter than one window is one in which nothing was heard."""
    return value.size > 0


def _truth(heads: Sequence[Head], sample: Sample) -> dict[str, int]:
    truth = {}
    for head in heads:
        label = sample.labels.get(head.name)
        if label is None:
            continue
        if label not in head.labels:
            raise DataError(
                f"The sample {sample.id} is labelled {label!r}, which the head {head.name!r} does "
                "not know."
            )
        truth[head.name] = head.labels.index(label)
    return truth
