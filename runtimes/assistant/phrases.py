"""Phrases heard in a stream, but for those the assistant is saying itself."""

from __future__ import annotations

import numpy as np
import soxr

from ..speech import RATE, Speech, WakeWord
from ..speech.protocol import Samples

_BLOCK = RATE // 100


class Spotter:
    """One phrase, and where in its own speech the assistant would hear it.

    What the assistant says passes through a second instance of the detector before it is played:
    where that one hears the phrase, the microphone's does not count for a while.

    Args:
        stream: the detector for the microphone.
        own: another one, for the assistant's own speech.
        exclusion: seconds around such a place.
    """

    def __init__(self, stream: WakeWord, own: WakeWord, exclusion: float) -> None:
        self.phrase = stream.phrase
        self._stream, self._own, self._exclusion = stream, own, exclusion
        self._places: tuple[float, ...] = ()
        self._started: float | None = None

    def speaks(self, speech: Speech) -> None:
        """The assistant is about to say this."""
        samples = soxr.resample(speech.samples, speech.rate, RATE).astype(np.float32)
        pause = np.zeros(RATE // 2, np.float32)
        samples = np.concatenate([pause, samples, pause])
        self._own.reset()
        self._places = tuple(
            (start + _BLOCK) / RATE - len(pause) / RATE
            for start in range(0, len(samples), _BLOCK)
            if self._own.feed(samples[start : start + _BLOCK]) is not None
        )
        self._started = None

    def began(self, time: float) -> None:
        """What :meth:`speaks` was told began to sound at ``time``."""
        self._started = time

    def hear(self, samples: Samples, time: float) -> tuple[float, bool] | None:
        """Take the next samples ``[n]``, whose last one is of ``time``.

        Where the phrase was heard: its score, and whether the assistant said it itself.
        """
        score = self._stream.feed(samples)
        if score is None:
            return None
        own = self._started is not None and any(
            abs(time - (self._started + place)) <= self._exclusion for place in self._places
        )
        return score, own

    def reset(self) -> None:
        """Forget what was heard so far."""
        self._stream.reset()

    def close(self) -> None:
        """Release both detectors."""
        self._stream.close()
        self._own.close()
