"""The pictures: an index of the stamps, the deck of sixty cards, eight categories, the split."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .commands import Split

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

# Words that tell variants of one thing apart rather than things: colours, sizes, states, styles.
_QUALIFIERS = frozenset(
    [
        "red",
        "green",
        "blue",
        "yellow",
        "pink",
        "white",
        "black",
        "brown",
        "golden",
        "gold",
        "silver",
        "purple",
        "orange",
        "dark",
        "light",
        "little",
        "big",
        "large",
        "small",
        "baby",
        "young",
        "old",
        "new",
        "very",
        "tiny",
        "male",
        "female",
        "happy",
        "sitting",
        "sleeping",
        "eating",
        "flying",
        "stand",
        "open",
        "closed",
        "sliced",
        "slice",
        "half",
        "whole",
        "ripe",
        "core",
        "filled",
        "outline",
        "outlined",
        "uppercase",
        "lowercase",
        "left",
        "right",
        "front",
        "side",
        "in",
        "out",
        "cartoon",
        "photo",
        "toy",
        "colorful",
        "a",
        "an",
        "the",
        "european",
        "common",
        "great",
        "albino",
        "profile",
        "with",
        "and",
    ]
)

# The same thing under another name, found by looking at contact sheets.
_SAME: Mapping[str, str] = {
    "hare": "rabbit",
    "bunny": "rabbit",
    "lamb": "sheep",
    "ram": "sheep",
    "bull": "cow",
    "zebu": "cow",
    "drake": "duck",
    "hen": "chicken",
    "rooster": "chicken",
    "gull": "seagull",
    "fowl": "guineafowl",
    "camel": "dromedary",
    "tamworth": "pig",
    "doe": "deer",
    "caribou": "deer",
    "wapiti": "deer",
    "tux": "penguin",
    "pengwin": "penguin",
    "spadefoot": "frog",
    "cluster": "grape",
    "mandarin": "orange",
    "mandarine": "orange",
    "shell": "walnut",
    "sedan": "car",
    "sportscar": "car",
    "indycar": "car",
    "beetle": "car",
    "engine": "firetruck",
    "yield": "giveway",
    "otherspeoplegofirst": "giveway",
    "bin": "garbagecan",
    "can": "garbagecan",
    "pot": "cooker",
    "inuksuk": "inukshuk",
    "chemparathi": "hibiscus",
    "fortress": "castle",
    "fort": "castle",
    "ruin": "castle",
    "cathedral": "monastery",
}
# Signs that are one another mirrored, turned, or nearly so in some type face.
_SAME_SIGNS: Mapping[str, str] = {
    **dict.fromkeys(("letter-d", "letter-p", "letter-q", "letter-h"), "letter-b"),
    **dict.fromkeys(("letter-l", "letter-j", "one"), "letter-i"),
    **dict.fromkeys(("multiply", "time"), "letter-x"),
    **dict.fromkeys(("happy", "sad", "mad", "excited"), "smiley"),
    "zero": "letter-o",
    "letter-u": "letter-n",
    "letter-w": "letter-m",
    "letter-z": "letter-n",
    "letter-s": "five",
    "nine": "six",
}
# File stems that put one look-alike group under several names.
# A test wants many groups; one of this size (all flowers) would be most of its category's test.
_LARGE = 6
_STEM_PREFIXES = ("stoplight", "tower", "grave", "moon", "note", "key", "clef", "cep", "inuk")


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


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _words(text: str) -> list[str]:
    return [w for w in re.split(r"[^a-z]+", text.lower()) if w]


def _same(key: str) -> str:
    return _SAME.get(key) or _SAME_SIGNS.get(key, key)


def text_key(text: str) -> str | None:
    """The thing an English description names: the last word of its first noun phrase."""
    phrase = re.split(r"[.,;:!?(—–]", text.strip(" .–"))[0]
    phrase = re.split(r"\b(?:with|for|from|playing|dancing|means|is|lets|at|to|carry|carries)\b",
                      phrase)[0]  # fmt: skip
    letter = re.search(r"\bletter (\w+)\b", phrase)
    if letter:
        return _same("letter-" + letter[1].lower()[0])
    words = _words(phrase)
    kept = [w for w in words if w not in _QUALIFIERS] or words[-1:]
    if not kept:
        return None
    # `A bunch of grapes`: what counts is behind the last `of`.
    last = _singular(kept[-1])
    return _same(last)


def stem_key(stem: str) -> str | None:
    """The thing a file name names: its words without variant marks, numbers and case."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem)
    words = [_singular(w) for w in _words(spaced) if w not in _QUALIFIERS and w != "t"]
    if re.fullmatch(r"[a-zA-Z]_(?:filled|outline|with_.*)", stem):
        return _same("letter-" + stem[0].lower())
    if not words:
        return None
    for prefix in _STEM_PREFIXES:
        if words[0].startswith(prefix) and "_" in stem:
            return prefix
    key = "".join(words)
    return _same(key)


def look_alike_groups(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Group ``(id, English text)`` pairs that may look alike; gives the group's name by id.

    Two pictures share a group when their texts name the same thing or their file names do, and
    so on through chains: `foo-1`, `red_foo` and `A mirrored foo` end together.
    """
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    keys: dict[str, str] = {}
    for identity, text in items:
        digits = identity.rpartition("/")[2]
        found = [k for k in (stem_key(digits), text_key(text) if text else None) if k]
        own = found or [f"only-{digits.lower()}"]
        keys[identity] = own[0]
        for other in own[1:]:
            left, right = sorted((find(own[0]), find(other)))
            parent[right] = left
    return {identity: find(key) for identity, key in keys.items()}


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
