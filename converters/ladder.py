"""The rungs of a ladder: what a user may ask for, and what each is made of."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from edge_sdk.bundle.manifest import FULL
from edge_sdk.errors import UsageError

from .feeds import Wiring

#: A cheaper form of all parts: pruned, or narrower, within a wider drop.
SMALL = "small"
_ONLY = "-only"


def check_ladder(rungs: Sequence[str], wiring: Wiring) -> tuple[str, ...]:
    """The ladder, with ``full`` first.

    Raises:
        UsageError: a rung is unknown or named twice, or the model cannot do without a modality.
    """
    ladder = tuple(rungs) if rungs[:1] == (FULL,) else (FULL, *rungs)
    for rung in ladder:
        if ladder.count(rung) > 1:
            raise UsageError(
                f"The variants {', '.join(rungs)} must be different ones, the costliest first: "
                f"{rung} is there twice, or {FULL} is not the first."
            )
        taken = modalities_of(rung, wiring.modalities)
        if taken and not wiring.missing:
            raise UsageError(
                f"The variant {rung} leaves modalities out, and this model needs all of "
                f"{', '.join(wiring.modalities)} together."
            )
    return ladder


def modalities_of(rung: str, modalities: Sequence[str]) -> tuple[str, ...]:
    """The modalities that a rung answers on, empty for all: ``audio-only``, ``audio+text``.

    Raises:
        UsageError: the name is none of a rung.
    """
    if rung in (FULL, SMALL):
        return ()
    wanted = set(rung.removesuffix(_ONLY).split("+"))
    known = [name for name in modalities if name in wanted]
    if len(known) != len(wanted) or (rung.endswith(_ONLY) and len(wanted) != 1):
        names = [FULL, SMALL, *(f"{name}{_ONLY}" for name in modalities)]
        near = difflib.get_close_matches(rung, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}, and"
        joined = "+".join(list(modalities)[:2])
        raise UsageError(
            f"There is no variant {rung!r}; {hint}"
            + ("" if near else f" modalities joined by +, such as {joined}.")
        )
    if len(wanted) == len(modalities):
        raise UsageError(f"The variant {rung} has every modality: that is {FULL}.")
    return tuple(known)
