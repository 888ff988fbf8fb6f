"""The time of every candidate's parts, all in turns, each in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from ..compare.intervals import Ratio, ratio_of_pairs
from .running import Running

#: By part, milliseconds of CPU.
Times = dict[str, float]


def take_turns(running: Mapping[str, Running], rounds: int) -> dict[str, list[Times]]:
    """``rounds`` measurements of every candidate; who is first moves on by one each round."""
    names = list(running)
    found: dict[str, list[Times]] = {name: [] for name in names}
    for name in names:  # warm
        running[name].times()
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            found[name].append(running[name].times())
    return found


def ratio(processes: Sequence[Sequence[Times]], against: Sequence[Sequence[Times]]) -> Ratio:
    """The sum of the parts, ``processes`` over ``against``, round by round."""
    pairs = [
        [sum(one.values()) / sum(other.values()) for one, other in zip(mine, theirs, strict=True)]
        for mine, theirs in zip(processes, against, strict=True)
    ]
    return ratio_of_pairs(pairs)


def middle(processes: Sequence[Sequence[Times]]) -> Times:
    """The median by part over all rounds, and of their sum as ``sum``."""
    rounds = [one for process in processes for one in process]
    parts = {part: median(one[part] for one in rounds) for part in rounds[0]}
    return {**parts, "sum": median(sum(one.values()) for one in rounds)}
