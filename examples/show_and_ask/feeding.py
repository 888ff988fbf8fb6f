"""Feeding the training loop on a small machine: render once in worker processes, recombine often.

What is seen and what is said are drawn independently in this task, so a pool of pictures and a
pool of recordings make far more different examples than either holds.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from tqdm import tqdm

from edge_sdk.converters.fusion.augment import drop_tokens, mask_features, warp_bands
from edge_sdk.converters.fusion.batch import IGNORE, Batch, Example, collate
from edge_sdk.converters.fusion.config import Head
from edge_sdk.frontends import Frontends

from .data import examples as drawn
from .data.training import TrainingSource
from .data.transcripts import recognise

CHUNK = 64
LONGEST = 260
# The share of a batch's rows that have a picture: pictures cost most and are learned soonest.
PICTURED = 0.6
CARDS_FOR_CATEGORY = 0.25
# Mirrored, these are other signs; a mirrored animal is still that animal.
_HANDED = ("symbols", "signs")
_BEFORE = (
    *("please", "okay", "hey", "so", "now", "well", "can you", "could you", "would you"),
    *("can we", "may I", "I want you to", "I would like you to", "will you", "just", "oh"),
)
_AFTER = ("please", "now", "for me", "then", "okay", "will you", "thank you", "right", "here")


@dataclass(frozen=True)
class Pools:
    """Rendered material.

    ``pictures``: uint8 ``[n, h, w, 3]`` after the front-end's resize, with the class indices
    ``cards`` and ``categories``, -100 where unlabelled. ``sounds``: float16 ``[T, bands]``
    features, with the sentence ``said`` and the class index in ``intents``.
    """

    pictures: NDArray[np.uint8]
    cards: NDArray[np.int64]
    categories: NDArray[np.int64]
    sounds: Sequence[NDArray[np.float16]]
    said: Sequence[str]
    intents: NDArray[np.int64]


def to_example(example: drawn.Example, frontends: Frontends, heads: Sequence[Head]) -> Example:
    """A drawn example through the device's front-ends."""
    inputs: dict[str, NDArray[np.generic]] = {}
    if example.audio is not None:
        inputs["audio"] = frontends.audio.batch(example.audio)
    if example.image is not None:
        inputs["image"] = frontends.image(example.image)[0]
    if example.text is not None and frontends.text.normalise(example.text):
        inputs["text"] = frontends.text(example.text)[0]
    labels = {
        head.name: head.labels.index(example.labels[head.name])
        for head in heads
        if head.name in example.labels
    }
    return Example(inputs, labels)


_shared: tuple[tuple[TrainingSource, ...], Frontends, tuple[Head, ...]] | None = None


def _render(task: tuple[int, int]) -> list[tuple[Example, str]]:
    seed, chunk = task
    assert _shared is not None, "set before the workers are forked"
    sources, frontends, heads = _shared
    out = []
    for n in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        example = sources[chunk % len(sources)].example(np.random.default_rng([seed, n]))
        done = to_example(example, frontends, heads)
        half = {
            name: array.astype(np.float16) if name == "audio" else array
            for name, array in done.inputs.items()
        }
        if "image" in half:
            half["image"] = to_pixels(done.inputs["image"], frontends)
        out.append((Example(half, done.labels), str(example.meta["said"])))
    return out


def to_pixels(image: NDArray[np.generic], frontends: Frontends) -> NDArray[np.uint8]:
    """Undo the normalisation: float32 ``[3, h, w]`` -> uint8 ``[h, w, 3]``, exactly, since the
    front-end resizes in 8 bits. A quarter of the memory, and the colours stay editable."""
    config = frontends.image.config
    mean, std = (np.array(v, np.float32)[:, None, None] for v in (config.mean, config.std))
    levels = (image.astype(np.float32) * std + mean) * 255
    pixels: NDArray[np.uint8] = np.round(levels).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    return pixels


def render_pools(
    sources: Sequence[TrainingSource],
    frontends: Frontends,
    heads: tuple[Head, ...],
    *,
    count: int,
    seed: int,
    jobs: int,
) -> Pools:
    """Draw ``count`` examples (rounded up to whole chunks), from the sources in turn.

    Works in ``jobs`` processes; the result depends on the sources, ``seed`` and ``count`` alone.
    """
    global _shared
    _shared = (tuple(sources), frontends, heads)
    chunks = -(-count // CHUNK)
    pictures, cards, categories = [], [], []
    sounds, said, intents = [], [], []
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        tasks = [(seed, chunk) for chunk in range(chunks)]
        for chunk in tqdm(
            pool.imap(_render, tasks), total=chunks, desc="rendering", leave=False, disable=None
        ):
            for example, sentence in chunk:
                if "image" in example.inputs:
                    pictures.append(example.inputs["image"])
                    cards.append(example.labels.get("card", IGNORE))
                    categories.append(example.labels.get("category", IGNORE))
                if "audio" in example.inputs:
                    sounds.append(example.inputs["audio"].astype(np.float16, copy=False))
                    said.append(sentence)
                    intents.append(example.labels.get("intent", IGNORE))
    _shared = None
    return Pools(
        np.stack(pictures).astype(np.uint8, copy=False),
        np.array(cards),
        np.array(categories),
        sounds,
        said,
        np.array(intents),
    )


class Feeder:
    """Training batches from the pools, with augmentation and fresh recognition errors."""

    def __init__(
        self, pools: Pools, frontends: Frontends, heads: tuple[Head, ...], *, size: int, seed: int
    ) -> None:
        self._pools = pools
        self._frontends = frontends
        self._size = size
        self._pictured = round(PICTURED * size)
        self._seed = seed
        categories = next(head.labels for head in heads if head.name == "category")
        handed = [categories.index(name) for name in _HANDED]
        known = pools.categories != IGNORE
        # the cards are a closed set and always held the right way round
        self._free = (pools.cards == IGNORE) & known
        self._mirror = self._free & ~np.isin(pools.categories, handed)

    def batches(self, epoch: int, steps: int) -> Iterator[Batch]:
        """``steps`` batches; equal for equal seeds and epochs."""
        rng = np.random.default_rng([self._seed, epoch])
        for _ in range(steps):
            yield self._batch(rng)

    def _batch(self, rng: np.random.Generator) -> Batch:
        pools, size = self._pools, self._size
        seen = rng.integers(0, len(pools.pictures), self._pictured)
        heard = rng.integers(0, len(pools.sounds), size)
        rows = [self._speech(int(index), rng) for index in heard]
        batch = collate(rows, self._frontends.modalities, ("intent",))
        pixels = augment_pictures(
            pools.pictures[seen], self._mirror[seen], rng, repaint=self._free[seen]
        )
        # sixty cards are over half of what is shown, but only a seventh of the pictures to learn
        # a category from
        learned = self._free[seen] | (rng.random(len(seen)) < CARDS_FOR_CATEGORY)
        categories = np.where(learned, pools.categories[seen], IGNORE)
        column = batch.modalities.index("image")
        batch.mask[: self._pictured, column] = 1.0
        labels = {
            **batch.labels,
            "card": some_known(pools.cards[seen], size),
            "category": some_known(categories, size),
        }
        inputs = {**batch.inputs, "image": self._normalise(pixels)}
        return Batch(batch.modalities, inputs, batch.lengths, batch.mask, labels)

    def _speech(self, index: int, rng: np.random.Generator) -> Example:
        def written() -> str | None:
            said = reworded(self._pools.said[index], rng)
            return recognise(said, rng, float(rng.uniform(0.3, 1.3)))

        pools = self._pools
        return speech(
            pools.sounds[index], written, int(pools.intents[index]), self._frontends, rng,
            missing=0.05, dropped=0.15,
        )  # fmt: skip

    def _normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        config = self._frontends.image.config
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (config.mean, config.std))
        return ((pixels / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def some_known(known: NDArray[np.int64], size: int) -> torch.Tensor:
    """The labels of the first rows of a batch of ``size``, unknown for the others."""
    return torch.from_numpy(np.pad(known, (0, size - len(known)), constant_values=IGNORE))


def speech(
    sound: NDArray[np.float16],
    written: Callable[[], str | None],
    intent: int,
    frontends: Frontends,
    rng: np.random.Generator,
    *,
    missing: float,
    dropped: float,
) -> Example:
    """Sound and transcript; now and then (``missing``) one of them is not there, as on the device.

    Args:
        written: makes the transcript, where one is wanted.
        dropped: the share of its tokens that are.
    """
    inputs: dict[str, NDArray[np.generic]] = {}
    without = rng.random()
    if without >= missing:
        features = window(sound, rng).astype(np.float32)
        if rng.random() < 0.7:
            features = warp_bands(features, rng)
        inputs["audio"] = mask_features(features, rng)
    if without < missing or without >= 2 * missing:
        text = written()
        if text is not None and frontends.text.normalise(text):
            inputs["text"] = drop_tokens(frontends.text(text)[0], rng, chance=dropped)
    return Example(inputs, {"intent": intent} if inputs else {})


def reworded(said: str, rng: np.random.Generator) -> str:
    """The sentence, at times with small talk around it that changes nothing: a model that has
    only read a few wordings takes every new word for a sign of something else."""
    if rng.random() < 0.3:
        said = f"{_BEFORE[int(rng.integers(len(_BEFORE)))]} {said}"
    if rng.random() < 0.3:
        said = f"{said} {_AFTER[int(rng.integers(len(_AFTER)))]}"
    return said


def window(features: NDArray[np.float16], rng: np.random.Generator) -> NDArray[np.float16]:
    """At most ``LONGEST`` frames: only descriptions by humans are longer, and one of them would
    make a whole batch wait."""
    extra = len(features) - LONGEST
    start = int(rng.integers(extra + 1)) if extra > 0 else 0
    return features[start : start + LONGEST]


def augment_pictures(
    pictures: NDArray[np.uint8],
    mirror: NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    repaint: NDArray[np.bool_],
) -> torch.Tensor:
    """Zoom, shift, turn, mirror (where ``mirror``), light, colour, for some a patch of noise.

    Where ``repaint``, colours may be swapped or lost: they tell one card from another, but
    little about the kind of a thing. uint8 ``[n, h, w, 3]`` -> float32 ``[n, 3, h, w]`` in 0..255.
    """
    count, height, width = pictures.shape[:3]
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    turn = np.deg2rad(rng.uniform(-8, 8, count))
    zoom = rng.uniform(0.88, 1.06, (2, count))
    side = np.where(mirror & (rng.random(count) < 0.5), -1.0, 1.0)
    shift = rng.uniform(-0.08, 0.08, (2, count))
    affine = np.stack(
        (
            np.stack((zoom[0] * np.cos(turn) * side, -zoom[0] * np.sin(turn), shift[0]), 1),
            np.stack((zoom[1] * np.sin(turn) * side, zoom[1] * np.cos(turn), shift[1]), 1),
        ),
        1,
    )
    grid = functional.affine_grid(
        torch.from_numpy(affine).float(), [count, 3, height, width], align_corners=False
    )
    x = functional.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    for row in np.flatnonzero(repaint & (rng.random(count) < 0.4)):
        if rng.random() < 0.4:
            x[row] = x[row].mean(dim=0, keepdim=True)
        else:
            x[row] = x[row, torch.from_numpy(rng.permutation(3))]
    gain = torch.from_numpy(rng.uniform(0.8, 1.2, (count, 1, 1, 1))).float()
    cast = torch.from_numpy(rng.uniform(0.9, 1.1, (count, 3, 1, 1))).float()
    contrast = torch.from_numpy(rng.uniform(0.75, 1.15, (count, 1, 1, 1))).float()
    middle = x.mean(dim=(1, 2, 3), keepdim=True)
    x = ((x - middle) * contrast + middle) * gain * cast
    for row in np.flatnonzero(rng.random(count) < 0.15):
        h, w = (int(v) for v in rng.integers(10, 36, 2))
        top, left = int(rng.integers(0, height - h)), int(rng.integers(0, width - w))
        x[row, :, top : top + h, left : left + w] = torch.from_numpy(
            rng.uniform(0, 255, (3, 1, 1)) + rng.normal(0, 20, (3, h, w))
        ).float()
    return x.clamp_(0, 255)
