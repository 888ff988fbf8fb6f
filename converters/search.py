"""The search for what to ship: assignments are tried until the budgets hold at the least cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Literal

import msgspec

from edge_sdk.targets import Precision

from .candidates import Candidates
from .gate import Gate, settle
from .measure import Timing, total

#: ``preference``: the target's order of precisions; ``size``: the fewest bytes; ``latency``: the
#: least time, and of what cannot be told apart the fewest bytes.
Aim = Literal["preference", "size", "latency"]

# Each costs a run of the head over all evaluation samples.
_MOST = 64


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The budgets: points a head may lose, bytes of graphs, milliseconds of an answer."""

    max_drop: float
    max_bytes: int | None = None
    max_milliseconds: float | None = None


class Pool(msgspec.Struct, frozen=True):
    """The candidates of one engine and one form of the model, their gate, and their times."""

    candidates: Candidates
    gate: Gate
    timings: Mapping[str, Mapping[Precision, Timing]] | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One assignment that was tried: what it loses, weighs and takes."""

    pool: Pool
    assignment: dict[str, Precision]
    drops: dict[str, float]
    size: int
    time: Timing | None = None

    @property
    def drop(self) -> float:
        """Points that the worst head loses."""
        return max(self.drops.values())

    @property
    def words(self) -> str:
        """How it is called: ``int8``, or what each part has; and whether it was pruned."""
        kinds = set(self.assignment.values())
        parts = ", ".join(f"{name} {kind}" for name, kind in self.assignment.items())
        named = next(iter(kinds)) if len(kinds) == 1 else parts
        form = self.pool.candidates.form.make.words
        return f"{named} {form}" if form else named

    def fits(self, limits: Limits) -> bool:
        """Whether it keeps every budget."""
        return not any(excess > 0 for excess in self.excesses(limits).values())

    def excesses(self, limits: Limits) -> dict[str, float]:
        """By budget how far above it is, as a share of it; 0 where it holds."""
        over = {"max-drop": (self.drop - limits.max_drop - 1e-9) / max(limits.max_drop, 1.0)}
        if limits.max_bytes is not None:
            over["max-size"] = self.size / limits.max_bytes - 1
        if limits.max_milliseconds is not None and self.time is not None:
            over["max-latency"] = self.time.milliseconds / limits.max_milliseconds - 1
        return {name: max(0.0, value) for name, value in over.items()}


def try_out(pool: Pool, assignment: Mapping[str, Precision]) -> Trial:
    """What an assignment loses, weighs and takes."""
    return Trial(
        pool=pool,
        assignment=dict(assignment),
        drops=pool.gate.drops(assignment),
        size=pool.candidates.size(assignment),
        time=_time(pool, assignment),
    )


def explore(pool: Pool, limits: Limits, aim: Aim) -> list[Trial]:
    """Try assignments of one pool: the gate's own way, uniform ones, then the cheapest first.

    It ends once what is left cannot be better, or after 64.
    """
    choices = pool.candidates.choices
    chosen, nearest = settle(pool.gate, choices, limits.max_drop)
    tried: dict[tuple[Precision, ...], Trial] = {}

    def note(assignment: Mapping[str, Precision]) -> Trial:
        key = tuple(assignment[name] for name in choices)
        if key not in tried:
            tried[key] = try_out(pool, {name: assignment[name] for name in choices})
        return tried[key]

    first = note(chosen or nearest)
    for kind in _kinds(choices):
        note({name: kind if kind in own else own[0] for name, own in choices.items()})
    if aim == "preference" and first.fits(limits):
        return list(tried.values())
    order: Aim = "latency" if aim == "latency" else "size"
    for assignment in _cheapest_first(pool, choices, order):
        best = pick(list(tried.values()), limits, order)
        if len(tried) >= _MOST or (
            best is not None and not _may_win(pool, assignment, best, order)
        ):
            break
        note(assignment)
    return list(tried.values())


def pick(trials: Sequence[Trial], limits: Limits, aim: Aim) -> Trial | None:
    """The best trial that keeps the budgets; of equals the first; None where none does."""
    fitting = [trial for trial in trials if trial.fits(limits)]
    if not fitting:
        return None
    if aim == "preference":
        return fitting[0]
    if aim == "latency" and all(trial.time is not None for trial in fitting):
        fastest = min(fitting, key=_milliseconds)
        fitting = [trial for trial in fitting if _alike(trial, fastest)]
    return min(fitting, key=lambda trial: trial.size)


def nearest_of(trials: Sequence[Trial], limits: Limits) -> Trial:
    """The trial that exceeds the budgets least."""
    return min(trials, key=lambda trial: (sum(trial.excesses(limits).values()), trial.size))


def front(trials: Sequence[Trial]) -> list[Trial]:
    """The trials than which none is better in one of loss, time and bytes and no worse in another.

    By size, the smallest first.
    """
    best = [trial for trial in trials if not any(_beats(other, trial) for other in trials)]
    return sorted(best, key=lambda trial: (trial.size, trial.drop))


def _beats(one: Trial, other: Trial) -> bool:
    mine, its = _costs(one), _costs(other)
    return all(a <= b for a, b in zip(mine, its, strict=True)) and mine != its


def _costs(trial: Trial) -> tuple[float, ...]:
    drop = max(trial.drop, 0.0)  # a gain on so many samples is luck
    return (drop, trial.size, _milliseconds(trial) if trial.time is not None else 0.0)


def _kinds(choices: Mapping[str, Sequence[Precision]]) -> Iterator[Precision]:
    seen: dict[Precision, None] = {}
    for own in choices.values():
        seen.update(dict.fromkeys(own))
    yield from seen


def _cheapest_first(
    pool: Pool, choices: Mapping[str, Sequence[Precision]], aim: Aim
) -> Iterable[dict[str, Precision]]:
    every = [dict(zip(choices, kinds, strict=True)) for kinds in product(*choices.values())]

    def cost(assignment: Mapping[str, Precision]) -> float:
        time = _time(pool, assignment)
        if aim == "latency" and time is not None:
            return time.milliseconds
        return pool.candidates.size(assignment)

    return sorted(every, key=cost)


def _may_win(pool: Pool, assignment: Mapping[str, Precision], best: Trial, aim: Aim) -> bool:
    """Whether an assignment that costs no less might still be taken instead of ``best``."""
    time = _time(pool, assignment)
    if aim != "latency" or time is None or best.time is None:
        return False
    return time.milliseconds <= best.time.milliseconds + time.noise + best.time.noise


def _alike(trial: Trial, fastest: Trial) -> bool:
    assert trial.time is not None
    assert fastest.time is not None
    apart = trial.time.milliseconds - fastest.time.milliseconds
    return apart <= float((trial.time.noise**2 + fastest.time.noise**2) ** 0.5)


def _milliseconds(trial: Trial) -> float:
    return float("inf") if trial.time is None else trial.time.milliseconds


def _time(pool: Pool, assignment: Mapping[str, Precision]) -> Timing | None:
    if pool.timings is None:
        return None
    return total([pool.timings[name][kind] for name, kind in assignment.items()])
