"""The order of the engines in a bundle, by measured time."""

from __future__ import annotations

from collections.abc import Iterable

from .edition import Edition
from .selection import Selected


def by_time(selected: Iterable[Selected]) -> tuple[list[Selected], list[str]]:
    """What was selected for each engine, the fastest first, and sentences on what changed places.

    By the first edition of each. Engines that cannot be told apart stay in the target's order; one
    that was not measured stays where it is.
    """
    given = list(selected)
    places = [i for i, found in enumerate(given) if found.editions[0].time is not None]
    order: list[Selected] = []
    notes: list[str] = []
    for place in places:
        mine, at = given[place], len(order)
        while at and _faster(mine.editions[0], order[at - 1].editions[0]):
            at -= 1
            notes.append(_sentence(mine.editions[0], order[at].editions[0]))
        order.insert(at, mine)
    result = list(given)
    for place, found in zip(places, order, strict=True):
        result[place] = found
    return result, notes


def _faster(one: Edition, other: Edition) -> bool:
    mine, its = one.time, other.time
    assert mine is not None
    assert its is not None
    return bool(its.milliseconds - mine.milliseconds > (mine.noise**2 + its.noise**2) ** 0.5)


def _sentence(one: Edition, other: Edition) -> str:
    assert one.time is not None
    assert other.time is not None
    return (
        f"{one.engine} goes before {other.engine}: {one.time.milliseconds:.3g} ms against "
        f"{other.time.milliseconds:.3g} ms, measured here."
    )
