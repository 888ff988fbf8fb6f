"""Timers that ring, and that a restart does not lose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from edge_sdk.errors import storage_errors
from edge_sdk.files import replacing


class Timer(msgspec.Struct, frozen=True):
    """A timer: what it is called, and when it is due in seconds since the epoch."""

    name: str
    due: float


class Timers:
    """The timers that run.

    Args:
        wall: the time of day in seconds since the epoch; a due time must outlive the process.
        path: where they are kept; None: nowhere. What cannot be read there counts as none.

    Raises:
        StorageError: they cannot be kept.
    """

    def __init__(self, wall: Callable[[], float], path: Path | None = None) -> None:
        self._wall, self._path = wall, path
        self._timers: list[Timer] = _read(path) if path is not None else []

    def __iter__(self) -> Iterator[Timer]:
        return iter(tuple(self._timers))

    def __len__(self) -> int:
        return len(self._timers)

    def set(self, name: str, seconds: float) -> Timer:
        """Start a timer."""
        timer = Timer(name, self._wall() + seconds)
        self._timers = sorted([*self._timers, timer], key=lambda t: t.due)
        self._keep()
        return timer

    def clear(self) -> int:
        """Drop all; how many there were."""
        count, self._timers = len(self._timers), []
        self._keep()
        return count

    def due(self) -> tuple[Timer, ...]:
        """Those that are over, removed."""
        if not self._timers or self._timers[0].due > self._wall():
            return ()
        now = self._wall()
        over = tuple(timer for timer in self._timers if timer.due <= now)
        self._timers = [timer for timer in self._timers if timer.due > now]
        self._keep()
        return over

    def _keep(self) -> None:
        if self._path is None:
            return
        with storage_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self._path) as aside:
            aside.write_bytes(msgspec.json.encode(self._timers))


def _read(path: Path) -> list[Timer]:
    try:
        return sorted(msgspec.json.decode(path.read_bytes(), type=list[Timer]), key=lambda t: t.due)
    except (OSError, msgspec.DecodeError):
        return []
