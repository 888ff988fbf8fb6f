"""What pruning did, as plain data."""

from __future__ import annotations

import msgspec

from edge_sdk.bundle.manifest import Score


class PartChange(msgspec.Struct, frozen=True, kw_only=True):
    """One part: parameters and multiply-accumulates (at the usual length), before and after.

    ``milliseconds`` are what the caller's measurement gave, before and after; None where nothing
    was measured.
    """

    name: str
    parameters: tuple[int, int]
    macs: tuple[int, int]
    milliseconds: tuple[float, float] | None = None


class GroupChange(msgspec.Struct, frozen=True, kw_only=True):
    """Widths that go together: what they were and are, and the weights they run through."""

    part: str
    name: str
    before: int
    after: int
    layers: tuple[str, ...]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A width that was not pruned, and why."""

    part: str
    name: str
    width: int
    why: str


class HeadScores(msgspec.Struct, frozen=True, kw_only=True):
    """One head on the evaluation samples: unpruned, pruned, and after recovery.

    ``samples`` are those with a label; with none, the scores are 0 and ``agreement`` (the share
    of answers as of the unpruned model) is what there is. ``drop_interval`` are the bounds, at
    95 %, of the points of macro-F1 lost after recovery, by a paired bootstrap over the samples.
    """

    samples: int
    before: Score
    raw: Score
    recovered: Score
    drop_interval: tuple[float, float]
    agreement: float

    @property
    def drop(self) -> float:
        """Points of macro-F1 lost after recovery; negative where it is better."""
        return 100 * (self.before.macro_f1 - self.recovered.macro_f1)


class MaskChange(msgspec.Struct, frozen=True, kw_only=True):
    """Zeros set in place: their share of the weights that were masked.

    ``milliseconds`` are the caller's measurement without and with the mask: only an engine with
    sparse kernels gains from zeros. None where nothing was measured.
    """

    kind: str
    zeros: float
    layers: int
    milliseconds: tuple[float, float] | None = None


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """One epoch of recovery: mean loss, validation score (higher is better), seconds."""

    loss: float
    score: float
    seconds: float


class RecoveryReport(msgspec.Struct, frozen=True, kw_only=True):
    """How recovery went: by what, on how many samples, and its epochs."""

    method: str
    samples: int
    epochs: tuple[Epoch, ...] = ()
    best: int | None = None
    seconds: float = 0.0


class PruningReport(msgspec.Struct, frozen=True, kw_only=True):
    """What :func:`~edge_sdk.converters.pruning.prune_source` did.

    ``difference`` is the largest difference between the pruned model and the unpruned one with
    the same channels zeroed: the proof that the surgery is right.
    """

    criterion: str
    seed: int
    parts: tuple[PartChange, ...]
    groups: tuple[GroupChange, ...]
    kept: tuple[Kept, ...]
    heads: dict[str, HeadScores]
    evaluation_samples: int
    difference: float
    mask: MaskChange | None
    recovery: RecoveryReport
    warnings: tuple[str, ...] = ()

    @property
    def macs(self) -> tuple[int, int]:
        """Multiply-accumulates of all parts together, before and after."""
        return sum(p.macs[0] for p in self.parts), sum(p.macs[1] for p in self.parts)

    @property
    def parameters(self) -> tuple[int, int]:
        """Parameters of all parts together, before and after."""
        return sum(p.parameters[0] for p in self.parts), sum(p.parameters[1] for p in self.parts)
