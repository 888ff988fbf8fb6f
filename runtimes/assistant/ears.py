"""What the loop listens with: phrases always, utterances when somebody is to speak."""

from __future__ import annotations

from collections import deque

import msgspec
import numpy as np

from ..speech import RATE, Speech, VoiceDetector
from ..speech.protocol import Samples
from ..speech.segmenter import Segmenter, SegmenterOptions, Silence, Utterance
from .phrases import Spotter

# Seconds for which the wake word may still sound after it was noticed.
_WAKE_TAIL = 0.2


class Spotted(msgspec.Struct, frozen=True):
    """A phrase was heard; ``own``: the assistant said it itself; ``stop``: it cuts an answer."""

    phrase: str
    score: float
    own: bool
    stop: bool


class Timed(msgspec.Struct, frozen=True):
    """An utterance with the times, on the clock, of the end of its speech and of its end."""

    utterance: Utterance
    speech_end: float
    end: float


class Ears:
    """Spotters and a segmenter on one stream of samples.

    Args:
        wake: the wake word; None: there is none.
        stop: what cuts the assistant short; it is listened for only while it speaks.
        detector: the voice detector.
        options: when an utterance begins and ends.
        overlap: seconds before now that belong to an utterance that is listened for.
    """

    def __init__(
        self,
        wake: Spotter | None,
        stop: Spotter | None,
        detector: VoiceDetector,
        options: SegmenterOptions,
        overlap: float,
    ) -> None:
        self._wake, self._stop = wake, stop
        self._detector, self._options = detector, options
        self._segmenter = Segmenter(detector, options)
        self._overlap = round(overlap * RATE)
        self._before: deque[Samples] = deque()
        self._origin: float | None = None
        self._deaf_until = self._wake_end = float("-inf")

    @property
    def phrase(self) -> str | None:
        """The wake word; None: there is none."""
        return None if self._wake is None else self._wake.phrase

    @property
    def speaking(self) -> bool:
        """Whether an utterance has begun."""
        return self._segmenter.speaking

    def spot(self, samples: Samples, end: float, *, speaking: bool) -> Spotted | None:
        """Look for phrases in the next samples ``[n]``, whose last one is of time ``end``."""
        self._remember(samples)
        found = None
        for spotter in (self._stop if speaking else None, self._wake):
            heard = None if spotter is None else spotter.hear(samples, end)
            if spotter is not None and heard is not None and found is None:
                found = Spotted(spotter.phrase, *heard, stop=spotter is self._stop)
        return found

    def listen(
        self,
        *,
        woken: float | None = None,
        patience: float | None = None,
        deaf_until: float | None = None,
    ) -> None:
        """Begin to wait for an utterance.

        Args:
            woken: when the wake word was noticed; what ends there is no utterance.
            patience: seconds without speech after which there is none; by default the options'.
            deaf_until: the time before which nothing counts: the assistant's own voice. Without
                it the utterance may have begun ``overlap`` seconds ago.
        """
        options = self._options
        if patience is not None:
            options = msgspec.structs.replace(options, patience=patience)
        self._segmenter = Segmenter(self._detector, options)
        self._origin = None
        self._deaf_until = float("-inf") if deaf_until is None else deaf_until
        self._wake_end = float("-inf") if woken is None else woken + _WAKE_TAIL
        if deaf_until is not None:
            self._before.clear()

    def hear(self, samples: Samples, end: float) -> Timed | Silence | None:
        """Take the next samples of an utterance that is waited for."""
        start = end - len(samples) / RATE
        if start < self._deaf_until:
            return None
        if self._origin is None:
            # What was heard just before the wake word was noticed comes first.
            earlier = np.concatenate([np.zeros(0, np.float32), *self._before])[-self._overlap :]
            earlier = earlier if self._overlap else earlier[:0]
            samples = np.concatenate([earlier, samples])
            self._origin = start - len(earlier) / RATE
            self._before.clear()
        found = self._timed(self._segmenter.feed(samples))
        if isinstance(found, Timed) and found.speech_end <= self._wake_end:
            # Nothing but the end of the wake word: go on waiting.
            return None
        return found

    def paused(self) -> Samples | None:
        """What was said ``[n]``, once it may be over; None while it is not, or was told."""
        said = self._segmenter.paused()
        ended = (self._origin or 0.0) + self._segmenter.speech_end / RATE
        return said if ended > self._wake_end else None

    def flush(self) -> Timed | None:
        """The utterance that had begun when the stream ended."""
        found = self._timed(self._segmenter.flush())
        return found if isinstance(found, Timed) and found.speech_end > self._wake_end else None

    def speaks(self, speech: Speech) -> None:
        """The assistant is about to say this."""
        for spotter in self._all():
            spotter.speaks(speech)
        if self._stop is not None:
            self._stop.reset()

    def began(self, time: float) -> None:
        """What it says began to sound."""
        for spotter in self._all():
            spotter.began(time)

    def reset(self) -> None:
        """The stream has a hole: forget what was heard."""
        for spotter in self._all():
            spotter.reset()
        self._before.clear()

    def close(self) -> None:
        """Release the detectors."""
        for spotter in self._all():
            spotter.close()

    def _all(self) -> tuple[Spotter, ...]:
        return tuple(spotter for spotter in (self._wake, self._stop) if spotter is not None)

    def _remember(self, samples: Samples) -> None:
        self._before.append(samples)
        while sum(map(len, self._before)) - len(self._before[0]) >= self._overlap:
            self._before.popleft()

    def _timed(self, found: Utterance | Silence | None) -> Timed | Silence | None:
        if not isinstance(found, Utterance):
            return found
        origin = self._origin or 0.0
        return Timed(found, origin + found.speech_end / RATE, origin + found.end / RATE)
