"""Look-alikes: which pictures show the same thing, so that a split keeps them together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

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
_STEM_PREFIXES = ("stoplight", "tower", "grave", "moon", "note", "key", "clef", "cep", "inuk")


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
