"""Which channels go: the least important ones that bring the cost down to what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .analysis import Analysis, Group, macs_of
from .plan import PruningPlan
from .units import Labels

Scores = NDArray[np.float64]
#: How many channels of each group stay.
Counts = NDArray[np.int64]
Cost = Callable[[Counts], float]


class Selection:
    """Groups with the importance of their channels; ``counts`` say how many of each stay."""

    def __init__(self, analysis: Analysis, scores: Scores, plan: PruningPlan) -> None:
        self.groups, self._plan = analysis.groups, plan
        self._analysis = analysis
        edges = np.cumsum([group.width for group in self.groups])[:-1]
        self._scores = [
            _normalised(part, plan.normalise)
            for part in (np.split(scores, edges) if self.groups else [])
        ]

    @property
    def full(self) -> Counts:
        """Everything stays."""
        return np.array([group.width for group in self.groups], np.int64)

    def roots(self, counts: Counts) -> Labels:
        """The classes to remove so that ``counts`` stay."""
        gone = [
            group.roots[np.argsort(scores, kind="stable")[: group.width - kept]]
            for group, scores, kept in zip(self.groups, self._scores, counts, strict=True)
        ]
        return np.concatenate([*gone, np.zeros(0, np.int64)]).astype(np.int64)

    def within(self, cost: Cost, limit: float, members: Sequence[int], start: Counts) -> Counts:
        """Counts of the groups ``members`` for a cost of at most ``limit``, near it.

        One threshold for all of them; then blocks go back, the most important first, as long as
        the limit holds. Where even the least counts cost more, these.
        """
        levels = np.unique(np.concatenate([self._scores[i] for i in members] or [np.zeros(1)]))
        low, high = 0, len(levels)
        while low < high:
            middle = (low + high) // 2
            if cost(self._at(levels[middle], members, start)) <= limit:
                high = middle
            else:
                low = middle + 1
        counts = self._at(levels[min(low, len(levels) - 1)], members, start)
        for i in sorted(members, key=lambda i: -self._next(i, int(counts[i]))):
            more = counts.copy()
            more[i] = min(start[i], counts[i] + self._block(self.groups[i]))
            if more[i] > counts[i] and cost(more) <= limit:
                counts = more
        return counts

    def channels(self, members: Sequence[int]) -> Cost:
        """The number of channels as a cost."""
        return lambda counts: float(counts[list(members)].sum())

    def macs(self, shapes: Mapping[str, Sequence[int]]) -> Cost:
        """Multiply-accumulates of the whole model as a cost."""
        owner = {int(r): i for i, group in enumerate(self.groups) for r in group.roots}
        shares: dict[tuple[str, int], NDArray[np.int64]] = {}
        for key, labels in self._analysis.axes.items():
            held = [owner[int(root)] for root in labels if int(root) in owner]
            shares[key] = np.bincount(held, minlength=len(self.groups)).astype(np.int64)
        full = self.full

        def cost(counts: Counts) -> float:
            gone = (full - counts) / full
            left = {name: [float(size) for size in shape] for name, shape in shapes.items()}
            for (name, axis), share in shares.items():
                left[name][axis] -= float(share @ gone)
            rounded = {name: [round(size) for size in shape] for name, shape in left.items()}
            return float(sum(macs_of(self._analysis, rounded).values()))

        return cost

    def _at(self, threshold: float, members: Sequence[int], start: Counts) -> Counts:
        counts: Counts = start.copy()
        for i in members:
            group = self.groups[i]
            wanted = int((self._scores[i] > threshold).sum())
            block = self._block(group)
            least = max(1, int(np.ceil(group.width * (1 - self._plan.max_ratio) - 1e-9)))
            least = -(-least // block) * block
            rounded = round(wanted / block) * block
            counts[i] = min(int(start[i]), max(least, rounded, 1))
        return counts

    def _block(self, group: Group) -> int:
        """Narrow layers go by half blocks; the narrowest, and attention heads, one by one."""
        block = self._plan.round_to
        if group.width >= 4 * block:
            return block
        return max(1, block // 2) if group.width >= 2 * block else 1

    def _next(self, i: int, kept: int) -> float:
        """The importance of the most important channel that has gone."""
        ordered = np.sort(self._scores[i])[::-1]
        return float(ordered[kept]) if kept < len(ordered) else -1.0


def _normalised(scores: Scores, how: str) -> Scores:
    if how == "rank":
        ranks: Scores = (np.argsort(np.argsort(scores, kind="stable")) + 0.5) / len(scores)
        return ranks
    if how == "mean":
        mean = float(scores.mean())
        return scores / mean if mean > 0 else scores
    return scores
