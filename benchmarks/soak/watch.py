"""What a process holds while it runs, and whether it grows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge_sdk.runtimes.probes.memory import resident_bytes

from .result import Held, MemoryTrend

#: Bytes a minute that resident memory may rise by; short runs see what settles once.
GROWTH = 200 << 10
SETTLING = 2 << 20
#: Shares of time that are as good as equal; where all are, no pair is left out.
ALIKE = 0.01
_LOOKS = 40
_PATIENCE = 30.0


def held() -> Held:
    """What this process holds now."""
    threads, handles = (len(list(Path("/proc/self", kind).iterdir())) for kind in ("task", "fd"))
    return Held(threads=threads, handles=handles)


def given_back(before: Held) -> Held:
    """What is held now; what was told to end gets some seconds to do so."""
    deadline = time.monotonic() + _PATIENCE
    while more(before, now := held()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return now


def more(before: Held, after: Held) -> bool:
    """Whether ``after`` holds something that ``before`` did not."""
    return after.threads > before.threads or after.handles > before.handles


class Looks:
    """Resident memory over a run of about ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self._every = max(0.05, seconds / _LOOKS)
        self._begin = time.monotonic()
        self._taken: list[tuple[float, int]] = []

    def look(self) -> None:
        """Look, if it is time to."""
        now = time.monotonic() - self._begin
        if now >= self._every * (len(self._taken) + 1):
            self._taken.append((now, resident_bytes()))

    def trend(self) -> MemoryTrend:
        """As of now."""
        looks = self._taken or [(0.0, resident_bytes())]
        settled = looks[len(looks) // 4 :]
        length = settled[-1][0] - settled[0][0]
        return MemoryTrend(
            first=looks[0][1],
            last=looks[-1][1],
            growth=round(slope([t for t, _ in settled], [b for _, b in settled]) * length),
            allowed=round(max(SETTLING, GROWTH * length / 60)),
        )


def slope(x: Sequence[float], y: Sequence[float], like: Sequence[float] | None = None) -> float:
    """The median of the slopes of all pairs (Theil and Sen), which single outliers do not move.

    With ``like``, shares of something that moves ``y`` as well, of the pairs that are alike in it:
    to a hundredth, or to a twentieth of what lies between its 5th and 95th percentile.
    """
    i, j = np.triu_indices(len(x), 1)
    if like is not None and len(i):
        shares = np.asarray(like, float)
        low, high = np.quantile(shares, (0.05, 0.95))
        near = np.abs(shares[i] - shares[j]) <= max((high - low) / 20, ALIKE)
        i, j = i[near], j[near]
    if not len(i):
        return 0.0
    across, up = np.asarray(x, float), np.asarray(y, float)
    return float(np.median((up[j] - up[i]) / (across[j] - across[i])))
