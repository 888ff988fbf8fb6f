"""Takes the assistant's own voice out of what the microphone hears."""

from __future__ import annotations

from ..speech import RATE, EchoCanceller
from ..speech.protocol import Samples
from .speaker import Speaker

# Seconds after its end for which what was played may still be heard: buffers, air, walls.
_TAIL = 0.6


class Echo:
    """An echo canceller that works only while there is an echo: in silence it costs nothing.

    Args:
        canceller: what does the work.
        speaker: what was played, and when.
    """

    def __init__(self, canceller: EchoCanceller, speaker: Speaker) -> None:
        self._canceller, self._speaker = canceller, speaker
        self._until = float("-inf")

    def clean(self, samples: Samples, start: float) -> Samples:
        """``samples`` ``[n]``, heard from ``start`` on the clock, without what was played."""
        played = self._speaker.played(start, len(samples))
        if played is not None:
            self._until = start + len(samples) / RATE + _TAIL
        elif start >= self._until:
            return samples
        else:
            played = samples * 0
        return self._canceller.cancel(samples, played)

    def close(self) -> None:
        """Release the canceller."""
        self._canceller.close()
