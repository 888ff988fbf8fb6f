"""What a phrase sounds like where it is listened for, and everything else, as embeddings."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from tqdm import tqdm

from edge_sdk.runtimes.speech import RATE
from edge_sdk.runtimes.speech.protocol import Samples
from edge_sdk.runtimes.speech.wake.embeddings import SpeechEmbeddings

from ..data.commands import NOT_FOR_ME, wordings
from ..data.mixing import Int16, floats
from ..data.noises import Part, heard
from ..data.speech import Spoken, Studio, Voice
from .features import WINDOW, Embeddings, embed
from .phrases import Phrase
from .rooms import FLOOR, Room, into_answer, rooms
from .said import Line, sentences

# Pause between the phrase and what follows, in seconds.
_PAUSE = (0.05, 0.7)
# A room's own floor before anything is said: a detector has heard something already.
_QUIET = RATE
# The windows that count as those of the phrase, in seconds after its end.
_SOON, _LATE = -0.08, 0.24
# `heard` has 0.4 to 0.9 s before, and says everything up to a tenth quicker or slower.
_EARLIEST, _LATEST, _FASTER = 0.4, 0.9, 0.1
_ANSWER, _SENTENCES = Voice("espeak-ng", "en-us"), 5
_LONGEST = round(3.5 * RATE)
_BETWEEN, _PIECE = 0.3, 20 * RATE


@dataclass(frozen=True)
class Clip:
    """Embeddings ``[n, 96]`` of some sound; ``phrase``: which of its windows, counted by their
    first embedding, hear the phrase; None: nobody says it."""

    embeddings: Embeddings
    phrase: slice | None = None


@dataclass(frozen=True)
class Material:
    """Where and by whom everything is said."""

    phrase: Phrase
    studio: Studio
    part: Part
    babble: Sequence[Int16]
    rooms: Sequence[Room]
    answers: Sequence[str]
    seed: int
    snr_db: float | None = None


def material(
    phrase: Phrase, studio: Studio, part: Part, seed: int, snr_db: float | None = None
) -> Material:
    """The rooms, noises and background voices of ``part``."""
    speakers = ("awb", "slt") if part == "train" else ("slt",)
    talk = [Spoken(t, Voice("flite", s)) for s in speakers for t in wordings(NOT_FOR_ME, part)]
    answers = sentences(phrase) if phrase.interrupts else []
    studio.render([*talk, *(Spoken(text, _ANSWER) for text in answers)])
    own = rooms(10 if part == "train" else 5, seed) if phrase.interrupts else []
    babble = [studio.load(spoken) for spoken in talk]
    return Material(phrase, studio, part, babble, own, answers, seed, snr_db)


def said_clips(where: Material, lines: Sequence[Line], jobs: int) -> list[Clip]:
    """Everything of ``lines``, said by synthesisers."""
    spoken = [s for line in lines for s in (line.first, line.after) if s is not None]
    where.studio.render(spoken)
    return _clips(partial(_line, where, lines), len(lines), jobs, "hearing")


def people_clips(where: Material, people: Sequence[Samples], most: int, jobs: int) -> list[Clip]:
    """People who say something else, float32 ``[n]`` each at the user's level: one after another,
    or at most ``most`` of them into an answer each."""
    if where.phrase.interrupts:
        rng = np.random.default_rng([where.seed, 4])
        people = [people[i] for i in rng.permutation(len(people))[:most]]
    else:
        people = list(_streams(people))
    return _clips(partial(_person, where, people), len(people), jobs, "people")


def quiet_clips(where: Material, count: int, jobs: int) -> list[Clip]:
    """Answers into which nobody speaks."""
    return _clips(partial(_quiet, where), count, jobs, "answers")


def _streams(people: Sequence[Samples]) -> Iterator[Samples]:
    """Recordings with pauses between them, joined to pieces."""
    pause, held = np.zeros(round(_BETWEEN * RATE), np.float32), list[Samples]()
    for samples in people:
        held += [samples, pause]
        if sum(map(len, held)) >= _PIECE:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)


_hear: Callable[[int], Clip] | None = None
_stream: SpeechEmbeddings | None = None


def _number(number: int) -> Clip:
    assert _hear is not None, "set before the workers are forked"
    return _hear(number)


def _clips(hear: Callable[[int], Clip], count: int, jobs: int, named: str) -> list[Clip]:
    global _hear
    _hear = hear
    # every process loads its own networks: their library has threads
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        found = pool.imap(_number, range(count), chunksize=8)
        return list(tqdm(found, total=count, desc=named, leave=False, disable=None))


def _line(where: Material, lines: Sequence[Line], number: int) -> Clip:
    line, rng = lines[number], np.random.default_rng([where.seed, 1, number])
    first = where.studio.load(line.first)
    if where.phrase.interrupts:
        return _answered(where, floats(first), rng, line.kind == "phrase")
    said = first
    if line.after is not None:
        pause = np.zeros(round(RATE * float(rng.uniform(*_PAUSE))), np.int16)
        said = np.concatenate([first, pause, where.studio.load(line.after)])
    wave, _ = heard(said, rng, where.part, where.babble, where.snr_db)
    if line.kind != "phrase":
        return _clip(_after_quiet(wave, rng), None)
    quiet, seconds = _QUIET / RATE, len(first) / RATE
    soonest = quiet + _EARLIEST + seconds / (1 + _FASTER)
    latest = quiet + _LATEST + seconds / (1 - _FASTER)
    return _clip(_after_quiet(wave, rng), (soonest + _SOON, latest + 2 * _LATE))


def _person(where: Material, people: Sequence[Samples], number: int) -> Clip:
    rng = np.random.default_rng([where.seed, 2, number])
    if where.phrase.interrupts:
        return _answered(where, people[number][:_LONGEST], rng, False)
    return _clip(_after_quiet(people[number], rng), None)


def _quiet(where: Material, number: int) -> Clip:
    return _answered(where, None, np.random.default_rng([where.seed, 3, number]), False)


def _answered(
    where: Material, said: Samples | None, rng: np.random.Generator, phrase: bool
) -> Clip:
    texts = rng.choice(where.answers, _SENTENCES)
    answer = np.concatenate([floats(where.studio.load(Spoken(str(t), _ANSWER))) for t in texts])
    room = where.rooms[int(rng.integers(len(where.rooms)))]
    left, end = into_answer(said, answer, room, rng)
    return _clip(left, (end + _SOON, end + _LATE) if phrase and end is not None else None)


def _after_quiet(wave: Samples, rng: np.random.Generator) -> Samples:
    whole = np.concatenate([np.zeros(_QUIET, np.float32), wave])
    return whole + rng.normal(0, FLOOR, len(whole)).astype(np.float32)


def _clip(samples: Samples, seconds: tuple[float, float] | None) -> Clip:
    """``seconds``: between these the windows end in which the phrase is heard."""
    global _stream
    _stream = _stream or SpeechEmbeddings()
    embeddings, times = embed(_stream, samples)
    if seconds is None:
        return Clip(embeddings)
    ends = times[WINDOW - 1 :]
    inside = np.flatnonzero((ends >= seconds[0]) & (ends <= seconds[1]))
    # None of them where the phrase is said too early or too late to be heard whole.
    return Clip(embeddings, slice(*inside[[0, -1]] + (0, 1)) if inside.size else slice(0))
