"""PocketSphinx: light, with a grammar of commands or its general language model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge_sdk.errors import InputError, UsageError

from ..packages import require
from ..protocol import RATE, Samples, Transcript

_INSTALL = "pip install 'edge-sdk[assistant]'"


class PocketSphinxRecogniser:
    """The recogniser ``pocketsphinx`` (BSD; the US English models are in the package).

    Args:
        phrases: whole sentences to tell apart; they make the grammar.
        grammar: a JSGF grammar file instead. Without either, the general language model.

    Raises:
        DependencyError: the package is missing.
        InputError: the grammar cannot be read, or has a word that the dictionary lacks.
        UsageError: both ``phrases`` and ``grammar`` are given.
    """

    def __init__(self, phrases: Sequence[str] = (), grammar: str | None = None) -> None:
        package: Any = require("pocketsphinx", _INSTALL)
        if phrases and grammar:
            raise UsageError("pocketsphinx takes phrases or a grammar, not both.")
        # As large as a whole utterance's frames; without a log on standard error.
        self._decoder = package.Decoder(samprate=float(RATE), loglevel="FATAL")
        if not (phrases or grammar):
            return
        text = _grammar_of(phrases) if phrases else _read(Path(str(grammar)))
        unknown = [word for word in _words(phrases) if self._decoder.lookup_word(word) is None]
        if unknown:
            raise InputError(
                f"The dictionary of pocketsphinx lacks {', '.join(sorted(set(unknown)))}; "
                "say it in other words."
            )
        try:
            self._decoder.add_jsgf_string("commands", text)
            self._decoder.activate_search("commands")
        except (RuntimeError, KeyError, ValueError) as error:
            raise InputError(f"The grammar cannot be used: {error}.") from error

    def transcribe(self, samples: Samples) -> Transcript:
        """The words of one utterance."""
        pcm = (np.clip(samples, -1.0, 32767 / 32768) * 32768).astype(np.int16).tobytes()
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, no_search=False, full_utt=True)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        if best is None:
            return Transcript("", 0.0)
        # The posterior of a grammar's path is 1 nearly always; it says little.
        return Transcript(best.hypstr.lower())

    def close(self) -> None:
        """Release the decoder."""
        del self._decoder


def _words(phrases: Sequence[str]) -> list[str]:
    return [word for phrase in phrases for word in phrase.lower().split()]


def _grammar_of(phrases: Sequence[str]) -> str:
    choices = " | ".join(" ".join(phrase.lower().split()) for phrase in phrases)
    return f"#JSGF V1.0;\ngrammar commands;\npublic <command> = {choices};\n"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The grammar {path} cannot be read: {error}.") from error
