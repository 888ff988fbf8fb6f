"""Who says what in the training of a phrase: no voice of another split, and people who do not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr

from edge_sdk.runtimes.speech import RATE
from edge_sdk.runtimes.speech.protocol import Samples

from ..data.commands import INTENTS, Split, wordings
from ..data.fetch import tree
from ..data.phrasings import phrasings
from ..data.pictures import read_index
from ..data.speech import Spoken
from ..data.utterances import any_voice, languages, voice
from ..turns.room import levelled
from .phrases import Phrase

# Below this peak a recording is a pause.
_SILENT = 0.01

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
    """``count`` lines by voices of ``split``; after two thirds something else is said."""
    others = sentences(phrase)
    first = {"phrase": phrase.spellings, "near": phrase.near, "other": others}[kind]
    found = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        speaker = any_voice(rng) if split == "train" else voice(split, rng)
        after = Spoken(str(rng.choice(others)), speaker) if rng.random() < 2 / 3 else None
        found.append(Line(kind, Spoken(str(rng.choice(first)), speaker), after))
    return found


def strangers(cache: Path, split: Split) -> list[Samples]:
    """People who describe pictures in the languages of ``split``, float32 ``[n]`` each; English
    ones are for training alone."""
    speaks = [name for name in languages(split) if split == "train" or name != "en"]
    recordings = [
        recording
        for picture in read_index(tree(cache, "stamps"))
        for language, recording in sorted(picture.speech.items())
        if language in speaks
    ]
    found = [_read(recording) for recording in recordings]
    return [samples for samples in found if np.abs(samples).max(initial=0.0) > _SILENT]


def _read(recording: Path) -> Samples:
    samples, rate = soundfile.read(recording, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate, RATE).astype(np.float32)
    return levelled(mono)
