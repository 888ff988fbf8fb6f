"""What is asked: turns over all intents, voices that training did not use, and their noises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edge_sdk.samples import Sample

from ..data.commands import INTENTS, wordings

Condition = Literal[
    "clean", "20 dB", "10 dB", "overlapping speech", "silence", "noise alone", "follow-up"
]
#: None of these spoke in training (``data/utterances.py``); Piper is not in the data at all. The
#: British ones are called ``en`` here: espeak-ng ignores what follows ``en-gb+``.
VOICES: tuple[tuple[str, str], ...] = (
    ("piper", "joe"),
    ("flite", "rms"),
    ("flite", "kal16"),
    ("espeak", "en+m8"),
    ("espeak", "en-us+Andrea"),
    ("espeak", "en-029+Denis"),
    ("espeak", "en-us+caleb"),
    ("espeak", "en-us+edward"),
    ("espeak", "en+robert"),
    ("espeak", "en-us+zac"),
)
NOISES = ("babble", "brown", "fan", "clatter")
_CARDS = ("what-is-this", "what-sound", "spell-it", "remember-it")


@dataclass(frozen=True)
class Asked:
    """One turn: ``text`` is empty where nobody speaks after the wake word.

    ``snr_db`` with ``noise``: of the whole turn, wake word included; ``speech`` is another person
    who talks at the same time as the command.
    """

    condition: Condition
    intent: str
    text: str
    voice: tuple[str, str]
    picture: Sample
    noise: str | None = None
    snr_db: float | None = None
    known_wording: bool = False

    @property
    def card(self) -> str:
        """The card that is held up."""
        return self.picture.labels["card"]

    @property
    def names_card(self) -> bool:
        """Whether the answer depends on the card."""
        return self.intent in _CARDS


def script(samples: Sequence[Sample], seed: int = 0) -> list[Asked]:
    """All turns; ``samples`` are those of the held-out set."""
    rng = np.random.default_rng(seed)
    cards = [
        s for s in samples if s.image is not None and s.labels.get("card", "nothing") != "nothing"
    ]
    cards = [cards[i] for i in rng.permutation(len(cards))]
    turns: list[Asked] = []

    def ask(condition: Condition, intent: str, number: int, **more: object) -> None:
        known = number % 2 == 1 and intent != "not-for-me"
        pool = wordings(intent, "train" if known else "test")
        text = pool[(number // 2 + len(turns)) % len(pool)]
        voice = VOICES[len(turns) % len(VOICES)]
        picture = cards[len(turns) % len(cards)]
        turns.append(Asked(condition, intent, text, voice, picture, known_wording=known, **more))  # type: ignore[arg-type]

    for number in range(2):
        for intent in INTENTS:
            ask("clean", intent, number)
    for number, intent in enumerate(INTENTS):
        ask("20 dB", intent, number, noise=NOISES[number % 4], snr_db=20.0)
    for turn in range(2):
        for number, intent in enumerate(INTENTS):
            noise = NOISES[(number + turn) % 4]
            ask("10 dB", intent, turn, noise=noise, snr_db=10.0)
    for number, intent in enumerate(("what-is-this", "time", "volume-up", "spell-it", "next-card")):
        ask("overlapping speech", intent, number, noise="speech", snr_db=8.0)
    for number, intent in enumerate(("what-sound", "repeat", "what-kind", "remember-it", "stop")):
        ask("follow-up", intent, number)
    for number in range(3):
        voice = VOICES[number]
        turns.append(Asked("silence", "", "", voice, cards[number]))
    for number, noise in enumerate(NOISES):
        voice = VOICES[number]
        turns.append(Asked("noise alone", "", "", voice, cards[number], noise=noise, snr_db=10.0))
    return turns
