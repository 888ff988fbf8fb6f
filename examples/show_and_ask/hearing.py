"""What reaches the model in noise: the segmenter's cuts and the recognisers' words.

Recognising takes longest by far, so not everything that is heard is recognised.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_sdk.converters.fusion.config import Head
from edge_sdk.files import replacing
from edge_sdk.frontends import Frontends
from edge_sdk.runtimes.assistant import load_config
from edge_sdk.runtimes.assistant.config import AssistantConfig
from edge_sdk.runtimes.speech import load_component
from edge_sdk.runtimes.speech.segmenter import Segmenter, Utterance

from .data import utterances
from .data.mixing import Int16
from .data.noises import Part, heard, nobody

_CONFIG = Path(__file__).with_name("assistant.toml")
_CHUNK = 32


@dataclass(frozen=True)
class Said:
    """Something said: its sound int16 ``[n]``, and who says what. Without samples nobody speaks."""

    utterance: utterances.Utterance
    samples: Int16


@dataclass(frozen=True)
class Heard:
    """What was heard, one entry an utterance.

    ``sounds``: float16 ``[T, bands]`` features; ``said``: the sentence; ``usual`` and ``light``:
    what the assistant's recognisers wrote, None where they were not asked; ``intents``: the class
    index.
    """

    sounds: Sequence[NDArray[np.float16]]
    said: Sequence[str]
    usual: Sequence[str | None]
    light: Sequence[str | None]
    intents: NDArray[np.int64]


@dataclass(frozen=True)
class _Work:
    said: Sequence[Said]
    babble: Sequence[Int16]
    frontends: Frontends
    intents: tuple[str, ...]
    part: Part
    seed: int
    usual: int
    light: int
    snr_db: float | None


class _Ears:
    """One process's segmenter and recognisers; one thread each."""

    def __init__(self) -> None:
        config: AssistantConfig = load_config(_CONFIG)
        light = config.light
        assert light is not None
        self._options = config.segmenter
        self._vad = load_component("vad", config.vad.name, config.vad.options)
        self.usual = load_component(
            "recogniser", config.recogniser.name, {**config.recogniser.options, "threads": 1}
        )
        self.light = load_component("recogniser", light.name, light.options)

    def cut(self, wave: NDArray[np.float32]) -> Utterance | None:
        """The first utterance that the assistant would cut out of ``wave``."""
        segmenter = Segmenter(self._vad, self._options)
        found = segmenter.feed(wave)
        return found if isinstance(found, Utterance) else segmenter.flush()


_work: _Work | None = None
_ears: _Ears | None = None

_Row = tuple[NDArray[np.float16], str, str | None, str | None, int]


def _hear(chunk: int) -> list[_Row]:
    global _ears
    assert _work is not None, "set before the workers are forked"
    _ears = _ears or _Ears()
    work, rows = _work, []
    for number in range(chunk * _CHUNK, min((chunk + 1) * _CHUNK, len(work.said))):
        one = work.said[number]
        rng = np.random.default_rng([work.seed, number])
        if one.samples.size:
            wave, _ = heard(one.samples, rng, work.part, work.babble, work.snr_db)
        else:
            wave, _ = nobody(rng, work.part, work.babble)
        found = _ears.cut(wave)
        if found is None:
            continue
        usual = _ears.usual.transcribe(found.spoken).text if number < work.usual else None
        light = _ears.light.transcribe(found.spoken).text if number < work.light else None
        features = work.frontends.audio.batch(found.samples).astype(np.float16)
        intent = work.intents.index(one.utterance.intent)
        rows.append((features, one.utterance.text, usual, light, intent))
    return rows


def hear(
    said: Sequence[Said],
    babble: Sequence[Int16],
    frontends: Frontends,
    heads: Sequence[Head],
    *,
    part: Part,
    seed: int,
    jobs: int,
    usual: int,
    light: int,
    snr_db: float | None = None,
) -> Heard:
    """Say everything of ``said`` in a noisy room, and note what the assistant makes of it.

    Works in ``jobs`` processes. What its voice detector does not notice is left out.

    Args:
        babble: the voices in the background.
        usual, light: so many of the first are given to its usual and to its light recogniser.
        snr_db: see :func:`.data.noises.heard`.
    """
    global _work
    intents = next(head.labels for head in heads if head.name == "intent")
    _work = _Work(said, babble, frontends, intents, part, seed, usual, light, snr_db)
    chunks = -(-len(said) // _CHUNK)
    rows: list[_Row] = []
    # every process loads its own recognisers: their libraries have threads
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for found in tqdm(
            pool.imap(_hear, range(chunks)), total=chunks, desc="hearing", leave=False, disable=None
        ):
            rows += found
    _work = None
    sounds, words, by_usual, by_light, labels = zip(*rows, strict=True)
    return Heard(sounds, words, by_usual, by_light, np.array(labels))


def together(parts: Sequence[Heard]) -> Heard:
    """Several shares as one."""
    return Heard(
        [sound for part in parts for sound in part.sounds],
        [text for part in parts for text in part.said],
        [text for part in parts for text in part.usual],
        [text for part in parts for text in part.light],
        np.concatenate([part.intents for part in parts]),
    )


def save_heard(path: Path, found: Heard) -> None:
    """Write ``path``, an ``.npz`` file without pickled objects."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # no recogniser writes a null character
    written = {
        name: np.array(["\0-" if text is None else text for text in getattr(found, name)])
        for name in ("usual", "light")
    }
    with replacing(path) as aside, aside.open("wb") as file:
        np.savez(
            file,
            sounds=np.concatenate(found.sounds),
            frames=np.array([len(sound) for sound in found.sounds]),
            said=np.array(found.said),
            intents=found.intents,
            **written,
        )


def load_heard(path: Path) -> Heard:
    """What :func:`save_heard` wrote."""
    with np.load(path, allow_pickle=False) as held:
        ends = np.cumsum(held["frames"])[:-1]
        usual, light = (
            [None if text == "\0-" else text for text in held[name].tolist()]
            for name in ("usual", "light")
        )
        return Heard(
            np.split(held["sounds"], ends), held["said"].tolist(), usual, light, held["intents"]
        )
