"""A governor that goes down a policy's levels under pressure, and back up with hysteresis."""

from __future__ import annotations

from collections.abc import Iterator

from .policy import Level, Policy, check_policy
from .protocol import Move, Seen

_MB = 1 << 20


class LadderGovernor:
    """One level at a time; each move says why.

    Down after ``down.seconds`` of any pressure; up after ``up.seconds`` of room in everything.
    Between the two thresholds it stays. What was seen before a move does not count after it.
    Where decisions are still late after a move down, the next one comes with the next look: that
    they are late is known at once, while heat and memory take their time.

    Args:
        policy: with at least one level.

    Raises:
        UsageError: the policy contradicts itself.
    """

    def __init__(self, policy: Policy) -> None:
        check_policy(policy)
        self._policy = policy
        self.period = policy.period
        self.levels = policy.levels
        self._at = 0
        self._wait = policy.up.seconds
        self._climbed: float | None = None
        self._pressed_since: float | None = None
        self._free_since: float | None = None
        self._falling = False

    @property
    def level(self) -> Level:
        """The level that holds now."""
        return self.levels[self._at]

    def look(self, seen: Seen) -> Move | None:
        late = list(self._lateness(seen))
        pressure = [*late, *self._pressures(seen)]
        self._falling = self._falling and bool(late)
        free = not pressure and self._room(seen)
        now = seen.time
        self._pressed_since = _since(self._pressed_since, bool(pressure), now)
        self._free_since = _since(self._free_since, free, now)
        up = self._policy.up
        if self._climbed is not None and now - self._climbed > up.probation:
            # The climb held.
            self._climbed, self._wait = None, up.seconds
        if self._pressed_since is not None and self._at + 1 < len(self.levels):
            if now - self._pressed_since < self._policy.down.seconds and not self._falling:
                return None
            if self._climbed is not None:
                self._wait = min(2 * self._wait, up.longest)
            self._climbed = None
            self._falling = True
            return self._go(1, "; ".join(pressure))
        if self._free_since is not None and self._at > 0:
            if now - self._free_since < self._wait:
                return None
            self._climbed = now
            return self._go(-1, f"there was room for {now - self._free_since:.0f} s")
        return None

    def _go(self, step: int, reason: str) -> Move:
        self._at += step
        self._pressed_since = self._free_since = None
        return Move(self.level, reason)

    def _lateness(self, seen: Seen) -> Iterator[str]:
        """Each pressure of time, in words."""
        down = self._policy.down
        if _above(seen.misses, down.misses):
            yield f"{seen.misses:.0%} of decisions came after the deadline"
        if seen.deadline and _above(_share(seen.data_age, seen.deadline), down.age):
            yield f"data are {seen.data_age:.3f} s old, of {seen.deadline:g} s allowed"

    def _pressures(self, seen: Seen) -> Iterator[str]:
        """Each pressure of the machine, in words."""
        down = self._policy.down
        if _above(seen.load, down.load):
            yield f"the machine is {seen.load:.0%} busy"
        if _above(seen.temperature, down.temperature):
            yield f"it is {seen.temperature:.0f} C hot"
        if down.throttled and seen.throttled:
            yield f"the device is slowed down ({', '.join(seen.reasons) or 'throttled'})"
        if down.available_mb is not None and seen.available is not None:
            left = seen.available / _MB
            if left < down.available_mb:
                yield f"{left:.0f} MB of memory are left"

    def _room(self, seen: Seen) -> bool:
        up = self._policy.up
        tight = (
            _above(seen.misses, up.misses),
            bool(seen.deadline) and _above(_share(seen.data_age, seen.deadline or 1.0), up.age),
            _above(seen.load, up.load),
            _above(seen.temperature, up.temperature),
            bool(up.throttled and seen.throttled),
            _above(up.available_mb, None if seen.available is None else seen.available / _MB),
        )
        return not any(tight)


def _since(before: float | None, holds: bool, now: float) -> float | None:
    if not holds:
        return None
    return now if before is None else before


def _above(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and value > limit


def _share(age: float | None, deadline: float) -> float | None:
    return None if age is None else age / deadline
