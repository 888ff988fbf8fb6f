"""Calibrators by name: the entry-point group ``edge_sdk.calibrators``."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import entry_points

from edge_sdk.errors import UsageError

from .observers import Observer

GROUP = "edge_sdk.calibrators"


def calibrator_names() -> tuple[str, ...]:
    """The names that :func:`load_calibrator` knows."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def load_calibrator(
    name: str, parameters: Mapping[str, float] | None = None
) -> Callable[[], Observer]:
    """What makes an observer of the calibrator ``name`` for one activation.

    Raises:
        UsageError: there is none of this name, or it refuses the parameters.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        near = difflib.get_close_matches(name, found, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(found))}."
        raise UsageError(f"There is no calibrator {name!r}; {hint}")
    make = partial(found[name].load(), **(parameters or {}))
    try:
        make()
    except (TypeError, ValueError) as error:
        raise UsageError(f"The calibrator {name} refuses its parameters: {error}.") from error
    return make
