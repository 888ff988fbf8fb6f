"""An edition: the model for one engine, each part at the precision that the gate lets ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from edge_sdk.bundle.manifest import HeadQuality
from edge_sdk.errors import BudgetError, CrashError, ExportError
from edge_sdk.targets import Precision, TargetProfile

from .backends import Artefact, Backend, PartWork, Runner, load_backend
from .gate import Gate, settle, worst_head
from .whereabouts import converting

# Where a part goes that an edition's own engine cannot express.
FALLBACK = "onnxruntime"


class Candidates(msgspec.Struct, frozen=True):
    """What might ship for one engine: artefacts and their runners by part and precision."""

    engine: str
    artefacts: dict[str, dict[Precision, Artefact]]
    runners: dict[str, dict[Precision, Runner]]
    fallbacks: dict[str, str]


class Edition(msgspec.Struct, frozen=True):
    """What ships for one engine."""

    candidates: Candidates
    chosen: dict[str, Precision]
    quality: dict[str, HeadQuality]
    samples: int

    @property
    def engine(self) -> str:
        """The edition's name."""
        return self.candidates.engine

    @property
    def artefacts(self) -> dict[str, Artefact]:
        """The artefact of each part."""
        return {n: self.candidates.artefacts[n][p] for n, p in self.chosen.items()}

    @property
    def runners(self) -> dict[str, Runner]:
        """The reference runner of each part."""
        return {n: self.candidates.runners[n][p] for n, p in self.chosen.items()}

    @property
    def size(self) -> int:
        """Bytes of all artefacts, graphs for streams included."""
        return sum(a.size + a.streaming_size for a in self.artefacts.values())


def make_candidates(
    engine: str, works: Sequence[PartWork], precisions: Sequence[Precision]
) -> Candidates:
    """Build every part at every wanted precision that the engine has.

    A part that the engine cannot express takes the artefacts of :data:`FALLBACK`, and
    ``fallbacks`` says why.

    Raises:
        ExportError: a part cannot be expressed and there is no fallback.
        CrashError: a converter died on a part.
        DependencyError: the engine's tools are not installed.
    """
    backend = load_backend(engine)
    artefacts: dict[str, dict[Precision, Artefact]] = {}
    runners: dict[str, dict[Precision, Runner]] = {}
    fallbacks: dict[str, str] = {}
    for work in works:
        try:
            maker: Backend = backend
            made = _build(maker, work, precisions)
        except ExportError as error:
            # A converter that died has not said that the part cannot be expressed.
            if engine == FALLBACK or isinstance(error, CrashError):
                raise
            fallbacks[work.name] = str(error)
            maker = load_backend(FALLBACK)
            made = _build(maker, work, precisions)
        artefacts[work.name] = made
        runners[work.name] = {p: maker.runner(artefact) for p, artefact in made.items()}
    return Candidates(engine, artefacts, runners, fallbacks)


def choose(candidates: Candidates, gate: Gate, limit: float) -> Edition:
    """The precisions to ship, by the gate.

    Raises:
        BudgetError: no combination keeps ``limit``; the sentence says which comes nearest.
    """
    choices = {name: tuple(made) for name, made in candidates.artefacts.items()}
    chosen, nearest = settle(gate, choices, limit)
    if chosen is None:
        raise BudgetError(
            f"No combination of precisions for {candidates.engine} keeps the budget of {limit:g} "
            f"points; no bundle was written. Nearest: {_named(nearest)}, with "
            f"{worst_head(gate.drops(nearest))}. Allow more with --max-drop, or allow fp32."
        )
    return Edition(candidates, chosen, gate.quality(chosen), gate.samples)


def check_size(edition: Edition, profile: TargetProfile) -> None:
    """Hold an edition against the target's size budget.

    Raises:
        BudgetError: it is larger.
    """
    limit = profile.budgets.max_size_mb
    if limit is not None and edition.size > limit * 1e6:
        raise BudgetError(
            f"The graphs for {edition.engine} take {edition.size / 1e6:.2f} MB and the target "
            f"{profile.name} allows {limit:g} MB; no bundle was written. Train a smaller model, "
            "or raise the budget in a target profile of your own."
        )


def _build(
    backend: Backend, work: PartWork, precisions: Sequence[Precision]
) -> dict[Precision, Artefact]:
    wanted = [precision for precision in precisions if precision in backend.precisions]
    if not wanted:
        raise ExportError(
            f"{backend.engine} makes {', '.join(backend.precisions)}; "
            f"wanted: {', '.join(precisions)}."
        )
    made = {}
    for precision in wanted:
        with converting(engine=backend.engine, part=work.name, precision=precision):
            made[precision] = backend.build(work, precision)
    return made


def _named(chosen: Mapping[str, Precision]) -> str:
    return ", ".join(f"{name} {precision}" for name, precision in chosen.items())
