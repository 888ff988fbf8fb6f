"""Whether calibration has settled: how much the last samples still widened each range."""

from __future__ import annotations

import msgspec

from .observers import Range

#: The last share of the samples that is asked what it still widened.
LAST = 0.25
#: Above this share of a range, it has not settled.
UNSETTLED = 0.1
#: It is worth a warning where so large a share of the activations have not settled, or one by more
#: than ``FAR`` of its range: a single tail that grew a little costs nothing.
MANY, FAR = 0.1, 0.25
# Ranges remembered on the way, whatever the number of samples.
_REMEMBERED = 64


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How far the samples cover what the activations do.

    Attributes:
        samples: how many there were.
        last: how many of them count as the last ones (about a quarter).
        widened: by tensor, the share of its range (0 to 1) that the last ones added.
        layers: by tensor, the layer that gives it, as the user knows it.
    """

    samples: int
    last: int
    widened: dict[str, float]
    layers: dict[str, str] = {}

    def unsettled(self, limit: float = UNSETTLED) -> dict[str, float]:
        """The activations whose range the last samples widened by more, the worst first."""
        found = {name: share for name, share in self.widened.items() if share > limit}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def warning(self, part: str) -> str | None:
        """A sentence if calibration has not settled, so far that it matters."""
        loose = self.unsettled()
        worst = max(loose.values(), default=0.0)
        if not loose or (len(loose) < MANY * len(self.widened) and worst <= FAR):
            return None
        name, share = next(iter(loose.items()))
        name = self.layers.get(name, name)
        return (
            f"Calibration of the part {part} has not settled: the last {self.last} of "
            f"{self.samples} samples still widened the ranges of {len(loose)} of "
            f"{len(self.widened)} activations by more than {UNSETTLED:.0%} ({name} by {share:.0%} "
            "of its range). Give more samples, or such as differ more from each other."
        )


def layer_name(node: str) -> str:
    """The layer that a node called ``<module>/<operator>`` belongs to, or the node itself."""
    stem, _, leaf = node.rpartition("/")
    return stem.strip("/") or leaf


class CoverageTracker:
    """Remembers ranges on the way, at equal distances that double when there are too many."""

    def __init__(self) -> None:
        self._stride, self._samples = 1, 0
        self._kept: dict[int, dict[str, Range]] = {}

    def due(self) -> bool:
        """Counts a sample; whether its ranges are to be added."""
        self._samples += 1
        return self._samples % self._stride == 0

    def add(self, ranges: dict[str, Range]) -> None:
        """The ranges after the sample that was due."""
        self._kept[self._samples] = ranges
        if len(self._kept) > _REMEMBERED:
            self._stride *= 2
            self._kept = {n: r for n, r in self._kept.items() if n % self._stride == 0}

    def coverage(self, final: dict[str, Range], layers: dict[str, str] | None = None) -> Coverage:
        """What the last quarter widened; ``final`` are the ranges after all samples.

        ``layers`` names the layer that gives a tensor.
        """
        wanted = max(1, round(self._samples * (1 - LAST)))
        then = max((n for n in self._kept if n <= wanted), default=min(self._kept, default=0))
        before = self._kept.get(then, {})
        return Coverage(
            samples=self._samples,
            last=self._samples - then,
            widened={n: _widened(before.get(n), r) for n, r in final.items()},
            layers={n: name for n, name in (layers or {}).items() if n in final},
        )


def _widened(before: Range | None, after: Range) -> float:
    """The share of the range ``after`` that lies outside ``before``."""
    span = after[1] - after[0]
    if before is None:
        return 1.0 if span else 0.0
    if not span:
        return 0.0
    return (max(before[0] - after[0], 0.0) + max(after[1] - before[1], 0.0)) / span
