"""Recovery of a pruned model: by the reference loop, by a loop over parts, or by the user."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from edge_sdk.errors import EdgeError, UsageError

from ..fusion.model import FusionModel
from .answers import read
from .data import RecoveryData
from .distil import distil
from .finetune import finetune
from .model import Parts
from .report import RecoveryReport
from .statistics import estimate

Finetune = Callable[[nn.Module, RecoveryData], Any]


def recover(pruned: Parts, teacher: Parts, data: RecoveryData) -> RecoveryReport:
    """Train ``pruned`` in place as ``data.recovery`` says.

    Raises:
        UsageError: there is no such function, or it fails.
    """
    plan, begun = data.recovery, time.monotonic()
    if plan.method == "none":
        return RecoveryReport(method="none", samples=0)
    if plan.finetune is not None:
        _users(plan.finetune)(pruned.whole, data)
        _evaluating(pruned)
        report = RecoveryReport(method=plan.finetune, samples=len(data.samples))
    elif plan.method == "batch-norm":
        seen = read(pruned, data.samples, data.progress, "batch norms")
        found = estimate(pruned, seen)
        report = RecoveryReport(
            method="batch-norm" if found else "none: the model has no batch norms",
            samples=len(seen),
        )
    elif isinstance(pruned.whole, FusionModel) and isinstance(teacher.whole, FusionModel):
        report = finetune(pruned.whole, teacher.whole, data)
    else:
        report = distil(pruned, teacher, data)
    _evaluating(pruned)
    return _timed(report, time.monotonic() - begun)


def _timed(report: RecoveryReport, seconds: float) -> RecoveryReport:
    import msgspec

    return msgspec.structs.replace(report, seconds=seconds)


def _evaluating(parts: Parts) -> None:
    parts.whole.eval()
    for module in parts.modules.values():
        module.eval()


def _users(words: str) -> Finetune:
    where, colon, name = words.partition(":")
    if not colon or not where or not name:
        raise UsageError(f"The recovery function must be package.module:function, not {words!r}.")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        function: Finetune = getattr(importlib.import_module(where), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"There is no recovery function {words} here: {error}. Run the command in the folder "
            "that holds it, or install it."
        ) from error

    def run(model: nn.Module, data: RecoveryData) -> Any:
        try:
            return function(model, data)
        except EdgeError:
            raise
        except Exception as error:  # the user's own code may raise anything
            kind = type(error).__name__
            raise UsageError(f"The recovery function {words} fails: {kind}: {error}.") from error

    return run
