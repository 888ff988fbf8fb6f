"""What a small recogniser would have written: transcripts with plausible errors."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

# Sets of words that sound alike or nearly so; a member is heard as another one.
_CONFUSED: tuple[tuple[str, ...], ...] = (
    ("what", "but", "watt", "that"),
    ("this", "these", "his", "the"),
    ("is", "his", "as", "it's"),
    ("it", "at", "hit", "eat"),
    ("card", "car", "cart", "guard", "hard"),
    ("next", "necks", "text", "neck"),
    ("one", "won", "run", "on"),
    ("stop", "shop", "top", "stock"),
    ("time", "dime", "tie", "times"),
    ("timer", "time or", "tire", "climber"),
    ("set", "said", "sad", "sent"),
    ("spell", "spill", "bell", "smell"),
    ("spelling", "spilling", "selling"),
    ("sound", "found", "sand", "around"),
    ("noise", "boys", "nose", "nice"),
    ("volume", "column", "volumes", "value"),
    ("louder", "ladder", "lauder", "loud or"),
    ("quieter", "quite a", "quiet her"),
    ("quiet", "quite", "diet"),
    ("softer", "soft her", "after", "so after"),
    ("softly", "soft lee", "safely"),
    ("turn", "tern", "churn", "torn"),
    ("up", "app", "cup", "of"),
    ("down", "town", "done", "tone"),
    ("repeat", "re pete", "receipt", "the beat"),
    ("again", "a gain", "the game", "against"),
    ("say", "stay", "see", "they"),
    ("remember", "november", "member", "remembered"),
    ("keep", "key", "cheap", "deep"),
    ("save", "safe", "say", "shave"),
    ("list", "least", "lift", "this"),
    ("later", "letter", "lighter", "late or"),
    ("kind", "kite", "find", "mind"),
    ("sort", "sword", "short", "sought"),
    ("type", "tide", "tight", "pipe"),
    ("category", "cat a gory", "the category"),
    ("group", "grew", "groove", "soup"),
    ("minutes", "minute", "mini", "minutes'"),
    ("five", "fire", "fine", "high"),
    ("two", "to", "too"),
    ("four", "for", "or"),
    ("ten", "then", "tan", "and"),
    ("please", "peas", "police", "place"),
    ("hear", "here", "ear", "year"),
    ("me", "be", "knee"),
    ("you", "to", "your", "who"),
    ("my", "by", "mine"),
    ("do", "to", "due", "the"),
    ("does", "dust", "was", "is"),
    ("make", "may", "take", "lake"),
    ("play", "plate", "pay", "lay"),
    ("clock", "block", "lock"),
    ("hour", "our", "are"),
    ("another", "the other", "and other"),
    ("show", "so", "shoe"),
    ("tell", "tail", "till", "dell"),
    ("picture", "pitcher", "fixture"),
    ("word", "bird", "were", "world"),
    ("letters", "ladders", "lettuce"),
    ("can", "can't", "in", "and"),
    ("how", "now", "who", "hah"),
    ("enough", "and of", "a nuff"),
    ("start", "star", "smart", "dart"),
    ("raise", "rays", "race"),
    ("lower", "lore", "slower", "low or"),
    ("their", "there", "they're"),
    ("weather", "whether"),
    ("right", "write"),
    ("know", "no"),
    ("wait", "weight"),
)
_SOUNDS_LIKE: Mapping[str, tuple[str, ...]] = {
    word: tuple(other for other in group if other != word)
    for group in reversed(_CONFUSED)
    for word in group
}
_SHORT: tuple[str, ...] = ("a", "the", "to", "and", "of", "in", "it", "uh", "um", "is", "so")

# Letters that stand for neighbouring sounds, voiced and unvoiced, long and short.
_NEAR: Mapping[str, str] = {
    "b": "pdv",
    "c": "kgs",
    "d": "tbg",
    "f": "vth",
    "g": "kdj",
    "h": "f",
    "j": "gy",
    "k": "gct",
    "l": "rw",
    "m": "n",
    "n": "m",
    "p": "bt",
    "q": "k",
    "r": "lw",
    "s": "zc",
    "t": "dpk",
    "v": "fb",
    "w": "vl",
    "x": "s",
    "y": "ij",
    "z": "s",
    "a": "eo",
    "e": "ia",
    "i": "ey",
    "o": "ua",
    "u": "oa",
}
# An English recogniser writes English letters, whatever it hears.
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяіў"
_CYRILLIC_LATIN = "a b v g d e zh z i y k l m n o p r s t u f h ts ch sh sht a i - e yu ya i u"
_GREEK = "αβγδεζηθικλμνξοπρστυφχψως"
_GREEK_LATIN = "a v g d e z i th i k l m n x o p r s t i f h ps o s"
_LATIN = {
    **dict(zip(_CYRILLIC, _CYRILLIC_LATIN.replace("-", "").split(" "), strict=True)),
    **dict(zip(_GREEK, _GREEK_LATIN.split(" "), strict=True)),
    "ł": "l",
    "ø": "o",
    "æ": "e",
    "ß": "ss",
}

_EMPTY = 0.03


def normalise(text: str) -> str:
    """Lower-case English letters, digits and apostrophes; other scripts are transliterated."""
    stripped = "".join(
        c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c)
    )
    latin = "".join(_LATIN.get(c, c) for c in stripped.replace("’", "'"))
    return " ".join(w.strip("'") for w in re.findall(r"[a-z0-9']+", latin) if w.strip("'"))


def recognise(text: str, rng: np.random.Generator, strength: float = 1.0) -> str | None:
    """A transcript of ``text`` with errors, or None when nothing was recognised.

    ``strength`` scales every error rate; 0 gives the normalised text, 1 a word error rate of
    about 0.28 on the commands.
    """
    if rng.random() < _EMPTY * strength:
        return None
    heard: list[str] = []
    for word in normalise(text).split():
        chance = rng.random() / max(strength, 1e-9)
        if chance < 0.12 and word in _SOUNDS_LIKE:
            heard.append(str(rng.choice(_SOUNDS_LIKE[word])))
        elif chance < 0.15:
            heard.append(_misspell(word, rng, 1))
        elif chance < 0.21 and len(word) > 3:
            heard.append(_misspell(word, rng, 2))
        elif chance < 0.26 and len(word) <= 4:
            pass
        else:
            heard.append(word)
        if rng.random() < 0.04 * strength:
            heard.append(str(rng.choice(_SHORT)))
    return " ".join(heard) or None


def _misspell(word: str, rng: np.random.Generator, edits: int) -> str:
    letters = list(word)
    for _ in range(edits):
        at = int(rng.integers(len(letters)))
        near = _NEAR.get(letters[at], "")
        kind = rng.random()
        if near and kind < 0.7:
            letters[at] = near[int(rng.integers(len(near)))]
        elif kind < 0.85 and len(letters) > 2:
            del letters[at]
        else:
            letters.insert(at, letters[at])
    return "".join(letters)


def word_errors(reference: Sequence[str], heard: Sequence[str]) -> int:
    """The least number of words to change, drop or insert to get ``heard`` from ``reference``."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(reference, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1]
