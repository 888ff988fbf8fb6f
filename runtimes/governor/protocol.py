"""What a governor is: it is shown how a device does, and says at what level to go on."""

from __future__ import annotations

from typing import Protocol

import msgspec

from .policy import Level


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """How the device did since the last look; None is "not known".

    Attributes:
        time: seconds on the stream's clock.
        deadline: seconds that data may be old at a decision.
        decisions: how many were made.
        misses: share of them that came after the deadline, 0 to 1.
        data_age: 95th percentile of the age of their data, seconds.
        load: share of all cores that is busy, with other programs' work, 0 to 1.
        available: memory that programs may still take, bytes.
        temperature: of the hottest zone, degrees Celsius.
        throttled: whether the device is slowed down.
        reasons: the sensors that say so.
    """

    time: float
    deadline: float | None = None
    decisions: int = 0
    misses: float | None = None
    data_age: float | None = None
    load: float | None = None
    available: int | None = None
    temperature: float | None = None
    throttled: bool | None = None
    reasons: tuple[str, ...] = ()


class Move(msgspec.Struct, frozen=True):
    """Go on at ``level``, for ``reason``."""

    level: Level
    reason: str


class Governor(Protocol):
    """Decides on levels. :class:`~.ladder.LadderGovernor` does it by a policy; write your own."""

    #: Seconds between two looks.
    period: float

    @property
    def level(self) -> Level:
        """The level that holds now."""
        ...

    @property
    def levels(self) -> tuple[Level, ...]:
        """All levels that it may choose: their rungs are loaded before the stream begins."""
        ...

    def look(self, seen: Seen) -> Move | None:
        """What to change; None: nothing. Called every ``period`` seconds on the stream's thread."""
        ...
