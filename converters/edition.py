"""An edition: the model for one engine on one rung of the ladder, and why it is as it is."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from edge_sdk.bundle.manifest import FULL, HeadQuality
from edge_sdk.targets import Precision

from .backends import Artefact, Runner
from .candidates import Candidates
from .gate import Gate, worst_head
from .measure import Timing, total
from .search import Pool, Trial


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """What ships for one engine on one rung.

    Attributes:
        pool: the candidates it was chosen from.
        chosen: the precision of each part that it has.
        quality: what it lost, by head.
        samples: how many samples that was measured on.
        limit: the points that a head might lose.
        rung: its place on the ladder.
        modalities: those it answers on; empty for all.
        why: for parts that do not ship as the target prefers, the reason.
    """

    pool: Pool
    chosen: dict[str, Precision]
    quality: dict[str, HeadQuality]
    samples: int
    limit: float
    rung: str = FULL
    modalities: tuple[str, ...] = ()
    why: dict[str, str] = {}

    @property
    def candidates(self) -> Candidates:
        """What might have shipped."""
        return self.pool.candidates

    @property
    def gate(self) -> Gate:
        """What judged it."""
        return self.pool.gate

    @property
    def engine(self) -> str:
        """Whose edition it is."""
        return self.candidates.engine

    @property
    def name(self) -> str:
        """What the manifest calls it."""
        return self.engine if self.rung == FULL else f"{self.engine}.{self.rung}"

    @property
    def artefacts(self) -> dict[str, Artefact]:
        """The artefact of each part."""
        return {n: self.candidates.artefacts[n][p] for n, p in self.chosen.items()}

    @property
    def runners(self) -> dict[str, Runner]:
        """The reference runner of each part."""
        return {n: self.candidates.runners[n][p] for n, p in self.chosen.items()}

    @property
    def time(self) -> Timing | None:
        """Of one answer; None where it was not measured."""
        timings = self.pool.timings
        if timings is None:
            return None
        return total([timings[name][kind] for name, kind in self.chosen.items()])

    @property
    def size(self) -> int:
        """Bytes of all artefacts, graphs for streams included."""
        return sum(a.size + a.streaming_size for a in self.artefacts.values())


def ship(trial: Trial, limit: float, *, rung: str = FULL, stands: bool = False) -> Edition:
    """The edition of a trial; ``stands`` says that times here are the target's order."""
    pool = trial.pool
    return Edition(
        pool=pool,
        chosen=trial.assignment,
        quality=pool.gate.quality(trial.assignment),
        samples=pool.gate.samples,
        limit=limit,
        rung=rung,
        why=_reasons(pool, trial.assignment, limit, stands),
    )


def restrict(full: Edition, rung: str, modalities: tuple[str, ...]) -> Edition:
    """The edition ``full`` on some modalities alone: fewer of the same graphs."""
    parts = [n for n in full.chosen if n in modalities or n not in full.gate.modalities]
    return Edition(
        pool=full.pool,
        chosen={name: full.chosen[name] for name in parts},
        quality=full.gate.quality(full.chosen, modalities),
        samples=full.gate.answering(modalities),
        limit=100.0,
        rung=rung,
        modalities=modalities,
        why={name: why for name, why in full.why.items() if name in parts},
    )


def pinned(
    pool: Pool, parts: Mapping[str, Precision], why: Mapping[str, str], limit: float, rung: str
) -> Edition:
    """The edition that a recipe has decided on."""
    assignment = {name: parts[name] for name in pool.candidates.choices}
    return Edition(
        pool=pool,
        chosen=assignment,
        quality=pool.gate.quality(assignment),
        samples=pool.gate.samples,
        limit=limit,
        rung=rung,
        why=dict(why),
    )


def _reasons(
    pool: Pool, chosen: Mapping[str, Precision], limit: float, stands: bool
) -> dict[str, str]:
    """For each part that does not have the precision that comes first, a sentence."""
    reasons = {}
    for name, kinds in pool.candidates.choices.items():
        passed = kinds[: kinds.index(chosen[name])]
        sentences = [_reason(pool, name, kind, chosen[name], limit, stands) for kind in passed]
        if sentences:
            reasons[name] = "; ".join(sentences)
    return reasons


def _reason(
    pool: Pool, name: str, kind: Precision, instead: Precision, limit: float, stands: bool
) -> str:
    if stands and pool.timings is not None:
        mine, its = pool.timings[name][kind], pool.timings[name][instead]
        if mine.milliseconds - its.milliseconds > (mine.noise**2 + its.noise**2) ** 0.5:
            ratio = mine.milliseconds / its.milliseconds
            return (
                f"{kind} rejected for part {name}: {ratio:.1f}x slower than {instead} "
                f"({mine.milliseconds:.3g} ms against {its.milliseconds:.3g} ms)"
            )
    lost = worst_head(pool.gate.drops({name: kind}))
    return f"{kind} rejected for part {name}: {lost} (alone; budget {limit:g} for the whole)"
