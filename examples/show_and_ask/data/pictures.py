"""The pictures: an index of the stamps, the deck of sixty cards, eight categories, the split."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .commands import Split
from .lookalikes import look_alike_groups

NOTHING = "nothing"

# Eight kinds with a clear everyday meaning and at least fourteen look-alike groups each.
# Left out: seasonal (a mixture: animals, food, graves), people (six bitmaps), clothes and hobbies
# (a dozen groups each, so hardly any for a test), military, space, medical and sports (fewer
# still), and of the symbols the coins (one look-alike mass) and chess pieces (things, not signs).
# A town holds two kinds of thing that do not resemble each other: buildings, and road signs.
_FOLDERS: tuple[tuple[str, str], ...] = (
    ("animals", "animals"),
    ("town/houses", "buildings"),
    ("town/monuments", "buildings"),
    ("town/cartoon", "buildings"),
    ("food", "food"),
    ("household", "household"),
    ("plants", "plants"),
    ("town/roadsigns", "signs"),
    ("town/flags", "signs"),
    ("symbols/alphabets/english", "symbols"),
    ("symbols/alphabets/german", "symbols"),
    ("symbols/alphabets/spanish", "symbols"),
    ("symbols/math", "symbols"),
    ("symbols/music", "symbols"),
    ("symbols/faces", "symbols"),
    ("symbols/shapes", "symbols"),
    ("symbols/clockface", "symbols"),
    ("symbols/recycle", "symbols"),
    ("vehicles", "vehicles"),
)
CATEGORIES: tuple[str, ...] = tuple(sorted({kind for _, kind in _FOLDERS}))

# Parts of a picture of another stamp (wheels, emblems), a sign among the vehicles, a bunch of
# wings among the animals: their category is not what they show.
_MISPLACED = {
    "vehicles/7spoke256",
    "vehicles/wheel_tractor",
    "vehicles/emergency/sedan_police",
    "vehicles/locomotive/cartoon/trainSign",
    "animals/insects/cartoon/wings",
    "plants/eggplant",
    "plants/lettuce_bolted",
    "town/monuments/cartoon/sword_in_the_stone",
    "symbols/shapes/hand",
    "symbols/shapes/pawprint_sil",
}

# The deck: chosen by eye to differ in shape and colour, no two from one look-alike group.
DECK: Mapping[str, str] = {
    "airplane": "vehicles/flight/planes/747",
    "balloon": "vehicles/flight/balloon360",
    "banana": "food/fruit/banana",
    "broccoli": "food/vegetables/broccoli",
    "butterfly": "animals/insects/cartoon/butterfly",
    "cake": "food/dessert/cartoon/birthday_cake",
    "carrot": "food/vegetables/carrot",
    "castle": "town/houses/cartoon/fairytale_castle",
    "checkered-flag": "town/flags/checkeredflag",
    "clock": "symbols/clockface",
    "clownfish": "animals/fish/clownfish",
    "corn": "food/vegetables/corn",
    "daffodil": "plants/flowers/daffodil",
    "dolphin": "animals/mammals/aquatic/dolphin",
    "eiffel-tower": "town/monuments/cartoon/eiffel_tower",
    "elephant": "animals/mammals/elephant",
    "fire-truck": "vehicles/emergency/firetruck",
    "flamingo": "animals/birds/pink_flamingo",
    "frog": "animals/amphibians/frog",
    "giraffe": "animals/mammals/giraffe",
    "grapes": "food/fruit/cartoon/grapes",
    "hammer": "household/tools/hammer",
    "helicopter": "vehicles/flight/cartoon/eddieCopter",
    "igloo": "town/houses/cartoon/igloo",
    "kettle": "household/kettle",
    "key": "household/key",
    "kiwi": "food/fruit/kiwi",
    "koala": "animals/marsupials/koala",
    "ladybug": "animals/insects/cartoon/ladybug",
    "lightbulb": "household/Lightbulb",
    "marigold": "plants/flowers/marigold",
    "owl": "animals/birds/owl",
    "paw-print": "symbols/shapes/pawprint",
    "penguin": "animals/birds/penguin",
    "pineapple": "food/fruit/pineapple",
    "pinecone": "plants/trees/pinecone",
    "pizza": "food/pizza",
    "pyramid": "town/monuments/cartoon/pyramid",
    "recycling": "symbols/recycle",
    "rooster": "animals/birds/rooster",
    "rose": "plants/flowers/rose",
    "rubber-duck": "household/rubberduck",
    "seahorse": "animals/fish/seahorse",
    "smiley": "symbols/faces/happy",
    "sports-car": "vehicles/auto/sportscar2",
    "stop-sign": "town/roadsigns/stop",
    "strawberry": "food/fruit/cartoon/strawberry",
    "teapot": "household/dishes/teapot",
    "tepee": "town/houses/cartoon/tepee",
    "tiger": "animals/mammals/cats/tiger",
    "toilet": "household/toilet",
    "tomato": "food/vegetables/tomato",
    "tractor": "vehicles/farming/cartoon/tux_tractor",
    "traffic-cone": "town/roadsigns/traffic_cone",
    "traffic-light": "town/roadsigns/stoplight_01_red",
    "train": "vehicles/locomotive/cartoon/toy_train",
    "treble-clef": "symbols/music/clef0_treble",
    "tricycle": "vehicles/cycle/pink_tricycle",
    "windmill": "town/houses/cartoon/windmill",
    "zebra": "animals/mammals/equines/zebra",
}
CARDS: tuple[str, ...] = (*sorted(DECK), NOTHING)

# A test wants many groups; one of this size (all flowers) would be most of its category's test.
_LARGE = 6


@dataclass(frozen=True)
class Picture:
    """One stamp: ``path`` is its PNG, ``group`` the look-alikes it belongs to.

    ``category`` is None for stamps used for their speech only; ``card`` names it in the deck.
    ``descriptions`` and ``speech`` go by language (``en`` for the first, original text).
    """

    id: str
    path: Path
    category: str | None
    card: str | None
    group: str
    descriptions: Mapping[str, str]
    speech: Mapping[str, Path]

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def english(self) -> str:
        """The English description."""
        return self.descriptions.get("en", "")


def read_index(stamps: Path) -> list[Picture]:
    """Index the PNG stamps below the unpacked tree ``stamps`` that have text, sorted by id."""
    base = stamps / "usr" / "share" / "tuxpaint" / "stamps"
    found: list[tuple[str, Path, dict[str, str]]] = []
    for path in sorted(base.rglob("*.png")):
        identity = path.relative_to(base).with_suffix("").as_posix()
        note = path.with_suffix(".txt")
        if note.is_file() and not identity.endswith("_mirror"):
            found.append((identity, path, _descriptions(note)))
    groups = look_alike_groups((identity, texts.get("en", "")) for identity, _, texts in found)
    cards = {identity: card for card, identity in DECK.items()}
    return [
        Picture(
            id=identity,
            path=path,
            category=_category(identity),
            card=cards.get(identity),
            group=groups[identity],
            descriptions=texts,
            speech=_speech(path),
        )
        for identity, path, texts in found
    ]


def split_groups(pictures: Sequence[Picture]) -> dict[str, Split]:
    """The split of every look-alike group: of each category's groups about a quarter is for the
    test and an eighth for validation; a group with a card of the deck, or
    a very large one, is always for training."""
    by_category: dict[str, set[str]] = defaultdict(set)
    split: dict[str, Split] = {}
    sizes = Counter(picture.group for picture in pictures if picture.category)
    for picture in pictures:
        if picture.card is not None or sizes[picture.group] > _LARGE:
            split[picture.group] = "train"
        if picture.category is not None:
            by_category[picture.category].add(picture.group)
    for category in sorted(by_category):
        groups = by_category[category]
        free = sorted(groups - split.keys(), key=_rank)
        tests, helds = round(len(groups) / 4), round(len(groups) / 8)
        for place, group in enumerate(free):
            split[group] = (
                "test" if place < tests else "validation" if place < tests + helds else "train"
            )
    for picture in pictures:
        # Stamps outside the categories lend their speech only; those groups are split as well.
        if picture.group not in split:
            split[picture.group] = "test" if int(_rank(picture.group)[:4], 16) % 4 == 0 else "train"
    return split


@lru_cache(maxsize=2048)
def decode(path: Path, side: int = 160) -> NDArray[np.uint8]:
    """The picture as RGBA uint8 ``[h, w, 4]``, cut to what is drawn, longest side ``side``."""
    with Image.open(path) as image:
        drawn = image.convert("RGBA")
    box = drawn.getchannel("A").getbbox()
    if box is not None:
        drawn = drawn.crop(box)
    scale = side / max(drawn.size)
    size = (max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale)))
    return np.asarray(drawn.resize(size, Image.Resampling.LANCZOS))


def _rank(group: str) -> str:
    return hashlib.sha256(group.encode()).hexdigest()


def _category(identity: str) -> str | None:
    if identity in _MISPLACED:
        return None
    for folder, kind in _FOLDERS:
        if identity == folder or identity.startswith(folder + "/"):
            return kind
    return None


def _descriptions(note: Path) -> dict[str, str]:
    lines = note.read_text(encoding="utf-8", errors="replace").splitlines()
    texts = {"en": lines[0].strip()} if lines else {}
    for line in lines[1:]:
        language, mark, text = line.partition(".utf8=")
        if mark and text.strip():
            texts[language] = text.strip()
    return texts


def _speech(path: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for recording in sorted(path.parent.glob(f"{path.stem}_desc*.ogg")):
        tail = recording.name[len(path.stem) + len("_desc") :]
        language = tail.split(".")[0].lstrip("_") or "en"
        found.setdefault(language, recording)
    return found
