"""What ships for one engine, on every rung: by the search, or as a recipe has decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from edge_sdk.bundle.manifest import FULL
from edge_sdk.errors import BudgetError, UsageError

from .advice import costs, no_candidate
from .candidates import Make
from .edition import Edition, pinned, restrict, ship
from .ladder import SMALL, modalities_of
from .recipe import Chosen
from .search import Aim, Limits, Pool, Trial, explore, pick

Pools = Callable[[Sequence[Make]], list[Pool]]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a selection is to keep to.

    Attributes:
        limits: the budgets of the rung ``full``.
        where: where they are from, for sentences.
        aim: what decides among those that keep them.
        stands: whether times here are the target's order.
        ladder: the rungs.
        small_drop: points that a head may lose on the rung ``small``.
        pruned: pruned forms, tried beside the model as it came.
        spare: forms tried one after the other where nothing else keeps the budgets.
        tune: whether the forms may be fine-tuned for int8: tried where int8 breaks ``max_drop``
            as they are.
    """

    limits: Limits
    where: str
    aim: Aim
    stands: bool
    ladder: tuple[str, ...] = (FULL,)
    small_drop: float
    pruned: tuple[Make, ...] = ()
    spare: tuple[Make, ...] = ()
    tune: bool = False


class Selected(msgspec.Struct, frozen=True):
    """The editions of an engine by rung, and all that was tried."""

    editions: tuple[Edition, ...]
    trials: tuple[Trial, ...]


def select(engine: str, pools: Pools, plan: Plan) -> Selected:
    """Search for every rung of an engine.

    Raises:
        BudgetError: nothing keeps the budgets, or nothing is cheaper for the rung ``small``.
    """
    trials: list[Trial] = []
    makes = (Make(), *plan.pruned)
    best = _search(pools(makes), plan.limits, plan.aim, trials)
    if plan.tune and _int8_breaks(trials, plan.limits):
        best = _tuned(best, makes, pools, plan, trials)
    for make in plan.spare:
        if best is None:
            # Whatever is pruned is no longer what the target prefers: the least bytes.
            aim: Aim = "latency" if plan.aim == "latency" else "size"
            best = _search(pools((make,)), plan.limits, aim, trials)
            if best is None and plan.tune:
                best = _search(pools((_fine(make),)), plan.limits, aim, trials)
    if best is None:
        said = no_candidate(engine, trials, plan.limits, plan.where)
        raise BudgetError(said + _untried(plan))
    full = ship(best, plan.limits.max_drop, stands=plan.stands)
    editions = [full]
    for rung in plan.ladder[1:]:
        if rung == SMALL:
            editions.append(_small(engine, best, pools, plan, trials))
        else:
            taken = modalities_of(rung, full.gate.modalities)
            editions.append(restrict(full, rung, taken))
    return Selected(tuple(editions), tuple(trials))


def decided(engine: str, pools: Pools, plan: Plan, chosen: Mapping[str, Chosen]) -> Selected:
    """What a recipe has chosen, held against the budgets once more.

    Raises:
        UsageError: the recipe names a part or precision that there is not, or lacks a rung.
        BudgetError: what it has chosen does not keep the budgets.
    """
    editions: dict[str, Edition] = {}
    for rung in plan.ladder:
        taken = modalities_of(rung, ()) if rung in (FULL, SMALL) else None
        if taken is None:
            full = editions[FULL]
            editions[rung] = restrict(full, rung, modalities_of(rung, full.gate.modalities))
            continue
        if rung not in chosen:
            raise UsageError(
                f"The recipe has chosen nothing for {engine} on the rung {rung}; take [chosen] "
                "out of it to search."
            )
        choice = chosen[rung]
        (pool,) = pools((Make(choice.pruned, choice.tuned),))
        _check_parts(engine, choice, pool)
        limit = plan.limits.max_drop if rung == FULL else plan.small_drop
        editions[rung] = made = pinned(pool, choice.parts, choice.why, limit, rung)
        limits = plan.limits if rung == FULL else Limits(max_drop=plan.small_drop)
        _check_holds(made, limits)
    return Selected(tuple(editions.values()), ())


def _search(pools: Sequence[Pool], limits: Limits, aim: Aim, trials: list[Trial]) -> Trial | None:
    found = [trial for pool in pools for trial in explore(pool, limits, aim)]
    trials += found
    return pick(found, limits, aim)


def _int8_breaks(trials: Sequence[Trial], limits: Limits) -> bool:
    """Whether everything in int8 loses more than it may, in every form that was tried."""
    whole = [t for t in trials if set(t.assignment.values()) <= {"int8"}]
    return bool(whole) and all(trial.excesses(limits)["max-drop"] > 0 for trial in whole)


def _tuned(
    best: Trial | None, makes: Sequence[Make], pools: Pools, plan: Plan, trials: list[Trial]
) -> Trial | None:
    """The better of ``best`` and what fine-tuning for int8 gives of the same forms."""
    found = _search(pools([_fine(make) for make in makes]), plan.limits, plan.aim, trials)
    if best is None or found is None:
        return best or found
    if plan.aim != "preference":
        return pick([best, found], plan.limits, plan.aim)
    # The model as it came, unless more of it has what the target prefers.
    return found if _passed_over(found) < _passed_over(best) else best


def _passed_over(trial: Trial) -> int:
    """How many precisions that come first its parts do not have."""
    choices = trial.pool.candidates.choices
    return sum(choices[name].index(kind) for name, kind in trial.assignment.items())


def _fine(make: Make) -> Make:
    return msgspec.structs.replace(make, tuned=True)


def _untried(plan: Plan) -> str:
    """What else could be asked for."""
    words = []
    if not plan.pruned and not plan.spare:
        words.append("Pruned candidates were not tried: --recover EPOCHS, or --prune 0.3,0.5.")
    if not plan.tune:
        words.append("Nor was fine-tuning for int8: --finetune-int8 EPOCHS." if words else
                     "Fine-tuning for int8 was not tried: --finetune-int8 EPOCHS.")  # fmt: skip
    return "".join(f" {sentence}" for sentence in words)


def _small(engine: str, full: Trial, pools: Pools, plan: Plan, trials: list[Trial]) -> Edition:
    """The cheapest trial within the wider drop; what was tried for ``full`` counts too."""
    limits = msgspec.structs.replace(plan.limits, max_drop=plan.small_drop)
    aim: Aim = "latency" if plan.aim == "latency" else "size"
    best = pick([trial for trial in trials if trial.size < full.size], limits, aim)
    # What the recipe tries anyway goes at once; what is spare until something is found.
    for makes in [plan.pruned or (Make(),), *((make,) for make in plan.spare)]:
        if best is not None and best.pool.candidates.form.make.pruned:
            break
        found: list[Trial] = []
        _search(pools(makes), limits, aim, found)
        known = {(id(trial.pool), *trial.assignment.values()) for trial in trials}
        trials += [t for t in found if (id(t.pool), *t.assignment.values()) not in known]
        best = pick([trial for trial in trials if trial.size < full.size], limits, aim)
    if best is None:
        raise BudgetError(
            f"Nothing is cheaper for {engine} than the variant full ({full.words}, with "
            f"{costs(full)}) and loses at most {plan.small_drop:g} points, for the variant small; "
            "no bundle was written. Allow pruning with --prune 0.5 and --recover EPOCHS, more "
            "with --small-drop, or leave the variant out."
        )
    return ship(best, plan.small_drop, rung=SMALL, stands=plan.stands)


def _check_parts(engine: str, choice: Chosen, pool: Pool) -> None:
    choices = pool.candidates.choices
    if set(choice.parts) != set(choices):
        raise UsageError(
            f"The recipe has chosen for the parts {', '.join(choice.parts)} on {engine}, and this "
            f"model has {', '.join(choices)}; take [chosen] out of it to search."
        )
    for name, kind in choice.parts.items():
        if kind not in choices[name]:
            raise UsageError(
                f"The recipe has chosen {kind} for part {name} on {engine}, which is none of "
                f"{', '.join(choices[name])}; take [chosen] out of it to search."
            )


def _check_holds(edition: Edition, limits: Limits) -> None:
    lost = max(quality.drop for quality in edition.quality.values())
    words = (
        f"loses {lost:.2f} points of {limits.max_drop:g}" if (lost > limits.max_drop + 1e-9) else ""
    )
    if limits.max_bytes is not None and edition.size > limits.max_bytes:
        words = f"takes {edition.size / 1e6:.3g} MB of {limits.max_bytes / 1e6:.3g} MB"
    if words:
        raise BudgetError(
            f"What the recipe has chosen for {edition.name} {words}; no bundle was written. Take "
            "[chosen] out of it to search again, or allow more."
        )
