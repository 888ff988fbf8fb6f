"""Pruning that shrinks shapes, and recovery: a source in, a smaller source out.

Plans and reports are plain data and need no torch; the rest is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .plan import Mask, PruningPlan, Recovery, as_plan
from .report import PruningReport

if TYPE_CHECKING:
    from .choice import Measure
    from .data import RecoveryData
    from .prune import PrunedSource, prune_source
    from .saving import check_output, save_pruned
    from .timing import engine_milliseconds

__all__ = [
    "Mask",
    "Measure",
    "PrunedSource",
    "PruningPlan",
    "PruningReport",
    "Recovery",
    "RecoveryData",
    "as_plan",
    "check_output",
    "engine_milliseconds",
    "prune_source",
    "save_pruned",
]

_HOMES = {
    "Measure": "choice",
    "PrunedSource": "prune",
    "RecoveryData": "data",
    "check_output": "saving",
    "engine_milliseconds": "timing",
    "prune_source": "prune",
    "save_pruned": "saving",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
