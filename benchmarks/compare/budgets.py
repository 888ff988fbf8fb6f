"""Budgets: what a target must keep, and how much worse than the base it may get.

::

    unclear = "pass"             # or "fail": what to do where the noise hides the answer

    [default.regression]         # any target; shares, or points for an accuracy
    "total.p50_ms" = "5%"
    "peak_mb" = "3%"
    "accuracy" = 1.0

    [rpi5.limits]                # the target's name, as the bundle says it
    "total.p99_ms" = 60
    "peak_mb" = 150
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from edge_sdk.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Positive = Annotated[float, Meta(ge=0)]
#: What is gated where no budgets are given.
USUAL: dict[str, float] = {
    "total.p50_ms": 0.05,
    "cpu.p50_ms": 0.05,
    "peak_mb": 0.03,
    "size_mb": 0.02,
    "accuracy": 1.0,
}


class TargetBudgets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one target: ``limits`` by metric; ``regression`` as shares by metric (``"5%"``)."""

    limits: dict[str, Positive] = {}
    regression: dict[str, Positive | str] = {}


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """Budgets of all targets; ``default`` is under every target's own."""

    unclear: Literal["pass", "fail"] = "pass"
    targets: dict[str, TargetBudgets] = {}

    def limits(self, target: str) -> dict[str, float]:
        """Absolute limits by metric."""
        return {
            metric: value
            for name in ("default", target)
            for metric, value in self.targets.get(name, TargetBudgets()).limits.items()
        }

    def regression(self, target: str) -> dict[str, float]:
        """Allowed worsening by metric: a share, or points for an accuracy."""
        if not self.targets:
            return dict(USUAL)
        return {
            metric: _share(value, metric)
            for name in ("default", target)
            for metric, value in self.targets.get(name, TargetBudgets()).regression.items()
        }

    def check(self, target: str, metrics: Iterable[str]) -> None:
        """See that every budget of this target names a metric that there is.

        Raises:
            UsageError: one does not: it would never be looked at.
        """
        known = list(metrics)
        for name in (*self.limits(target), *(self.regression(target) if self.targets else ())):
            family = name == "accuracy" or name.startswith("accuracy.")
            if name not in known and not family:
                near = difflib.get_close_matches(name, known) or known
                raise UsageError(
                    f"The budgets name the metric {name!r}, which was not measured; "
                    f"did you mean {' or '.join(near)}?"
                )


def read_budgets(path: Path) -> Budgets:
    """Read a budgets file.

    Raises:
        UsageError: it is missing, no TOML, or has unknown or impossible entries.
    """
    try:
        with path.open("rb") as file:
            content: dict[str, Any] = tomllib.load(file)
    except OSError as error:
        raise UsageError(f"The budgets {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The budgets {path} are not TOML: {error}.") from error
    unclear = content.pop("unclear", "pass")
    try:
        found = msgspec.convert({"unclear": unclear, "targets": content}, Budgets)
        if not content:
            raise UsageError(f"The budgets {path} name no target; begin with [default.regression].")
        for target in found.targets:
            found.regression(target)
    except msgspec.ValidationError as error:
        raise UsageError(f"The budgets {path} cannot be used: {error}.") from error
    return found


def _share(value: float | str, metric: str) -> float:
    if metric == "accuracy" or metric.startswith("accuracy."):
        if isinstance(value, str):
            raise UsageError(f"The budget of {metric} is in points, a number, not {value!r}.")
        return value
    try:
        if isinstance(value, str):
            number = float(value.strip().removesuffix("%")) / 100
            if value.strip().endswith("%") and number >= 0:
                return number
    except ValueError:
        pass
    raise UsageError(
        f'The allowed worsening of {metric} is a percentage in quotes ("5%"), not {value!r}.'
    )
