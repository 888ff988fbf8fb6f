"""What a run decides by: the recipe, over it the options, under it the target's profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from edge_sdk.errors import UsageError
from edge_sdk.targets import Budgets, Precision, TargetProfile, load_target

from .pruning import Recovery
from .quantisation.plan import QuantisationPlan
from .recipe import CHOICES, Pruning, Recipe, override, read_recipe, target_fields

#: Shares that are tried where nothing else keeps the budgets.
SPARE = (0.3, 0.5, 0.7)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A target's profile, with the engines of the run, and the recipe with nothing left open.

    ``notes`` are sentences on what of the recipe was not used; ``ordered`` says that the order of
    the engines is the user's or the recipe's, not the profile's.
    """

    profile: TargetProfile
    recipe: Recipe
    notes: tuple[str, ...]
    ordered: bool

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The precisions to try, in order of preference."""
        if self.recipe.precision == "auto":
            return self.profile.precisions
        return (self.recipe.precision,)

    @property
    def trains(self) -> bool:
        """Whether weights may be trained: pruned models recovered, or int8 fine-tuned for."""
        return self.recipe.pruning is not None or self.recipe.quantisation.finetune is not None


def settle_settings(
    recipe: str | Path | Recipe | None,
    target: str | TargetProfile | None,
    options: Mapping[str, Any],
) -> Settings:
    """Bring everything together.

    Args:
        recipe: a recipe, its file, or None.
        target: a profile, its name or file; None leaves it to the recipe, or is this machine.
        options: fields of a recipe, and ``max_drop``, ``max_size`` and ``max_latency``; None
            where nothing is asked for.

    Raises:
        UsageError: an unknown name, a budget without a unit, or a malformed recipe.
    """
    if recipe is None:
        recipe = Recipe()
    elif not isinstance(recipe, Recipe):
        recipe = read_recipe(recipe)
    profile = _profile(recipe, target)
    fields = {name: options.get(name) for name in _FIELDS}
    fields["pruning"] = pruning_of(
        recipe.pruning, options.get("prune"), options.get("recover"), options.get("finetune"),
        for_int8=bool(options.get("finetune_int8")),
    )  # fmt: skip
    fields["quantisation"] = tuned_for_int8(
        recipe.quantisation, options.get("finetune_int8"), options.get("finetune")
    )
    if fields["small_drop"] is not None:
        fields["small_drop"] = float(fields["small_drop"])  # 3 and 3.0 are written alike
    if fields["engines"] == ():
        fields["engines"] = None
    fields["budgets"] = _budgets(recipe.budgets or profile.budgets, options, recipe.budgets)
    # By name where it has one: a recipe for this board is one for that board.
    given = target_fields(profile)
    known = {name: getattr(recipe, name) for name in given}
    if target is not None and known != given and (recipe.target or recipe.profile):
        recipe, notes = override(
            recipe, {name: value for name, value in (fields | given).items() if value is not None}
        )
    else:
        recipe, notes = override(recipe, fields)
    recipe = msgspec.structs.replace(recipe, **given)
    ordered = bool(recipe.engines)
    recipe = msgspec.structs.replace(
        recipe,
        engines=recipe.engines or profile.engines,
        budgets=recipe.budgets or profile.budgets,
    )
    if recipe.precision not in CHOICES:
        names = ", ".join(CHOICES)
        raise UsageError(f"There is no precision {recipe.precision!r}; known: {names}.")
    profile = msgspec.structs.replace(profile, engines=recipe.engines)
    return Settings(profile=profile, recipe=recipe, notes=tuple(notes), ordered=ordered)


_FIELDS = ("engines", "precision", "measure", "variants", "small_drop", "streaming")


def _profile(recipe: Recipe, target: str | TargetProfile | None) -> TargetProfile:
    if isinstance(target, TargetProfile):
        return target
    if target is None and recipe.profile is not None:
        return recipe.profile
    return load_target(target or recipe.target or "local")


def _budgets(known: Budgets, options: Mapping[str, Any], own: Budgets | None) -> Budgets | None:
    """The budgets with what the options say; None where they say nothing new."""
    given = {
        name: options[name]
        for name in ("max_drop", "max_size", "max_latency")
        if options.get(name) is not None
    }
    if not given:
        return own
    drop = given.get("max_drop", 0.0)
    if not drop >= 0:
        raise UsageError(f"The largest drop must be at least 0 points, not {drop:g}.")
    given = {n: float(v) if n == "max_drop" else v for n, v in given.items()}
    try:
        return msgspec.structs.replace(known, **given)
    except ValueError as error:
        raise UsageError(f"{error}.".replace("max_", "--max-")) from error


def pruning_of(
    known: Pruning | None,
    prune: str | Sequence[float] | None,
    recover: int | None,
    finetune: str | None,
    *,
    for_int8: bool = False,
) -> Pruning | None:
    """The pruning of a recipe with what the options say; None where they say nothing.

    ``for_int8`` says that ``finetune`` has something else to do and asks for no pruning.

    Raises:
        UsageError: a share is no number between 0 and 1.
    """
    if not prune and recover is None and (finetune is None or for_int8):
        return None
    pruning = known or Pruning()
    if prune:
        pruning = msgspec.structs.replace(pruning, ratios=_shares(prune))
    elif not pruning.ratios and not pruning.spare:
        pruning = msgspec.structs.replace(pruning, spare=SPARE)
    recovery = dict(pruning.plan.get("recovery", {}))
    if recover is not None:
        recovery |= {"epochs": recover} if recover else {"method": "none"}
    if finetune is not None:
        recovery["finetune"] = finetune
    plan = {**pruning.plan, "recovery": recovery} if recovery else pruning.plan
    try:
        return msgspec.convert(
            {"ratios": pruning.ratios, "spare": pruning.spare, "plan": plan}, Pruning
        )
    except msgspec.ValidationError as error:
        raise UsageError(f"This pruning makes no sense: {error}.") from error


def tuned_for_int8(
    known: QuantisationPlan, epochs: int | None, finetune: str | None
) -> QuantisationPlan | None:
    """The plan of a recipe with what the options say of fine-tuning; None if they say nothing.

    ``finetune`` is a function of the user's, and ``epochs`` 0 leaves fine-tuning out.
    """
    if epochs is None:
        return None
    if not epochs:
        return msgspec.structs.replace(known, finetune=None)
    fields = {"epochs": epochs} | ({} if finetune is None else {"finetune": finetune})
    plan = msgspec.structs.replace(known.finetune or Recovery(), **fields)
    return msgspec.structs.replace(known, finetune=plan)


def _shares(prune: str | Sequence[float]) -> tuple[float, ...]:
    words = prune.split(",") if isinstance(prune, str) else prune
    try:
        shares = tuple(float(word) for word in words)
    except ValueError as error:
        raise UsageError(
            f"--prune takes shares of the channels to remove, such as 0.3,0.5; not {prune!r}."
        ) from error
    for share in shares:
        if not 0 < share < 1:
            raise UsageError(
                f"--prune takes shares between 0 and 1, such as 0.3,0.5; not {share:g}."
            )
    return shares


def as_ladder(names: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Rungs given as a list, or as one text with commas."""
    if names is None or not names:
        return None
    if isinstance(names, str):
        names = names.split(",")
    return tuple(name.strip() for name in names if name.strip())
