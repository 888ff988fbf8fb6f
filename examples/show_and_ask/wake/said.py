"""Who says what in the training of a phrase: no voice of another split, and people who do not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from edge_sdk.runtimes.speech.protocol import Samples

from ..data.commands import INTENTS, Split, wordings
from ..data.phrasings import phrasings
from ..data.speech import Spoken
from ..data.utterances import any_voice, languages, voice
from ..turns.people import audible, descriptions
from .phrases import Phrase

Kind = Literal["phrase", "near", "other"]


@dataclass(frozen=True)
class Line:
    """What somebody says: ``first``, and perhaps something else ``after`` it."""

    kind: Kind
    first: Spoken
    after: Spoken | None


def sentences(phrase: Phrase) -> list[str]:
    """Everything else that is said in training."""
    said = [t for intent in INTENTS for t in (*wordings(intent, "train"), *phrasings(intent))]
    return [text for text in said if phrase.text not in text]


def lines(phrase: Phrase, kind: Kind, count: int, seed: int, split: Split = "train") -> list[Line]:
    """``count`` lines by voices of ``split``; two thirds of them go on with something else, but for
    what is said into answers."""
    others = sentences(phrase)
    first = {"phrase": phrase.spellings, "near": phrase.near, "other": others}[kind]
    found = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        speaker = any_voice(rng) if split == "train" else voice(split, rng)
        after = Spoken(str(rng.choice(others)), speaker) if rng.random() < 2 / 3 else None
        said = Spoken(str(rng.choice(first)), speaker)
        found.append(Line(kind, said, None if phrase.interrupts else after))
    return found


def strangers(cache: Path, split: Split) -> list[Samples]:
    """People who describe pictures in the languages of ``split``, float32 ``[n]`` each; English
    ones are for training alone."""
    speaks = [name for name in languages(split) if split == "train" or name != "en"]
    return list(audible(descriptions(cache, lambda name: name in speaks)))
