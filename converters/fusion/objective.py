"""Everything that pulls at the weights in training, as one scalar."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from edge_sdk.errors import UsageError

from .batch import IGNORE, Batch
from .losses import HeadsLoss, distillation
from .model import FusionModel, hide_modalities

ExtraLoss = Callable[[FusionModel, Batch, Mapping[str, Tensor]], Tensor]


class Objective:
    """The heads' loss of what is present, and what else was asked for.

    ``alone`` (head -> modalities) adds the loss of each of these modalities by itself: without
    it the modality that is learned first keeps the others from learning. ``teacher`` adds the
    divergence from its answers (and with ``embedding_weight``, within the teacher's share, the
    distance from its embeddings), ``extra`` whatever it returns.

    Raises:
        UsageError: ``alone`` names a head or modality that the model does not have.
    """

    def __init__(
        self,
        model: FusionModel,
        heads: HeadsLoss,
        *,
        alone: Mapping[str, Sequence[str]],
        alone_weight: float,
        teacher: FusionModel | None,
        teacher_weight: float,
        embedding_weight: float = 0.0,
        extra: ExtraLoss | None,
    ) -> None:
        for head, modalities in alone.items():
            if head not in model.head_names or not set(modalities) <= set(model.modalities):
                raise UsageError(
                    f"{head!r} by {list(modalities)} alone: the model has the heads "
                    f"{list(model.head_names)} and the modalities {list(model.modalities)}."
                )
        self._model, self._heads = model, heads
        self._alone, self._alone_weight = alone, alone_weight
        self._teacher, self._teacher_weight = teacher, teacher_weight
        self._embedding_weight = embedding_weight
        self._extra = extra

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of one batch, a scalar."""
        model = self._model
        embeddings = model.embed(batch)
        mask = hide_modalities(batch.mask, model.config.model.modality_dropout)
        logits = model.classify(embeddings, mask)
        loss = self._heads(logits, batch.labels)
        for column, name in enumerate(model.modalities):
            if any(name in able for able in self._alone.values()):
                loss = loss + self._alone_weight * self._one(column, name, embeddings, batch)
        if self._teacher is not None:
            loss = loss + self._teacher_weight * self._teach(
                self._teacher, batch, logits, embeddings
            )
        if self._extra is not None:
            loss = loss + self._extra(model, batch, logits)
        return loss

    def _one(self, column: int, name: str, embeddings: Sequence[Tensor], batch: Batch) -> Tensor:
        """The loss of one modality, over the rows that have it and the heads it can answer.

        The encoders have run already, so this costs one more pass of the small head only.
        """
        mask = torch.zeros_like(batch.mask)
        mask[:, column] = batch.mask[:, column]
        missing = mask[:, column] == 0
        labels = {
            head: known.masked_fill(missing, IGNORE)
            if name in self._alone.get(head, ())
            else torch.full_like(known, IGNORE)
            for head, known in batch.labels.items()
        }
        return self._heads(self._model.classify(embeddings, mask), labels)

    def _teach(
        self,
        teacher: FusionModel,
        batch: Batch,
        logits: Mapping[str, Tensor],
        embeddings: Sequence[Tensor],
    ) -> Tensor:
        teacher.eval()
        with torch.no_grad():
            aims = teacher.embed(batch)
            wanted = teacher.classify(aims, batch.mask)
        terms = [distillation(given, wanted[name]) for name, given in logits.items()]
        loss = torch.stack(terms).mean()
        if self._embedding_weight:
            loss = loss + self._embedding_weight * _apart(embeddings, aims, batch.mask)
        return loss


def _apart(given: Sequence[Tensor], wanted: Sequence[Tensor], mask: Tensor) -> Tensor:
    """The mean square distance of the embeddings that are there, relative to their variance.

    Embeddings of another width than the teacher's are left out.
    """
    terms = []
    for column, (mine, aim) in enumerate(zip(given, wanted, strict=True)):
        rows = mask[:, column] > 0
        if mine.shape == aim.shape and rows.any():
            spread = aim[rows].var().clamp_min(1e-3)
            terms.append((mine[rows] - aim[rows]).square().mean() / spread)
    return torch.stack(terms).mean() if terms else torch.zeros(())
