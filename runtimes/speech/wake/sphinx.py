"""PocketSphinx's keyphrase spotting: any English phrase of its dictionary."""

from __future__ import annotations

from typing import Any

from edge_sdk.errors import UsageError

from ..packages import require
from ..pcm import pcm16
from ..protocol import RATE, Samples

_INSTALL = "pip install 'edge-sdk[speech]'"


class SphinxPhrase:
    """The wake word ``sphinx`` (PocketSphinx, BSD): any phrase, less sure than a trained network.

    Args:
        phrase: the words.
        threshold: from 1e-50 (hears it everywhere) to 1 (hardly ever); shorter phrases need more.

    Raises:
        DependencyError: the package is missing.
        UsageError: the dictionary lacks a word, or the threshold is out of range.
    """

    def __init__(self, phrase: str, threshold: float = 1e-10) -> None:
        package: Any = require("pocketsphinx", _INSTALL)
        words = phrase.lower().split()
        if not words:
            raise UsageError("A wake phrase needs words.")
        if not 0 < threshold <= 1:
            raise UsageError(f"The threshold of sphinx lies between 0 and 1, not {threshold:g}.")
        self.phrase = " ".join(words)
        self._decoder = package.Decoder(
            samprate=float(RATE),
            loglevel="FATAL",
            lm=None,
            keyphrase=self.phrase,
            kws_threshold=threshold,
        )
        unknown = [word for word in words if self._decoder.lookup_word(word) is None]
        if unknown:
            raise UsageError(f"The dictionary of sphinx lacks {', '.join(unknown)}.")
        self._decoder.start_utt()

    def feed(self, samples: Samples) -> float | None:
        """The score where the phrase was heard: 1, since spotting gives none that compares."""
        pcm = pcm16(samples)
        self._decoder.process_raw(pcm, no_search=False, full_utt=False)
        if self._decoder.hyp() is None:
            return None
        self.reset()
        return 1.0

    def reset(self) -> None:
        """Forget what was heard so far."""
        self._decoder.end_utt()
        self._decoder.start_utt()

    def close(self) -> None:
        """Release the decoder."""
        del self._decoder
