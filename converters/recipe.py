"""A recipe: every decision of a conversion as data, in one TOML file.

A run takes what the file says, then what its own options say, then what the target's profile
says; it writes the recipe it used, with what it chose, and running with that makes the same
bundle without a search.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
import tomli_w
from msgspec import Meta

from edge_sdk.bundle.manifest import FULL
from edge_sdk.errors import UsageError
from edge_sdk.files import is_file
from edge_sdk.targets import Budgets, Precision, TargetProfile, load_target, target_names

from .pruning import PruningPlan
from .quantisation.plan import QuantisationPlan

Share = Annotated[float, Meta(gt=0, lt=1)]
Choice = Literal["auto", "int8", "int8-mixed", "int8-dynamic", "fp32"]
CHOICES: tuple[Choice, ...] = get_args(Choice)

_HEADER = (
    "# What edge-sdk decided. With the same checkpoint and data,\n"
    "#     edge-sdk convert CHECKPOINT --data DATA --recipe recipe.toml --output BUNDLE\n"
    "# makes the same bundle; without [chosen] it searches again.\n\n"
)


class _Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Msgspec hands ``forbid_unknown_fields`` down, but not ``kw_only``: each class repeats it."""


class Chosen(_Data, frozen=True, kw_only=True):
    """What a search ended with, for one engine on one rung.

    Attributes:
        parts: the precision of each part.
        why: for parts that do not have the precision that comes first, the reason.
        pruned: the share of channels that was taken away.
        tuned: whether the model was fine-tuned for int8.
    """

    parts: dict[str, Precision]
    why: dict[str, str] = {}
    pruned: float = 0.0
    tuned: bool = False


class Pruning(_Data, frozen=True, kw_only=True):
    """Pruned candidates: which shares of the channels, and how.

    Attributes:
        ratios: shares tried beside the model as it came.
        spare: shares tried, in this order, where nothing else keeps the budgets.
        plan: how: the fields of a :class:`~edge_sdk.converters.pruning.PruningPlan`, but
            ``ratio``; embeddings always keep their widths.
    """

    ratios: tuple[Share, ...] = ()
    spare: tuple[Share, ...] = ()
    plan: dict[str, Any] = {}

    def __post_init__(self) -> None:
        self.of(0.5)

    def of(self, ratio: float) -> PruningPlan:
        """The plan for one share.

        Raises:
            ValueError: a field of the plan is unknown or out of range.
        """
        own = {"ratio", "macs", "latency", "keep_embeddings"} & set(self.plan)
        if own:
            raise ValueError(f"plan: {', '.join(sorted(own))} is not for the plan of a recipe")
        try:
            return msgspec.convert({**self.plan, "ratio": ratio}, PruningPlan)
        except msgspec.ValidationError as error:
            raise ValueError(f"plan: {error}") from error


class Recipe(_Data, frozen=True, kw_only=True):
    """The content of a ``recipe.toml``; what is left out is decided by the run.

    Attributes:
        target: the name of a target profile.
        profile: a whole target profile, instead of a name.
        engines: an edition for each, in order of preference.
        precision: one precision for every part, or ``auto``: the target's order.
        precisions: the precisions of single parts, in order of preference.
        measure: measure the candidates, and choose by time where this machine stands for the
            target.
        streaming: a streaming form of the audio encoder also where it is a graph of its own.
        variants: the rungs of the ladder, from the costliest to the cheapest.
        small_drop: points that a head may lose on the rung ``small``.
        budgets: instead of the target's.
        quantisation: how int8 forms are made.
        pruning: pruned candidates; none are tried without it.
        chosen: by engine and rung, what a search ended with; there is no search then.
    """

    target: str | None = None
    profile: TargetProfile | None = None
    engines: tuple[str, ...] = ()
    precision: Choice = "auto"
    precisions: dict[str, tuple[Precision, ...]] = {}
    measure: bool = False
    streaming: bool = False
    variants: tuple[str, ...] = (FULL,)
    small_drop: float | None = None
    budgets: Budgets | None = None
    quantisation: QuantisationPlan = QuantisationPlan()
    pruning: Pruning | None = None
    chosen: dict[str, dict[str, Chosen]] = {}


def read_recipe(path: str | Path) -> Recipe:
    """The recipe at ``path``.

    Raises:
        UsageError: it is not there, is no TOML, or a key is unknown or has a wrong value.
    """
    path = Path(path)
    if not is_file(path):
        raise UsageError(f"There is no recipe at {path}.")
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Recipe)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The recipe {path} is malformed: {error}.") from error


def encode_recipe(recipe: Recipe) -> bytes:
    """The bytes of a recipe's file: the same for the same recipe."""
    table = _without_nothing(msgspec.to_builtins(recipe))
    return (_HEADER + tomli_w.dumps(table)).encode()


def override(recipe: Recipe, changes: Mapping[str, Any]) -> tuple[Recipe, list[str]]:
    """``recipe`` with the fields of ``changes`` that are not None, and warnings.

    What was chosen under other decisions is forgotten.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    changed = [name for name, value in given.items() if getattr(recipe, name) != value]
    new = msgspec.structs.replace(recipe, **given)
    if not changed or not recipe.chosen:
        return new, []
    options = " and ".join(name.replace("_", " ") for name in sorted(changed))
    warning = f"The recipe's choices were made for other {options}: searched again."
    return msgspec.structs.replace(new, chosen={}), [warning]


def target_fields(profile: TargetProfile) -> dict[str, Any]:
    """How a recipe names a profile: a shipped one by its name, any other as a whole."""
    if profile.name in target_names()[1:] and load_target(profile.name) == profile:
        return {"target": profile.name, "profile": None}
    return {"target": None, "profile": profile}


def _without_nothing(value: Any) -> Any:
    """TOML has no null; an empty list or table says what its absence says."""
    if isinstance(value, dict):
        kept = {key: _without_nothing(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in (None, {}, [], ())}
    return value
