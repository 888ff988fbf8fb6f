"""Hours of people who speak to somebody else, from Debian packages that are fetched when needed.

Descriptions of pictures in the languages that no training has (tuxpaint-stamps, GPL-2),
announcements of a telephone exchange in five (asterisk-core-sounds, CC-BY-SA), and the dialogues of
an adventure played by English actors (flight-of-the-amazon-queen, which may be given away but not
sold).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from edge_sdk.runtimes.speech import RATE
from edge_sdk.runtimes.speech.protocol import Samples

from ..data.fetch import fetch_tree, tree
from ..data.pictures import read_index
from ..data.utterances import languages
from .room import levelled
from .voices import quiet

_LANGUAGES = ("en", "es", "fr", "it", "ru")
PEOPLE = (
    "flight-of-the-amazon-queen",
    *(f"asterisk-core-sounds-{language}-g722" for language in _LANGUAGES),
)
KINDS = ("descriptions", "announcements", "dialogues")
_PAUSE = 0.3
# Below this peak a recording is a pause.
_SILENT = 0.01
# Where the list of an adventure's files begins, after its name, version and count; one entry.
_LIST, _ENTRY = 15, struct.Struct(">12sBII")


def people(
    cache: Path, kind: str, minutes: float | None = None, seed: int = 0
) -> Iterator[Samples]:
    """Recordings of a kind (of :data:`KINDS`) at the user's level, with pauses between them.

    ``minutes``: only so much; by default all.
    """
    found = {"descriptions": _descriptions, "announcements": _announcements,
             "dialogues": _dialogues}[kind](cache, seed)  # fmt: skip
    total = 0.0
    for samples in audible(found):
        if minutes is not None and total > minutes * 60:
            return
        yield np.concatenate([samples, quiet(_PAUSE)])
        total += len(samples) / RATE + _PAUSE


def audible(recordings: Iterable[Samples]) -> Iterator[Samples]:
    """Those that are no pauses, at the user's level."""
    for mono in recordings:
        if np.abs(mono).max(initial=0.0) >= _SILENT:
            yield levelled(mono)


def descriptions(
    cache: Path, wanted: Callable[[str], bool], seed: int | None = None
) -> Iterator[Samples]:
    """People who describe pictures in the ``wanted`` languages; with a ``seed`` in random order."""
    pictures = read_index(tree(cache, "stamps"))
    found = [r for p in pictures for name, r in sorted(p.speech.items()) if wanted(name)]
    if seed is not None:
        found = [found[i] for i in np.random.default_rng(seed).permutation(len(found))]
    for recording in found:
        samples, rate = soundfile.read(recording, dtype="float32", always_2d=True)
        yield _at_rate(samples, rate)


def _descriptions(cache: Path, seed: int) -> Iterator[Samples]:
    trained = languages("train")
    return descriptions(cache, lambda name: name not in trained, seed)


def _announcements(cache: Path, seed: int) -> Iterator[Samples]:
    folder = fetch_tree(cache, "people", PEOPLE)
    files = sorted(folder.rglob("*.g722"))
    for number in np.random.default_rng(seed).permutation(len(files)):
        with av.open(str(files[number])) as recording:
            frames = [frame.to_ndarray()[0] for frame in recording.decode(audio=0)]
            rate = recording.streams.audio[0].rate
        if not frames:
            continue
        whole = np.concatenate(frames).astype(np.float32) / 32768
        yield _at_rate(whole[:, None], rate)


def _dialogues(cache: Path, seed: int) -> Iterator[Samples]:
    """The lines of the adventure are MP3s in one file with a list in front."""
    (path,) = fetch_tree(cache, "people", PEOPLE).rglob("queen.1c")
    data = path.read_bytes()
    count = int.from_bytes(data[_LIST - 2 : _LIST], "big")
    entries = [_ENTRY.unpack_from(data, _LIST + _ENTRY.size * n) for n in range(count)]
    lines = [(start, size) for name, _, start, size in entries if b".SB" in name]
    for number in np.random.default_rng(seed).permutation(len(lines)):
        start, size = lines[number]
        try:
            samples, rate = soundfile.read(
                io.BytesIO(data[start : start + size]), dtype="float32", always_2d=True
            )
        except soundfile.LibsndfileError:  # a few are too short to be MP3s
            continue
        yield _at_rate(samples, rate)


def _at_rate(samples: Samples, rate: int) -> Samples:
    return soxr.resample(samples.mean(axis=1), rate, RATE).astype(np.float32)
