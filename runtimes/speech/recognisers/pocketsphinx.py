"""PocketSphinx: light, with sentences like those to expect, a grammar, or its general model."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_sdk.errors import InputError, UsageError

from ..packages import require
from ..pcm import pcm16
from ..protocol import RATE, Samples, Transcript
from .bigrams import arpa

_INSTALL = "pip install 'edge-sdk[speech]'"


class PocketSphinxRecogniser:
    """The recogniser ``pocketsphinx`` (BSD; the US English models are in the package).

    Args:
        sentences: a text file, one sentence a line, such as people will say. Its word pairs make
            the language model: other sentences of these words are recognised as well.
        phrases: whole sentences to tell apart; nothing else is recognised.
        grammar: a JSGF grammar file. Without any of these, the general language model, which
            takes four times as long.
        weight: what the language model counts against the sound (PocketSphinx's ``lw``): in noise
            more of it helps, where people keep to the words of ``sentences``.

    Raises:
        DependencyError: the package is missing.
        InputError: the file cannot be read, or has a word that the dictionary lacks.
        UsageError: more than one of them is given, or the weight is not above 0.
    """

    def __init__(
        self,
        phrases: Sequence[str] = (),
        grammar: str | None = None,
        sentences: str | None = None,
        weight: float = 6.5,
    ) -> None:
        package: Any = require("pocketsphinx", _INSTALL)
        if sum(map(bool, (phrases, grammar, sentences))) > 1:
            raise UsageError("pocketsphinx takes one of sentences, phrases and a grammar.")
        if not weight > 0:
            raise UsageError(f"The weight of pocketsphinx is above 0, not {weight:g}.")
        lines = _read(Path(sentences)).splitlines() if sentences else []
        with tempfile.NamedTemporaryFile("w", suffix=".lm", encoding="utf-8") as model:
            own: dict[str, Any] = {"lw": float(weight)}
            if sentences:
                model.write(_model_of(lines, sentences))
                model.flush()
                own["lm"] = model.name
            # Without a log on standard error.
            self._decoder = package.Decoder(samprate=float(RATE), loglevel="FATAL", **own)
        self._refuse_unknown([*phrases, *lines])
        if not (phrases or grammar):
            return
        text = _grammar_of(phrases) if phrases else _read(Path(str(grammar)))
        try:
            self._decoder.add_jsgf_string("commands", text)
            self._decoder.activate_search("commands")
        except (RuntimeError, KeyError, ValueError) as error:
            raise InputError(f"The grammar cannot be used: {error}.") from error

    def _refuse_unknown(self, sentences: Sequence[str]) -> None:
        unknown = {word for word in _words(sentences) if self._decoder.lookup_word(word) is None}
        if unknown:
            raise InputError(
                f"The dictionary of pocketsphinx lacks {', '.join(sorted(unknown))}; "
                "say it in other words."
            )

    def transcribe(self, samples: Samples) -> Transcript:
        """The words of one utterance."""
        pcm = pcm16(samples)
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


def _model_of(lines: Sequence[str], source: str) -> str:
    try:
        return arpa(lines)
    except ValueError as error:
        raise InputError(f"{source} has {error}.") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
