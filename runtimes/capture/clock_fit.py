"""A device's own clock against the machine's, from the times at which its samples came.

The times are never early and often late, so of each stretch of time the earliest counts; through
these goes a line by the estimator of Theil (1950) and Sen (1968): the median of the slopes of all
pairs, which a quarter of wild points cannot move.
"""

from __future__ import annotations

import numpy as np

# Stretches begin at one second and double until 64 of them span 8.5 minutes: long enough for a
# drift to within a part in a million at a millisecond of jitter, short enough to follow a device
# that warms up.
_POINTS = 64
_SHORTEST = 1.0
_LONGEST = 8.0
#: So many stretches tell a drift from jitter.
_ENOUGH = 8


class ClockFit:
    """The line ``time of a sample = f(its position)``, kept up to date as samples come."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self.restart()

    def restart(self) -> None:
        """Forget everything: another device, or the same one opened again."""
        self._origin: tuple[int, float] | None = None
        self._stretch = _SHORTEST
        self._points: list[tuple[float, float]] = []
        self._opened = 0.0
        self._best: tuple[float, float] | None = None
        self._offset = 0.0
        self._slope = 0.0

    def add(self, position: int, time: float) -> None:
        """The sample at ``position`` was captured at ``time``, or somewhat earlier."""
        if self._origin is None:
            self._origin = (position, time)
        x, late = self._late(position, time)
        if not self._points:
            self._offset = late if self._best is None else min(self._offset, late)
        if self._best is None:
            self._opened = x
        if self._best is None or self._above(x, late) < self._above(*self._best):
            self._best = (x, late)
        if x - self._opened >= self._stretch:
            self._points.append(self._best)
            self._best = None
            self._refit()

    def time_of(self, position: float) -> float:
        """When the sample at ``position`` was captured; needs one :meth:`add` before."""
        assert self._origin is not None
        x = (position - self._origin[0]) / self._rate
        return self._origin[1] + x + self._offset + self._slope * x

    @property
    def started(self) -> bool:
        return self._origin is not None

    @property
    def drift_ppm(self) -> float | None:
        """How much faster than its nominal rate the device runs; None: not known yet."""
        if len(self._points) < _ENOUGH:
            return None
        return (1.0 / (1.0 + self._slope) - 1.0) * 1e6

    def _late(self, position: int, time: float) -> tuple[float, float]:
        """Seconds since the origin by the device's nominal rate, and how late the time is then."""
        assert self._origin is not None
        x = (position - self._origin[0]) / self._rate
        return x, time - self._origin[1] - x

    def _above(self, x: float, late: float) -> float:
        return late - self._offset - self._slope * x

    def _refit(self) -> None:
        if len(self._points) > _POINTS:
            if self._stretch < _LONGEST:
                pairs = zip(self._points[0:-1:2], self._points[1::2], strict=True)
                odd = self._points[len(self._points) - len(self._points) % 2 :]
                self._points = [min(pair, key=lambda p: self._above(*p)) for pair in pairs] + odd
                self._stretch *= 2
            else:
                del self._points[0]
        x, late = np.array(self._points).T
        if len(self._points) < _ENOUGH:
            self._offset = float(late.min())
            return
        i, j = np.triu_indices(len(x), 1)
        self._slope = float(np.median((late[j] - late[i]) / (x[j] - x[i])))
        self._offset = float(np.median(late - self._slope * x))
