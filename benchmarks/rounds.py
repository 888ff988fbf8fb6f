"""Two things measured in turns, so that a change of the machine's speed meets both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Given = TypeVar("Given")
T = TypeVar("T")


def interleave(
    first: Callable[[Given], T], second: Callable[[Given], T], inputs: Iterable[Given]
) -> list[tuple[T, T]]:
    """What ``first`` and ``second`` measure on each input; they take turns in going first."""
    pairs: list[tuple[T, T]] = []
    for number, given in enumerate(inputs):
        if number % 2:
            right = second(given)
            left = first(given)
        else:
            left = first(given)
            right = second(given)
        pairs.append((left, right))
    return pairs
