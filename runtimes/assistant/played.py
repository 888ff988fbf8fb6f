"""What a speaker has played lately, as whoever takes it out of the microphone needs it."""

from __future__ import annotations

from collections import deque

import msgspec
import numpy as np
import soxr

from ..speech import RATE, Speech
from ..speech.protocol import Samples

# Seconds for which what was played is kept.
_KEPT = 5.0


class _Piece(msgspec.Struct):
    """Samples at 16 kHz and when the first of them left."""

    began: float
    samples: Samples

    @property
    def end(self) -> float:
        return self.began + len(self.samples) / RATE


class Played:
    """Pieces of sound on a clock."""

    def __init__(self) -> None:
        self._pieces: deque[_Piece] = deque()

    def begin(self, time: float, speech: Speech, gain: float) -> None:
        """``speech`` began to leave the speaker at ``time``, times ``gain``."""
        samples = speech.samples
        if speech.rate != RATE:
            samples = soxr.resample(samples, speech.rate, RATE)
        self.cut(time)
        self._pieces.append(_Piece(time, (samples * np.float32(gain)).astype(np.float32)))

    def cut(self, time: float) -> None:
        """Nothing of it left the speaker after ``time``."""
        if self._pieces and self._pieces[-1].end > time:
            last = self._pieces[-1]
            last.samples = last.samples[: max(0, round((time - last.began) * RATE))]

    def hole(self, time: float, seconds: float) -> None:
        """What was to leave from ``time`` on left ``seconds`` later: the speaker had run dry."""
        if not self._pieces or self._pieces[-1].end <= time:
            return
        last = self._pieces[-1]
        at = max(0, round((time - last.began) * RATE))
        rest = _Piece(last.began + at / RATE + seconds, last.samples[at:])
        last.samples = last.samples[:at]
        self._pieces.append(rest)

    def between(self, start: float, count: int) -> Samples | None:
        """What left from ``start`` on, float32 ``[count]`` at 16 kHz; None: nothing did."""
        while self._pieces and self._pieces[0].end < start - _KEPT:
            self._pieces.popleft()
        out: Samples | None = None
        for piece in self._pieces:
            at = round((start - piece.began) * RATE)
            first, last = max(0, at), min(len(piece.samples), at + count)
            if first < last:
                out = np.zeros(count, np.float32) if out is None else out
                out[first - at : last - at] = piece.samples[first:last]
        return out
