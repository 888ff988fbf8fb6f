"""A group of channels is pruned only after a trial: what the analysis says is not believed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from ..progress import Progress
from .analysis import Analysis, Frozen, Group
from .model import Parts
from .surgery import difference, removed
from .units import Labels

#: The largest difference that rounding may make, relative to the largest value.
TOLERANCE = 1e-4


def proven(parts: Parts, analysis: Analysis, seed: int, progress: Progress) -> Analysis:
    """The analysis without the groups whose removal breaks the model or changes its answers.

    All groups lose a random half of their channels at once; only if that fails are they tried
    one by one.
    """
    rng = np.random.default_rng(seed)
    if not analysis.groups or _fault(parts, analysis, analysis.groups, rng) is None:
        return analysis
    good: list[Group] = []
    bad = list(analysis.frozen)
    for done, group in enumerate(analysis.groups):
        progress("trials", done, len(analysis.groups))
        why = _fault(parts, analysis, [group], rng)
        if why is None:
            good.append(group)
        else:
            bad.append(Frozen(group.part, group.name, group.width, why))
    progress("trials", len(analysis.groups), len(analysis.groups))
    return msgspec.structs.replace(analysis, groups=tuple(good), frozen=tuple(bad))


def _fault(
    parts: Parts, analysis: Analysis, groups: Sequence[Group], rng: np.random.Generator
) -> str | None:
    halves = [rng.choice(g.roots, g.width // 2, replace=False) for g in groups]
    roots: Labels = np.concatenate(halves)
    try:
        found = difference(parts, removed(parts, analysis, roots), analysis, roots)
    except Exception as error:  # the user's own code may raise anything
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return f"the model does not run with fewer: {first}"
    if not found <= TOLERANCE:
        return f"the answers change by {found:.1e} where channels of zeros are removed"
    return None
