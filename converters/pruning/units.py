"""Which indices of which tensors stand and fall together: a union-find over numbered units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]

#: The label of what belongs to no unit: inputs, constants, padding.
NOTHING = 0


class Units:
    """Units are positive numbers; classes of them are removed together, or frozen for a reason."""

    def __init__(self) -> None:
        self._parents = np.zeros(1024, np.int64)
        self._count = 1
        self._why: dict[int, str] = {}

    def fresh(self, count: int) -> Labels:
        """So many new units, each a class of its own."""
        start, self._count = self._count, self._count + count
        if self._count > len(self._parents):
            grown = np.zeros(max(2 * len(self._parents), self._count), np.int64)
            grown[:start] = self._parents[:start]
            self._parents = grown
        made = np.arange(start, self._count, dtype=np.int64)
        self._parents[start : self._count] = made
        return made

    def roots(self, labels: Labels) -> Labels:
        """For each label the number of its class."""
        found = self._parents[labels]
        while True:
            above = self._parents[found]
            if np.array_equal(above, found):
                return found
            found = above

    def join(self, a: Labels, b: Labels, why: str) -> None:
        """Make one class of each pair; a unit that is paired with nothing is frozen."""
        pairs = np.stack((self.roots(a).ravel(), self.roots(b).ravel()))
        if not pairs.size or np.array_equal(pairs[0], pairs[1]):
            return
        for first, second in np.unique(pairs[:, pairs[0] != pairs[1]], axis=1).T:
            self._join(int(first), int(second), why)

    def freeze(self, labels: Labels, why: str) -> None:
        """Never remove these units; the first reason given is the one that is told."""
        for root in np.unique(self.roots(labels)):
            if root != NOTHING:
                self._why.setdefault(int(root), why)

    def live(self, labels: Labels) -> Labels:
        """The labels without those of frozen classes, which are as good as none."""
        if not self._why:
            return labels
        frozen = np.isin(self.roots(labels), list(self._why))
        return np.where(frozen, NOTHING, labels) if frozen.any() else labels

    def why(self, root: int) -> str | None:
        """Why the class must not be removed; None if it may."""
        return self._why.get(root)

    def sizes(self) -> NDArray[np.int64]:
        """For each class number how many units it has."""
        everything = self.roots(np.arange(self._count, dtype=np.int64))
        return np.bincount(everything, minlength=self._count)

    def _join(self, first: int, second: int, why: str) -> None:
        first, second = self._find(first), self._find(second)
        if first == second:
            return
        if NOTHING in (first, second):
            self._why.setdefault(max(first, second), why)
            return
        low, high = sorted((first, second))
        self._parents[high] = low
        reason = self._why.pop(high, None)
        if reason is not None:
            self._why.setdefault(low, reason)

    def _find(self, unit: int) -> int:
        while self._parents[unit] != unit:
            self._parents[unit] = self._parents[self._parents[unit]]
            unit = int(self._parents[unit])
        return unit
