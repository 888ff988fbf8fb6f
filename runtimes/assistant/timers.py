"""Timers that ring, and that a restart does not lose."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from edge_sdk.errors import StorageError, storage_errors
from edge_sdk.files import replacing

from .durations import spoken_duration

# Seconds after which a timer that is over, and did not get to ring, is due again.
_AGAIN = 15.0
# Seconds after which a timer that could not ring in time says so.
_LATE = 60.0
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Timer(msgspec.Struct, frozen=True):
    """A timer: what it is called, and when it is due in seconds since the epoch.

    ``boot`` and ``uptime``: the same on the clock of that boot of the machine, which nobody sets.
    """

    name: str
    due: float
    boot: str = ""
    uptime: float | None = None


def uptime() -> float:
    """Seconds since the machine was booted, those asleep too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Timers:
    """The timers that run.

    One that is over stays until :meth:`rang`: a process that is killed before has it rung by the
    next one.

    Args:
        wall: the time of day in seconds since the epoch; it outlives a boot, and may be set: a
            board without a clock gets it from the network, and then it jumps.
        path: where they are kept; None: nowhere. What cannot be read there counts as none.
        uptime: the seconds that timers of this boot go by; None: ``wall``.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        path: Path | None = None,
        uptime: Callable[[], float] | None = None,
    ) -> None:
        self._wall, self._path = wall, path
        self._uptime = uptime or wall
        self._boot = _boot() if uptime is not None else ""
        self._timers: list[Timer] = _read(path) if path is not None else []
        self._quiet: dict[Timer, float] = {}
        self._problem: str | None = None

    def __iter__(self) -> Iterator[Timer]:
        return iter(tuple(self._timers))

    def __len__(self) -> int:
        return len(self._timers)

    def set(self, name: str, seconds: float) -> Timer:
        """Start a timer."""
        timer = Timer(name, self._wall() + seconds, self._boot, self._uptime() + seconds)
        self._timers = sorted([*self._timers, timer], key=self.left)
        self._keep()
        return timer

    def clear(self) -> int:
        """Drop all; how many there were."""
        count, self._timers = len(self._timers), []
        self._keep()
        return count

    def left(self, timer: Timer) -> float:
        """Seconds until a timer is due; below 0: for how long it has been."""
        if timer.uptime is not None and timer.boot == self._boot:
            return timer.uptime - self._uptime()
        return timer.due - self._wall()

    def due(self) -> tuple[Timer, ...]:
        """Those that are over and are to ring now; again later, unless they :meth:`rang`."""
        over = tuple(timer for timer in self._timers if self.left(timer) <= 0)
        if not over:
            return ()
        now = self._uptime()
        over = tuple(timer for timer in over if self._quiet.get(timer, now) <= now)
        self._quiet |= dict.fromkeys(over, now + _AGAIN)
        return over

    def rang(self, timers: Iterable[Timer]) -> None:
        """These have rung: they are done."""
        done = set(timers)
        if not done:
            return
        self._timers = [timer for timer in self._timers if timer not in done]
        self._quiet = {t: when for t, when in self._quiet.items() if t in self._timers}
        self._keep()

    def words(self, over: Sequence[Timer]) -> str:
        """What to say of timers that are over; some were so while the device was off."""
        late = {timer: -self.left(timer) for timer in over}
        now = " and ".join(timer.name for timer in over if late[timer] < _LATE)
        said = [f"Your timer for {now} is over."] if now else []
        said += [
            f"Your timer for {timer.name} was over {spoken_duration(60 * (seconds // 60))} ago."
            for timer, seconds in late.items()
            if seconds >= _LATE
        ]
        return " ".join(said)

    def problem(self) -> str | None:
        """Why they could not be kept, told once: they run on, but a restart would lose them."""
        told, self._problem = self._problem, None
        return told

    def _keep(self) -> None:
        if self._path is None:
            return
        try:
            with storage_errors(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as aside:
                aside.write_bytes(msgspec.json.encode(self._timers))
        except StorageError as error:
            self._problem = f"Timers would not outlive a restart: {error}"


def _read(path: Path) -> list[Timer]:
    try:
        return sorted(msgspec.json.decode(path.read_bytes(), type=list[Timer]), key=lambda t: t.due)
    except (OSError, msgspec.DecodeError):
        return []


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        # What an earlier process kept goes by the time of day then.
        return f"process of {time.time_ns()}"
