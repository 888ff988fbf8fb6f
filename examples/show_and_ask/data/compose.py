"""The two sample sets of the demo: ``calibration`` and ``held-out``, written aside and renamed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import soundfile as sf
from PIL import Image

from edge_sdk.errors import storage_errors
from edge_sdk.samples import Sample, write_index

from .commands import INTENTS, NOT_FOR_ME
from .examples import Album, Drawer, Example, compose, draw_picture
from .mixing import Int16
from .pictures import CATEGORIES, Picture
from .speech import RATE, Studio
from .training import training_plan
from .utterances import Utterance, commands, human

CALIBRATION = "calibration"
HELD_OUT = "held-out"

CALIBRATION_SIZE = 256
# The held-out scenes: five of each card, empty ones, and per category unseen pictures.
_PER_CARD, _EMPTY, _PER_CATEGORY = 5, 60, 30
_PER_INTENT, _TALK, _HUMAN = 36, 84, 84

Tick = Callable[[str, int, int], None]


def write_calibration(
    out: Path, album: Album, studio: Studio, seed: int = 1, tick: Tick = lambda *_: None
) -> Path:
    """Write ``out/calibration``: samples drawn from the training distribution."""
    plan = training_plan(album, seed=0)
    rng = np.random.default_rng([seed, 1])
    drawer = Drawer(plan)
    chosen = [drawer.draw(rng) for _ in range(CALIBRATION_SIZE)]
    clean = _rendered(studio, chosen, CALIBRATION, tick)
    by_kind = album.categorised("train")
    kinds = [by_kind[c] for c in CATEGORIES]
    babble = list(clean.values())

    def made() -> Iterable[Example]:
        for number, utterance in enumerate(chosen):
            own = np.random.default_rng([seed, 2, number])
            picture = draw_picture(album.deck, kinds, own)
            yield compose(
                utterance, picture, own, style="train", load=lambda u: clean[u], babble=babble
            )

    return _write(out / CALIBRATION, "c", made(), CALIBRATION_SIZE, tick)


def write_held_out(
    out: Path, album: Album, studio: Studio, seed: int = 2, tick: Tick = lambda *_: None
) -> Path:
    """Write ``out/held-out``: the test. Every scene has test style; cards carry no category (their
    pictures were trained on) and pictures never seen carry no card (they are not in the deck)."""
    rng = np.random.default_rng([seed, 1])
    spoken = commands("test", _PER_INTENT, _TALK, seed)
    spoken += human(album.pictures, album.splits, "test", _HUMAN, seed)
    scenes: list[Picture | None] = [p for p in album.deck for _ in range(_PER_CARD)]
    scenes += [None] * _EMPTY
    for groups in album.categorised("test").values():
        # Groups in turn, so that many look-alikes (the alphabet) do not outweigh the others.
        scenes += [
            groups[n % len(groups)][n // len(groups) % len(groups[n % len(groups)])]
            for n in range(_PER_CATEGORY)
        ]
    scenes = [scenes[i] for i in rng.permutation(len(scenes))]
    # Every utterance once, then some again, until each scene has one.
    order = [spoken[i] for i in rng.permutation(len(spoken))]
    chosen = (order * (len(scenes) // len(order) + 1))[: len(scenes)]
    clean = _rendered(studio, chosen, HELD_OUT, tick)
    # The background voices of the test are voices of the test.
    babble = [s for u, s in clean.items() if u.condition != "seen"]

    def made() -> Iterable[Example]:
        for number, (utterance, picture) in enumerate(zip(chosen, scenes, strict=True)):
            own = np.random.default_rng([seed, 2, number])
            yield compose(
                utterance,
                picture,
                own,
                style="test",
                load=lambda u: clean[u],
                babble=babble,
                label_category=picture is not None and picture.card is None,
            )

    return _write(out / HELD_OUT, "t", made(), len(chosen), tick)


def _rendered(
    studio: Studio, chosen: list[Utterance], name: str, tick: Tick
) -> dict[Utterance, Int16]:
    distinct = list(dict.fromkeys(chosen))
    done = iter(range(1, len(distinct) + 1))
    studio.render(
        [u.spoken for u in distinct],
        lambda: tick(f"{name}: speech", next(done), len(distinct)),
    )
    return {u: studio.load(u.spoken) for u in distinct}


def _write(place: Path, mark: str, examples: Iterable[Example], total: int, tick: Tick) -> Path:
    with storage_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        try:
            aside.chmod(0o755)
            (aside / "audio").mkdir()
            (aside / "image").mkdir()
            samples = []
            for number, example in enumerate(examples):
                samples.append(_store(aside, f"{mark}-{number:04d}", example))
                tick(f"{place.name}: samples", number + 1, total)
            write_index(aside, samples)
            _replace(aside, place)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return place


def _replace(aside: Path, place: Path) -> None:
    """Put ``aside`` in the place of ``place``; a folder cannot be renamed over a full one."""
    old = aside.with_name(aside.name + ".old")
    if place.exists():
        place.replace(old)
    aside.replace(place)
    shutil.rmtree(old, ignore_errors=True)


def _store(root: Path, identity: str, example: Example) -> Sample:
    audio = image = None
    if example.audio is not None:
        audio = f"audio/{identity}.wav"
        sf.write(root / audio, example.audio, RATE, subtype="PCM_16")
    if example.image is not None:
        image = f"image/{identity}.png"
        Image.fromarray(example.image).save(root / image, optimize=False, compress_level=4)
    return Sample(
        id=identity,
        audio=audio,
        image=image,
        text=example.text,
        labels=example.labels,
        meta=example.meta,
    )


def describe(album: Album) -> dict[str, object]:
    """Sizes for the model card: groups and pictures of each category by split, the intents."""
    sizes: dict[str, dict[str, tuple[int, int]]] = {c: {} for c in CATEGORIES}
    for split in ("train", "validation", "test"):
        for category, groups in album.categorised(split).items():
            sizes[category][split] = (len(groups), sum(map(len, groups)))
    return {"categories": sizes, "intents": len(INTENTS), "rest": NOT_FOR_ME}
