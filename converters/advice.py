"""Where no candidate keeps the budgets: which comes nearest, and what would have to give."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from edge_sdk.units import format_bytes, format_milliseconds

from .gate import worst_head
from .search import Limits, Trial, nearest_of


def no_candidate(engine: str, trials: Sequence[Trial], limits: Limits, where: str) -> str:
    """The sentences of a :class:`~edge_sdk.errors.BudgetError`.

    ``where`` says what the budgets are for.
    """
    nearest = nearest_of(trials, limits)
    cures = _gives(trials, limits)
    return (
        f"No candidate for {engine} keeps the {_budgets(limits)} {where}; no bundle was written. "
        f"Nearest: {nearest.words}: {costs(nearest)}. {' '.join(cures)}"
    )


def costs(trial: Trial) -> str:
    """What a trial loses, weighs and takes, in words."""
    words = [worst_head(trial.drops), f"{trial.size / 1e6:.3g} MB"]
    if trial.time is not None:
        words.append(f"{trial.time.milliseconds:.3g} ms")
    return ", ".join(words)


def _budgets(limits: Limits) -> str:
    words = [f"budget of {limits.max_drop:g} points"]
    if limits.max_bytes is not None:
        words.append(format_bytes(limits.max_bytes))
    if limits.max_milliseconds is not None:
        words.append(format_milliseconds(limits.max_milliseconds))
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _gives(trials: Sequence[Trial], limits: Limits) -> list[str]:
    """For each budget alone, the least that would let a candidate through; else for all."""
    cures = []
    for budget in nearest_of(trials, limits).excesses(limits):
        able = [
            t for t in trials if all(not x for n, x in t.excesses(limits).items() if n != budget)
        ]
        if able:
            cheapest = min(able, key=lambda trial: trial.excesses(limits)[budget])
            cures.append(f"With {_option(budget, cheapest)}, {cheapest.words} fits.")
    if not cures:
        nearest = nearest_of(trials, limits)
        over = [name for name, excess in nearest.excesses(limits).items() if excess]
        options = " and ".join(_option(name, nearest) for name in over)
        cures.append(f"With {options}, {nearest.words} fits.")
    return cures


def _option(budget: str, trial: Trial) -> str:
    """The option that lets ``trial`` through a budget."""
    if budget == "max-size":
        return f"--max-size {format_bytes(trial.size)}"
    if budget == "max-latency" and trial.time is not None:
        return f"--max-latency {format_milliseconds(trial.time.milliseconds)}"
    return f"--max-drop {max(0.0, ceil(trial.drop * 100) / 100):.2f}"
