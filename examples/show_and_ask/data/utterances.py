"""Who says what in which split: the plan of all speech, made without rendering any.

Training voices are espeak-ng accents x variants and two flite speakers. Other variants, an
accent, a flite speaker, a whole engine (festival) and some human speakers (languages) are heard
only in the test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .commands import INTENTS, NOT_FOR_ME, Split, wordings
from .phrasings import phrasings
from .pictures import Picture
from .speech import Spoken, Voice

_ACCENTS: Mapping[Split, tuple[str, ...]] = {
    "train": ("en-us", "en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbcwmd"),
    "validation": ("en-us", "en-gb"),
    "test": ("en-us", "en-gb", "en-gb-x-gbclan", "en-029"),
}
# Variants change the speaker; no variant is in two splits.
_VARIANTS: Mapping[Split, tuple[str, ...]] = {
    "train": (
        *("m1", "m2", "m3", "m4", "m5", "m6", "f1", "f2", "f3"),
        *("Alex", "Andy", "Annie", "Alicia", "Gene", "Hugo", "Jacky", "Lee", "Marco", "Mike"),
        *("adam", "belinda", "david", "ed", "linda", "michel", "paul", "steph", "travis"),
    ),
    "validation": ("m7", "f4", "Michael", "anika"),
    "test": (
        "m8",
        "f5",
        "Andrea",
        "Denis",
        "grandma",
        "caleb",
        "edward",
        "robert",
        "shelby",
        "zac",
    ),
}
# Further speakers for the training in noise; the splits above have none of them either.
_FURTHER: tuple[str, ...] = (
    *(
        "Diogo",
        "Gene2",
        "Henrique",
        "iven",
        "John",
        "Mario",
        "Nguyen",
        "Storm",
        "Tweaky",
        "antonio",
    ),
    *("aunty", "benjamin", "boris", "ed", "gustave", "iven3", "kaukovalta", "klatt", "klatt3"),
    *("marcelo", "max", "miguel", "norbert", "pablo", "pedro", "quincy", "rob", "sandro", "victor"),
)
_FLITE: Mapping[Split, tuple[str, ...]] = {
    "train": ("awb", "slt"),
    "validation": ("slt",),
    # Not kal: it is festival's kal_diphone in another program.
    "test": ("rms",),
}
# One person speaks each language of the stamps, so a language is a speaker.
_LANGUAGES: Mapping[Split, tuple[str, ...]] = {
    "train": ("bg", "ca", "el", "en", "es", "fr", "ro"),
    "validation": ("be", "en"),
    "test": ("da", "en", "lt", "nl", "ru"),
}


@dataclass(frozen=True)
class Utterance:
    """One thing said, with its intent and the split it belongs to.

    ``condition`` names what is new about it: ``seen`` (training material), ``new-voice``,
    ``new-wording`` (and voice), ``new-engine`` (festival), ``human``.
    """

    spoken: Spoken
    intent: str
    condition: str

    @property
    def text(self) -> str:
        """What is said, as written."""
        return self.spoken.text

    @property
    def speaker(self) -> str:
        """The voice's name, or the language of a human one."""
        voice = self.spoken.voice
        return voice.name if voice is not None else f"human-{self.spoken.language}"

    @property
    def engine(self) -> str:
        """The synthesiser, or ``human``."""
        return self.spoken.voice.engine if self.spoken.voice is not None else "human"


def voice(split: Split, rng: np.random.Generator, *, unseen_engine: bool = False) -> Voice:
    """A voice of ``split`` at a random speed and pitch."""
    # Tenths keep the number of distinct renders, and so festival's batches, small.
    speed = float(rng.integers(8, 13)) / 10
    if unseen_engine:
        return Voice("festival", "kal_diphone", speed)
    if rng.random() < 0.2:
        return Voice("flite", str(rng.choice(_FLITE[split])), speed)
    name = f"{rng.choice(_ACCENTS[split])}+{rng.choice(_VARIANTS[split])}"
    return Voice("espeak-ng", name, speed, int(rng.integers(3, 8)) * 10)


def commands(split: Split, per_intent: int, talk: int, seed: int) -> list[Utterance]:
    """Synthesised speech: ``per_intent`` commands an intent and ``talk`` sentences not for it.

    In the test a half of the commands have wordings known from training, a half have not, and
    a quarter of all are spoken by the unseen engine.
    """
    rng = np.random.default_rng([seed, ("train", "validation", "test").index(split)])
    found: dict[Spoken, Utterance] = {}
    for intent in INTENTS:
        wanted = talk if intent == NOT_FOR_ME else per_intent
        own, known = wordings(intent, split), wordings(intent, "train")
        for number in range(wanted):
            new_wording = split != "train" and (intent == NOT_FOR_ME or number % 2 == 0)
            pool = own if split == "train" or new_wording else known
            unseen_engine = split == "test" and number % 4 in (1, 2) and number % 8 < 4
            text = pool[(number if split == "train" else number // 2) % len(pool)]
            spoken = Spoken(text, voice(split, rng, unseen_engine=unseen_engine))
            condition = (
                "seen"
                if split == "train"
                else "new-engine"
                if unseen_engine
                else "new-wording"
                if new_wording
                else "new-voice"
            )
            found.setdefault(spoken, Utterance(spoken, intent, condition))
    return list(found.values())


def phrased(voices: int, talk: int, seed: int) -> list[Utterance]:
    """Training speech for the second phase: every phrasing by ``voices`` speakers, every sentence
    of talk by ``talk``, and as many of the training's own wordings by the further speakers."""
    rng = np.random.default_rng([seed, 31])
    found: dict[Spoken, Utterance] = {}
    for intent in INTENTS:
        count = talk if intent == NOT_FOR_ME else voices
        for text in (*phrasings(intent), *wordings(intent, "train")):
            for _ in range(count):
                spoken = Spoken(text, any_voice(rng))
                found.setdefault(spoken, Utterance(spoken, intent, "seen"))
    return list(found.values())


def any_voice(rng: np.random.Generator) -> Voice:
    """A training voice; of espeak-ng's, two in five are further speakers."""
    usual = voice("train", rng)
    if usual.engine != "espeak-ng" or rng.random() > 0.4:
        return usual
    name = f"{rng.choice(_ACCENTS['train'])}+{rng.choice(_FURTHER)}"
    return Voice("espeak-ng", name, usual.speed, usual.pitch)


def languages(split: Split) -> tuple[str, ...]:
    """The languages of the descriptions of pictures that are heard in ``split``."""
    return _LANGUAGES[split]


def human(
    pictures: Sequence[Picture],
    splits: Mapping[str, Split],
    split: Split,
    count: int,
    seed: int,
) -> list[Utterance]:
    """Human descriptions of the pictures in ``split``, languages in equal shares: not for us."""
    rng = np.random.default_rng([seed, 77, ("train", "validation", "test").index(split)])
    by_language: dict[str, list[tuple[str, Path]]] = {}
    for language in _LANGUAGES[split]:
        clips = [
            (p.descriptions.get(language) or p.english, p.speech[language])
            for p in pictures
            if splits[p.group] == split and language in p.speech
        ]
        rng.shuffle(clips)
        by_language[language] = clips
    found: list[Utterance] = []
    while len(found) < count and any(by_language.values()):
        for language, clips in by_language.items():
            if clips and len(found) < count:
                text, recording = clips.pop()
                spoken = Spoken(text, recording=recording, language=language)
                found.append(Utterance(spoken, NOT_FOR_ME, "human"))
    return found
