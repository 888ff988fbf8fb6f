"""Takes the assistant's own voice out of what the microphone hears."""

from __future__ import annotations

import numpy as np

from ..speech import RATE, EchoCanceller
from ..speech.protocol import Samples
from .speaker import Speaker

# Seconds after its end for which what was played may still be heard: buffers, air, walls.
_TAIL = 0.6
# Seconds of playing in which the canceller finds an echo that comes later than before.
_FINDING = 3.0
# Where this much is gone, in power, what is left is its own voice: nobody else speaks.
_OWN = 10 ** (-20 / 10)
# A frame so far below the usual one, in power, is a pause and says nothing about who speaks.
_PAUSE = 10 ** (-20 / 10)
_FRAME = RATE // 100
# Frames for which it listens on after somebody else was heard.
_HELD = 20


class Echo:
    """An echo canceller that works only while there is an echo: in silence it costs nothing.

    What is left where nobody else speaks becomes the noise of the quiet room: however faint, it is
    speech, and a detector that does not mind loudness might find its phrase in it.

    Args:
        canceller: what does the work.
        speaker: what was played, and when.
    """

    def __init__(self, canceller: EchoCanceller, speaker: Speaker) -> None:
        self._canceller, self._speaker = canceller, speaker
        self._until = float("-inf")
        self._broke: float | None = None
        self._finding = 0.0
        self._open = 0
        self._usual = 0.0
        self._floor = float("inf")
        self._noise = np.random.default_rng(0)

    def clean(self, samples: Samples, start: float) -> Samples:
        """``samples`` ``[n]``, heard from ``start`` on the clock, without what was played."""
        played = self._speaker.played(start, len(samples))
        if self._speaker.broke != self._broke:
            self._broke, self._finding = self._speaker.broke, _FINDING
        elif played is not None:
            # It finds it only by what is played.
            self._finding -= len(samples) / RATE
        if played is not None:
            self._until = start + len(samples) / RATE + _TAIL
        elif start >= self._until:
            return samples
        else:
            played = samples * 0
        return self._gate(samples, self._canceller.cancel(samples, played))

    @property
    def settled(self) -> bool:
        """Whether the canceller knows the way of the sound; after a speaker ran dry it must find it
        again, and lets some of its own voice through."""
        return self._finding <= 0 and self._speaker.broke == self._broke

    def _gate(self, heard: Samples, left: Samples) -> Samples:
        out: Samples = left.copy()
        for start in range(0, len(left), _FRAME):
            frame = slice(start, start + _FRAME)
            before, after = _power(heard[frame]), _power(left[frame])
            self._usual += 0.01 * (before - self._usual)
            # The quietest frame of late; it forgets within some seconds.
            self._floor = min(self._floor * 1.005, after)
            if after > _OWN * before and before > _PAUSE * self._usual:
                self._open = _HELD
            elif self._open:
                self._open -= 1
            else:
                size = len(left[frame])
                out[frame] = self._noise.normal(0, np.sqrt(self._floor), size)
        return out

    def close(self) -> None:
        """Release the canceller."""
        self._canceller.close()


def _power(samples: Samples) -> float:
    return float(np.dot(samples, samples)) / max(1, len(samples))
