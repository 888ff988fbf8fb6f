"""Text in: normalise, then greedy longest-match tokens over the vocabulary of the bundle.

The matching is WordPiece's (a word is cut from the left into the longest known pieces, later
pieces are written ``##piece``). Where no piece fits, one character becomes ``[unk]`` and the
matching goes on behind it, so that one strange letter does not lose the rest of the word.
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .config import TextConfig

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_UNKNOWN = 1
# Only so much of a text can matter: a token covers at least one character.
_LONGEST = 100_000


class TextFrontend:
    """From a string to int64 ``[1, tokens]``."""

    def __init__(self, config: TextConfig) -> None:
        self.config = config
        self._ids = {token: i for i, token in enumerate(config.vocabulary)}
        self._longest = max(len(token.removeprefix("##")) for token in config.vocabulary)

    def __call__(self, text: str) -> NDArray[np.int64]:
        """Token ids of ``text``, at most ``max_tokens`` (the first ones), int64 ``[1, tokens]``.

        Raises:
            InputError: ``text`` is not a string, or holds no letter or digit.
        """
        words = self.normalise(text)
        if not words:
            raise InputError(
                f"The text {text[:40]!r} holds no letter or digit; "
                "leave the text out where nothing was recognised."
            )
        ids: list[int] = []
        for word in words:
            if len(ids) >= self.config.max_tokens:
                break
            ids.extend(self._pieces(word))
        return np.asarray(ids[: self.config.max_tokens], np.int64)[None]

    def normalise(self, text: str) -> list[str]:
        """The words of ``text`` after Unicode NFKC, case folding and accent stripping."""
        if not isinstance(text, str):
            raise InputError(f"Text must be a string, not {type(text).__name__}.")
        text = unicodedata.normalize("NFKC", text[:_LONGEST]).replace(
            "\N{RIGHT SINGLE QUOTATION MARK}", "'"
        )
        if self.config.lowercase:
            text = text.casefold()
        if self.config.strip_accents:
            decomposed = unicodedata.normalize("NFD", text)
            bare = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
            # Put together again what was no accent: Hangul syllables, for one.
            text = unicodedata.normalize("NFC", bare)
        return _WORD.findall(text)

    def _pieces(self, word: str) -> list[int]:
        pieces: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                found = self._ids.get(prefix + word[start:end])
                if found is not None and found > _UNKNOWN:
                    break
            else:
                found, end = _UNKNOWN, start + 1
            pieces.append(found)
            start = end
        return pieces
