"""What a figure is: a measurement that is held against a limit. Smaller is always better."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from .spread import spread

if TYPE_CHECKING:
    from .bench import Bench

Verdict = Literal["goal met", "within the limit", "missed"]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity of a figure, measured ``len(values)`` times; the median is what counts.

    Attributes:
        what: the quantity, in words.
        unit: ``x`` for a ratio.
        values: the measurements, at least one.
        limit: the median may not be larger.
        goal: what the project strives for beyond the limit.
        detail: what the numbers rest on.
    """

    what: str
    unit: str
    values: tuple[float, ...]
    limit: float
    goal: float | None = None
    detail: str = ""

    @property
    def verdict(self) -> Verdict:
        """How the median stands to limit and goal."""
        middle = spread(self.values).median
        if not middle <= self.limit:
            return "missed"
        return "goal met" if self.goal is not None and middle <= self.goal else "within the limit"

    @property
    def close(self) -> bool:
        """Whether the limit lies inside the noise band: another run may say otherwise."""
        band = spread(self.values)
        return band.low <= self.limit < band.high


class Figure(NamedTuple):
    """A figure under the name that ``--only`` takes."""

    name: str
    what: str
    measure: Callable[[Bench], Iterable[Reading]]
