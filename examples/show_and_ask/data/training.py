"""Training examples drawn on the fly, each with fresh noise, scene, and recognition errors."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .commands import INTENTS, wordings
from .examples import Album, Drawer, Example, compose, draw_picture, picture_labels
from .mixing import Int16, floats
from .pictures import CARDS, CATEGORIES
from .scenes import render
from .speech import Studio
from .transcripts import normalise, recognise
from .utterances import Utterance, commands, human

LABELS: dict[str, tuple[str, ...]] = {"intent": INTENTS, "card": CARDS, "category": CATEGORIES}

_WORDS = 400
_PIECES = 250


@dataclass(frozen=True)
class Clean:
    """A rendered utterance: ``samples`` int16 ``[n]`` at 16 kHz, without noise or silence."""

    utterance: Utterance
    samples: Int16

    @property
    def waveform(self) -> NDArray[np.float32]:
        """The samples as float32 in [-1, 1]."""
        return floats(self.samples)

    @property
    def transcript(self) -> str:
        """What is said, as written."""
        return self.utterance.text

    @property
    def intent(self) -> str:
        """The label."""
        return self.utterance.intent


def training_plan(album: Album, seed: int) -> list[Utterance]:
    """Everything said in training: some 1900 commands, 550 sentences of talk, 1200 humans."""
    spoken = commands("train", per_intent=160, talk=560, seed=seed)
    return spoken + human(album.pictures, album.splits, "train", 1200, seed)


def validation_plan(album: Album, seed: int) -> list[Utterance]:
    """Early stopping: voices, wordings, pictures and humans of neither training nor test."""
    spoken = commands("validation", per_intent=12, talk=36, seed=seed)
    return spoken + human(album.pictures, album.splits, "validation", 40, seed)


class TrainingSource:
    """The training distribution in memory: clean speech, decoded pictures, no files, no torch.

    After construction nothing is written, so it may be shared by forked processes and threads;
    all randomness comes from the generator each call is given.

    Args:
        seed: fixes voices, speeds and which recordings are used.
        cache: where the data was fetched to; speech is rendered there once.
        split: ``train``, or ``validation`` for early stopping (held-back voices, wordings and
            look-alike groups; the cards are the same pictures in fresh scenes). Never the test.
        tick: called with done and total while speech is rendered.
    """

    def __init__(
        self,
        seed: int,
        cache: Path,
        split: Literal["train", "validation"] = "train",
        tick: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        album = Album.open(cache)
        plan = training_plan if split == "train" else validation_plan
        planned = plan(album, seed)
        studio = Studio(cache)
        done = iter(range(1, len(planned) + 1))
        studio.render([u.spoken for u in planned], lambda: tick(next(done), len(planned)))
        self.split = split
        self.utterances = [Clean(u, studio.load(u.spoken)) for u in planned]
        self._samples = {id(c.utterance): c.samples for c in self.utterances}
        self._babble = [c.samples for c in self.utterances]
        self._drawer = Drawer(planned)
        self._deck = album.deck
        kinds = album.categorised(split)
        self._kinds = [kinds[c] for c in CATEGORIES]

    def example(self, rng: np.random.Generator) -> Example:
        """A fresh example; equal generators give equal examples."""
        utterance = self._drawer.draw(rng)
        picture = draw_picture(self._deck, self._kinds, rng)
        return compose(
            utterance,
            picture,
            rng,
            style="train",
            load=self._load,
            babble=self._babble,
            # A card is a training picture, so it says nothing about unseen ones.
            label_category=self.split == "train" or (picture is not None and not picture.card),
            strength=float(rng.uniform(0.3, 1.3)) if self.split == "train" else 1.0,
        )

    def scene(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], dict[str, str]]:
        """Only a frame and its labels, for training the picture side alone; a third the time."""
        picture = draw_picture(self._deck, self._kinds, rng)
        return render(picture, rng, "train"), picture_labels(picture)

    def examples(self, count: int, seed: int) -> list[Example]:
        """``count`` examples that are the same for the same seed, such as a validation set."""
        return [self.example(np.random.default_rng([seed, n])) for n in range(count)]

    def vocabulary(self) -> tuple[str, ...]:
        """The tokens for a ``TextConfig``: see :func:`build_vocabulary`."""
        rng = np.random.default_rng(0)
        said = [s for i in INTENTS for s in wordings(i, "train")]
        heard = [recognise(s, rng) or "" for s in said for _ in range(6)]
        heard += [normalise(c.transcript) for c in self.utterances if c.utterance.engine == "human"]
        return build_vocabulary([normalise(s) for s in said], heard)

    def _load(self, utterance: Utterance) -> Int16:
        # By identity: utterances are made once, and hashing their text a thousand times a second
        # is not free.
        return self._samples[id(utterance)]


def build_vocabulary(said: Sequence[str], heard: Sequence[str]) -> tuple[str, ...]:
    """``[pad]``, ``[unk]``, letters and digits with their ``##`` forms, whole words, pieces.

    Args:
        said: training sentences; a word that occurs twice becomes a token.
        heard: what recognition makes of them and of other speech, for the frequent pieces of
            two and three letters and for further words.
    """
    characters = string.ascii_lowercase + string.digits
    tokens = ["[pad]", "[unk]", *characters, *("##" + c for c in characters), "'", "##'"]
    once = Counter(w for s in said for w in s.split())
    often = Counter(w for s in heard for w in s.split())
    words = sorted((w for w in once if once[w] >= 2), key=lambda w: (-once[w], w))
    words += sorted(
        (w for w in often if often[w] >= 4 and w not in set(words)), key=lambda w: (-often[w], w)
    )
    whole = [w for w in words if len(w) > 1 and re.fullmatch(r"[a-z0-9']+", w)][:_WORDS]
    pieces: Counter[str] = Counter()
    for word, times in often.items():
        for size in (2, 3):
            for at in range(1, len(word) - size + 1):
                pieces["##" + word[at : at + size]] += times
    ranked = sorted(pieces, key=lambda p: (-pieces[p], p))[:_PIECES]
    return tuple(dict.fromkeys([*tokens, *whole, *ranked]))
