"""How long to wait before a device is tried again."""

from __future__ import annotations


class Backoff:
    """Waits that double from ``first`` to ``most`` seconds."""

    def __init__(self, first: float = 0.5, most: float = 10.0) -> None:
        self._first = first
        self._most = most
        self.attempt = 0

    def next(self) -> float:
        """Seconds to wait before the next attempt, which is counted."""
        self.attempt += 1
        return min(self._most, self._first * 2.0 ** (self.attempt - 1))

    def reset(self) -> None:
        """It worked: begin anew."""
        self.attempt = 0
