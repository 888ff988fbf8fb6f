"""Counters of a live stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..capture.protocol import AudioCounters, FrameCounters

# Decisions whose ages are kept: 80 s of them at 80 ms.
_KEPT = 1000


@dataclass(frozen=True)
class StreamCounters:
    """What a stream has done since it began.

    Attributes:
        decisions: how many were made.
        late: those on data older than the deadline.
        lost: hops of sound without a decision of their own.
        encoded: pictures that were encoded.
        masked: decisions for which a frame was too old or too far from the sound.
        failures: how often a stage raised.
        moves: how often the governor moved.
        data_age_p50, data_age_p95, latency_p95: seconds, over the last 1000 decisions; None: there
            was none.
        audio: of the microphone.
        camera: of the camera.
    """

    decisions: int = 0
    late: int = 0
    lost: int = 0
    encoded: int = 0
    masked: int = 0
    failures: int = 0
    moves: int = 0
    data_age_p50: float | None = None
    data_age_p95: float | None = None
    latency_p95: float | None = None
    audio: AudioCounters | None = None
    camera: FrameCounters | None = None


class Tally:
    """Counts, in memory taken beforehand."""

    def __init__(self) -> None:
        self.decisions = self.late = self.lost = self.encoded = self.masked = 0
        self.failures = self.moves = 0
        self._ages = np.zeros((_KEPT, 2))

    def decided(self, data_age: float, latency: float, late: bool) -> int:
        """Count a decision; its number."""
        number = self.decisions
        self._ages[number % _KEPT] = data_age, latency
        self.decisions += 1
        self.late += late
        return number

    def counters(self, audio: AudioCounters | None, camera: FrameCounters | None) -> StreamCounters:
        """As of now."""
        kept = self._ages[: min(self.decisions, _KEPT)]
        middle = high = slow = None
        if len(kept):
            middle, high = (float(q) for q in np.quantile(kept[:, 0], (0.5, 0.95)))
            slow = float(np.quantile(kept[:, 1], 0.95))
        return StreamCounters(
            decisions=self.decisions,
            late=self.late,
            lost=self.lost,
            encoded=self.encoded,
            masked=self.masked,
            failures=self.failures,
            moves=self.moves,
            data_age_p50=middle,
            data_age_p95=high,
            latency_p95=slow,
            audio=audio,
            camera=camera,
        )
