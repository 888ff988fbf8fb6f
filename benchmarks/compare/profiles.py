"""A new profile against a base: two runs at different times, on one device."""

from __future__ import annotations

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.probes.emulation import COUNTED

from ..profile.result import ProfileResult
from .budgets import Budgets
from .comparison import Comparison
from .judge import judge, passes
from .metrics import metrics_of


def compare_profiles(
    base: ProfileResult,
    new: ProfileResult,
    budgets: Budgets | None = None,
    *,
    anyway: bool = False,
) -> Comparison:
    """Hold ``new`` against ``base``: each round of a profile is one repetition.

    Args:
        base: the profile to compare with.
        new: the profile that is compared.
        budgets: what is allowed; by default :data:`~.budgets.USUAL`.
        anyway: compare what is not comparable, and warn.

    Raises:
        UsageError: the two are of other devices or parts, or the budgets name a metric that was
            not measured.
    """
    budgets = budgets or Budgets()
    reasons = _apart(base, new)
    if reasons and not anyway:
        raise UsageError(
            f"The two profiles cannot be compared: {'; '.join(reasons)}. "
            "Measure both on the same device in the same way, or add --anyway."
        )
    target = new.bundle.target
    before, after = metrics_of(base), metrics_of(new)
    budgets.check(target, after)
    emulated = new.device.emulated
    counted = new.device.emulation == COUNTED
    verdicts = judge(before, after, budgets, target, emulated=emulated, counted=counted)
    return Comparison(
        base=_called(base),
        new=_called(new),
        target=target,
        emulated=emulated,
        metrics=tuple(verdicts),
        warnings=(*reasons, *_warnings(base, new)),
        passed=passes(verdicts, budgets),
    )


def _called(result: ProfileResult) -> str:
    return f"{result.bundle.name} {result.bundle.digest[:12]} ({result.date})"


def _apart(base: ProfileResult, new: ProfileResult) -> list[str]:
    """What makes a comparison meaningless."""
    pairs = {
        "device": (base.device.model or base.device.cpu, new.device.model or new.device.cpu),
        "emulated": (base.device.emulated, new.device.emulated),
        "emulation": (base.device.emulation, new.device.emulation),
        "part": (base.options.part or "all", new.options.part or "all"),
        "back to back": (base.options.back_to_back, new.options.back_to_back),
        "target": (base.bundle.target, new.bundle.target),
        "number of cores": (base.device.cores, new.device.cores),
    }
    return [
        f"{what} is {a} in one and {b} in the other" for what, (a, b) in pairs.items() if a != b
    ]


def _warnings(base: ProfileResult, new: ProfileResult) -> list[str]:
    """What a reader should know."""
    pairs = {
        "engine": (base.software.engines, new.software.engines),
        "number of threads": (base.software.threads, new.software.threads),
        "governor": (base.device.governor, new.device.governor),
        "power mode": (base.device.power_mode, new.device.power_mode),
        "kernel": (base.device.kernel, new.device.kernel),
        "samples": (base.inputs.samples, new.inputs.samples),
    }
    found = [f"{what} changed from {a} to {b}" for what, (a, b) in pairs.items() if a != b]
    if base.inputs.source != "golden" and base.inputs.digest != new.inputs.digest:
        found.append("the sample sets differ")
    for name, result in (("base", base), ("new", new)):
        if result.sensors.throttled:
            found.append(f"the device was slowed down during the {name} run")
        if len(result.starts) < 3:
            found.append(f"the {name} profile has {len(result.starts)} round(s); three are needed")
    return found
