"""Batches for the training in noise: what was heard and written, and encoded pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge_sdk.converters.fusion.batch import IGNORE, Batch, Example, collate
from edge_sdk.converters.fusion.config import Head
from edge_sdk.converters.fusion.model import FusionModel, embedding_size
from edge_sdk.frontends import Frontends

from .data.training import TrainingSource
from .data.transcripts import recognise
from .feeding import reworded, some_known, speech
from .hearing import Heard

_PICTURED = 0.6
_ENCODED_AT_ONCE = 64


@dataclass(frozen=True)
class Seen:
    """Encoded pictures: embeddings float32 ``[n, e]`` (of several encoders, side by side), and the
    class indices ``cards`` and ``categories``, -100 where unlabelled."""

    embeddings: NDArray[np.float32]
    cards: NDArray[np.int64]
    categories: NDArray[np.int64]


class _Encoded(nn.Module):
    """In the place of an image encoder: columns of inputs that are embeddings already."""

    def __init__(self, width: int, start: int) -> None:
        super().__init__()
        # only for its width; a layer of its own, so that nothing touches the encoder's
        self.embed = nn.Linear(1, width)
        self._start, self._width = start, width

    def forward(self, embeddings: Tensor) -> Tensor:
        return embeddings[:, self._start : self._start + self._width]


@contextmanager
def pictures_encoded(*models: FusionModel) -> Iterator[None]:
    """Within the block each model takes its columns of :class:`Seen` in the place of pictures, and
    its image encoder is out of reach: nothing changes it, bit by bit."""
    encoders = [model.encoders["image"] for model in models]
    start = 0
    try:
        for model, encoder in zip(models, encoders, strict=True):
            width = embedding_size(encoder)
            model.encoders["image"] = _Encoded(width, start)
            start += width
        yield
    finally:
        for model, encoder in zip(models, encoders, strict=True):
            model.encoders["image"] = encoder


def encode(pictures: Tensor, *models: FusionModel) -> Tensor:
    """The embeddings of ``pictures`` float32 ``[n, 3, h, w]`` by each model, side by side."""
    with torch.no_grad():
        return torch.cat(
            [
                torch.cat([model.encoders["image"].eval()(part) for model in models], dim=1)
                for part in pictures.split(_ENCODED_AT_ONCE)
            ]
        )


def encoded(batches: Sequence[Batch], *models: FusionModel) -> list[Batch]:
    """``batches`` with embeddings in the place of their pictures."""
    return [
        Batch(
            batch.modalities,
            {**batch.inputs, "image": encode(batch.inputs["image"], *models)},
            batch.lengths,
            batch.mask,
            batch.labels,
        )
        for batch in batches
    ]


def see(
    source: TrainingSource, frontends: Frontends, count: int, seed: int, *models: FusionModel
) -> Seen:
    """``count`` scenes of ``source``, encoded by each model."""
    heads = {head.name: head.labels for head in models[0].config.model.heads}
    rows, cards, categories = [], [], []
    for start in range(0, count, _ENCODED_AT_ONCE):
        pixels = []
        for number in range(start, min(start + _ENCODED_AT_ONCE, count)):
            frame, labels = source.scene(np.random.default_rng([seed, number]))
            pixels.append(frontends.image(frame)[0])
            for name, into in (("card", cards), ("category", categories)):
                into.append(heads[name].index(labels[name]) if name in labels else IGNORE)
        rows.append(encode(torch.from_numpy(np.stack(pixels)), *models).numpy())
    return Seen(np.concatenate(rows), np.array(cards), np.array(categories))


class NoisyFeeder:
    """Training batches of what was heard, with what recognisers wrote or would have written."""

    def __init__(
        self, heard: Heard, seen: Seen, frontends: Frontends, *, size: int, seed: int
    ) -> None:
        self._heard, self._seen, self._frontends = heard, seen, frontends
        self._size, self._seed = size, seed
        self._pictured = round(_PICTURED * size)
        # what was written of a sentence, whoever said it and in whatever noise
        self._of: defaultdict[str, list[str]] = defaultdict(list)
        for said, *written in zip(heard.said, heard.usual, heard.light, strict=True):
            self._of[said] += [text for text in written if text is not None]

    def batches(self, epoch: int, steps: int) -> Iterator[Batch]:
        """``steps`` batches; equal for equal seeds and epochs."""
        rng = np.random.default_rng([self._seed, epoch])
        for _ in range(steps):
            yield self._batch(rng)

    def _batch(self, rng: np.random.Generator) -> Batch:
        chosen = rng.integers(0, len(self._heard.sounds), self._size)
        batch = collate(
            [self._speech(int(n), rng) for n in chosen], self._frontends.modalities, ("intent",)
        )
        looked = rng.integers(0, len(self._seen.cards), self._pictured)
        images = np.zeros((self._size, self._seen.embeddings.shape[1]), np.float32)
        images[: self._pictured] = self._seen.embeddings[looked]
        batch.mask[: self._pictured, batch.modalities.index("image")] = 1.0
        labels = {
            name: some_known(known, self._size)
            for name, known in (
                ("card", self._seen.cards[looked]),
                ("category", self._seen.categories[looked]),
            )
        }
        inputs = {**batch.inputs, "image": torch.from_numpy(images)}
        return Batch(
            batch.modalities, inputs, batch.lengths, batch.mask, {**batch.labels, **labels}
        )

    def _speech(self, index: int, rng: np.random.Generator) -> Example:
        heard = self._heard
        return speech(
            heard.sounds[index], lambda: self._written(index, rng), int(heard.intents[index]),
            self._frontends, rng, missing=0.08, dropped=0.1,
        )  # fmt: skip

    def _written(self, index: int, rng: np.random.Generator) -> str | None:
        """What a recogniser wrote of this very sound, or of the sentence at another time, or what
        one would have written by the error model."""
        heard, chance = self._heard, rng.random()
        own = [w for w in (heard.usual[index], heard.light[index]) if w is not None]
        if not own and (chance < 0.5 or not heard.said[index]):
            own = self._of[heard.said[index]]
        if own and (chance < 0.65 or not heard.said[index]):
            return own[int(rng.integers(len(own)))]
        if not heard.said[index]:
            return None
        said = reworded(heard.said[index], rng)
        return recognise(said, rng, float(rng.uniform(0.3, 1.5)))


def heard_batches(
    heard: Heard, frontends: Frontends, heads: Sequence[Head], by: str
) -> list[Batch]:
    """What was heard and the words of one recogniser (``usual`` or ``light``), for measuring."""
    rows = []
    for sound, text, intent in zip(heard.sounds, getattr(heard, by), heard.intents, strict=True):
        inputs: dict[str, NDArray[np.generic]] = {"audio": sound.astype(np.float32)}
        if text and frontends.text.normalise(text):
            inputs["text"] = frontends.text(text)[0]
        rows.append(Example(inputs, {"intent": int(intent)}))
    names = [head.name for head in heads]
    return [
        collate(rows[start : start + 64], frontends.modalities, names)
        for start in range(0, len(rows), 64)
    ]
