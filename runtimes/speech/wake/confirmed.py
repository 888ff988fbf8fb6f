"""A wake word of two detectors: one listens always, one is asked where that one is not sure."""

from __future__ import annotations

from collections import deque

import numpy as np

from ..protocol import RATE, GradedWakeWord, Samples, WakeWord

# Seconds that the second detector is given from before it is asked.
_BEFORE = 2.1
# Seconds for which it goes on listening after the first one's score has fallen.
_AFTER = 0.4
# Seconds between two times that the phrase is said.
_APART = 1.0


class Confirmed:
    """The first detector's phrase, where that is sure of it or the second one agrees.

    The two are wrong about different sounds, so together they may both be less strict: noise costs
    fewer calls, and hardly any other sound passes both. The second one costs nothing until the
    first one's score reaches ``candidate``.

    Args:
        first: listens always; what it hears needs nobody's agreement.
        second: is reset and given the last two seconds when it is asked.
        candidate: the score of the first one from which the second is asked.
    """

    def __init__(self, first: GradedWakeWord, second: WakeWord, candidate: float) -> None:
        self.phrase = first.phrase
        self._first, self._second, self._candidate = first, second, candidate
        self._ring: deque[Samples] = deque()
        self._asking = self._apart = 0
        self._best = 0.0

    def feed(self, samples: Samples) -> float | None:
        """The first detector's score where the phrase was heard; once each time it is said."""
        self._remember(samples)
        heard = self._first.feed(samples)
        self._apart -= len(samples)
        if heard is None:
            heard = self._confirmed(samples)
        if heard is None or self._apart > 0:
            return None
        self._apart, self._asking = round(_APART * RATE), 0
        # What was heard is not to be found again in what the second detector is asked about.
        self._ring.clear()
        return heard

    def reset(self) -> None:
        """Forget what was heard so far."""
        self._first.reset()
        self._ring.clear()
        self._asking = self._apart = 0

    def close(self) -> None:
        """Release both detectors."""
        self._first.close()
        self._second.close()

    def _confirmed(self, samples: Samples) -> float | None:
        if self._apart > 0:
            return None
        asked = self._asking > 0
        if self._first.level >= self._candidate:
            self._asking = round(_AFTER * RATE)
        elif asked:
            self._asking -= len(samples)
        else:
            return None
        if not asked:
            self._second.reset()
            self._best = 0.0
            samples = np.concatenate(self._ring)
        self._best = max(self._best, self._first.level)
        return None if self._second.feed(samples) is None else self._best

    def _remember(self, samples: Samples) -> None:
        self._ring.append(samples)
        while sum(map(len, self._ring)) - len(self._ring[0]) >= _BEFORE * RATE:
            self._ring.popleft()
