"""One observation of the task, and how the parts of it are drawn together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .commands import INTENTS, NOT_FOR_ME, Split
from .fetch import tree
from .mixing import Int16, Style, mix
from .pictures import CATEGORIES, NOTHING, Picture, read_index, split_groups
from .scenes import render
from .transcripts import recognise
from .utterances import Utterance

TALK_SHARE = 0.25
NOTHING_SHARE = 0.10
DECK_SHARE = 0.45
# About one sample in seven lacks a modality: nobody speaks, the camera is off, no transcript.
MISSING_SHARE = {"audio": 0.04, "image": 0.04, "text": 0.04}


@dataclass(frozen=True)
class Example:
    """``audio`` float32 ``[n]`` at 16 kHz, ``image`` uint8 RGB ``[h, w, 3]``, ``text`` as heard."""

    audio: NDArray[np.float32] | None
    image: NDArray[np.uint8] | None
    text: str | None
    labels: dict[str, str]
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Album:
    """The pictures by use: all of them, the deck, and those of each category in each split."""

    pictures: tuple[Picture, ...]
    deck: tuple[Picture, ...]
    splits: dict[str, Split]

    @classmethod
    def open(cls, cache: Path) -> Album:
        """Index the fetched stamps."""
        pictures = read_index(tree(cache, "stamps"))
        deck = sorted((p for p in pictures if p.card), key=lambda p: p.card or "")
        return cls(tuple(pictures), tuple(deck), split_groups(pictures))

    def categorised(self, split: Split) -> dict[str, list[list[Picture]]]:
        """The pictures of ``split`` by category, then by look-alike group."""
        found: dict[str, dict[str, list[Picture]]] = {c: defaultdict(list) for c in CATEGORIES}
        for picture in self.pictures:
            if picture.category is not None and self.splits[picture.group] == split:
                found[picture.category][picture.group].append(picture)
        return {c: [groups[g] for g in sorted(groups)] for c, groups in found.items()}


Load = Callable[[Utterance], Int16]


def compose(
    utterance: Utterance,
    picture: Picture | None,
    rng: np.random.Generator,
    *,
    style: Style,
    load: Load,
    babble: Sequence[Int16],
    label_category: bool = True,
    strength: float = 1.0,
) -> Example:
    """Say ``utterance`` while ``picture`` (None: nothing) is held up, as the device would see it.

    Labels name only what the sample's modalities can show: without an image there is no
    ``card`` and no ``category``.
    """
    missing = next((m for m, p in MISSING_SHARE.items() if rng.random() < p), None)
    text = None if missing == "text" else recognise(utterance.text, rng, strength)
    meta: dict[str, Any] = {
        "condition": utterance.condition,
        "engine": utterance.engine,
        "voice": utterance.speaker,
        "language": utterance.spoken.language,
        "said": utterance.text,
        "style": style,
    }
    labels: dict[str, str] = {}
    audio = None
    if missing != "audio":
        audio, done = mix(load(utterance), rng, style, babble)
        meta |= done
    if audio is not None or text is not None:
        labels["intent"] = utterance.intent
    image = None
    if missing != "image":
        image = render(picture, rng, style)
        meta["picture"] = picture.id if picture is not None else NOTHING
        labels |= picture_labels(picture)
        if not label_category:
            labels.pop("category", None)
    return Example(audio, image, text, labels, meta)


class Drawer:
    """Draws utterances: intents evenly but for a quarter that is not for the speaker, half of that
    human descriptions and half synthesised talk."""

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        by_intent: dict[str, list[Utterance]] = {intent: [] for intent in INTENTS}
        for utterance in utterances:
            by_intent[utterance.intent].append(utterance)
        rest = by_intent.pop(NOT_FOR_ME)
        self._commands = [found for found in by_intent.values() if found]
        human = [u for u in rest if u.engine == "human"]
        spoken = [u for u in rest if u.engine != "human"]
        self._rest = [part for part in (human, spoken) if part]

    def draw(self, rng: np.random.Generator) -> Utterance:
        """The next utterance."""
        pools = self._rest if rng.random() < TALK_SHARE else self._commands
        pool = pools[int(rng.integers(len(pools)))]
        return pool[int(rng.integers(len(pool)))]


def picture_labels(picture: Picture | None) -> dict[str, str]:
    """The labels that a frame with ``picture`` (None: no card) can have."""
    if picture is None:
        return {"card": NOTHING}
    named = {"card": picture.card, "category": picture.category}
    return {head: label for head, label in named.items() if label is not None}


def draw_picture(
    deck: Sequence[Picture], kinds: Sequence[Sequence[Sequence[Picture]]], rng: np.random.Generator
) -> Picture | None:
    """Nothing, a card, or any picture (category, look-alike group, picture: evenly at each)."""
    chance = rng.random()
    if chance < NOTHING_SHARE:
        return None
    if deck and chance < NOTHING_SHARE + DECK_SHARE:
        return deck[int(rng.integers(len(deck)))]
    groups = kinds[int(rng.integers(len(kinds)))]
    group = groups[int(rng.integers(len(groups)))]
    return group[int(rng.integers(len(group)))]
