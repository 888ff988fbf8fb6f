"""What a conversion says about itself; the bundle carries it as ``report.json``."""

from __future__ import annotations

import msgspec

from edge_sdk.bundle.manifest import FULL, FloatShare, Quality
from edge_sdk.targets import Precision

from .calibration.coverage import Coverage


class _Data(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Attempt(_Data, frozen=True, kw_only=True):
    """One precision tried for a part, the rest of the model in fp32.

    ``drops`` are points lost by head (macro-F1 against fp32; share of other labels where the
    data has none). A negative drop is a gain. ``kernels`` is a sentence on what TensorRT's
    compiler made of the graph on the build host; empty where none was asked. ``kept`` says of
    layers that were kept in floating point why; ``coverage`` whether the ranges of its calibration
    have settled. ``milliseconds`` are those of one input on the machine that measured, None where
    nothing was measured.
    """

    precision: Precision
    size: int
    drops: dict[str, float]
    stayed_float: FloatShare | None = None
    kernels: str = ""
    kept: dict[str, str] = {}
    coverage: Coverage | None = None
    notes: tuple[str, ...] = ()
    milliseconds: float | None = None


class PartReport(_Data, frozen=True, kw_only=True):
    """What was shipped for a part, what was tried, and why anything was rejected.

    ``engine`` differs from the edition's where the part fell back; ``rejected`` says why.
    ``streaming`` says by what steps the part runs along a stream of sound, or why it does not;
    empty for the other parts.
    """

    name: str
    engine: str
    precision: Precision
    size: int
    fp32_size: int
    parameters: int
    attempts: tuple[Attempt, ...]
    rejected: tuple[str, ...] = ()
    streaming: str = ""


class AccuracyInterval(_Data, frozen=True, kw_only=True):
    """How sure a head's scores are: intervals of 95 %.

    Attributes:
        fp32: of the accuracy in fp32, from 0 to 1 (Wilson).
        shipped: of the accuracy as shipped.
        f1_fp32: of macro-F1 in fp32, from 0 to 1 (bootstrap over the samples).
        f1_shipped: of macro-F1 as shipped.
        drop: of the points of macro-F1 lost (paired bootstrap); the same samples judge both, so
            it is narrower than the two say.
    """

    fp32: tuple[float, float]
    shipped: tuple[float, float]
    f1_fp32: tuple[float, float]
    f1_shipped: tuple[float, float]
    drop: tuple[float, float]


class EditionReport(_Data, frozen=True, kw_only=True):
    """The model for one engine on one rung: its parts, what it lost, bytes of its graphs.

    ``modalities`` are those it answers on, empty for all; ``pruned`` is the share of channels
    that was taken away, ``tuned`` whether the weights were fine-tuned for int8.
    """

    engine: str
    rung: str = FULL
    modalities: tuple[str, ...] = ()
    pruned: float = 0.0
    tuned: bool = False
    parts: tuple[PartReport, ...]
    quality: Quality
    intervals: dict[str, AccuracyInterval] = {}
    size: int


class CandidateReport(_Data, frozen=True, kw_only=True):
    """One assignment of precisions that the search tried.

    Attributes:
        engine: for which engine.
        pruned: the share of channels that was taken away before.
        tuned: whether the weights were fine-tuned for int8.
        words: what it is called in tables.
        precisions: of each part.
        drops: points lost by head.
        size: bytes of its graphs.
        milliseconds: of one answer on one thread, encoders and head; None if not measured.
        noise: times closer than this are not told apart.
        fits: whether it keeps the budgets.
        front: whether none is better in loss, time or bytes and no worse in the others.
        rungs: the rungs that it ships on.
    """

    engine: str
    pruned: float
    tuned: bool
    words: str
    precisions: dict[str, Precision]
    drops: dict[str, float]
    size: int
    milliseconds: float | None
    noise: float | None
    fits: bool
    front: bool
    rungs: tuple[str, ...]


class SearchReport(_Data, frozen=True, kw_only=True):
    """The budgets, what was tried for them, and where times come from.

    ``machine`` is what measured, None where nothing was; ``caveat`` says why times there may not
    be in the target's order. ``notes`` are sentences on the search.
    """

    max_drop: float
    max_bytes: int | None
    max_milliseconds: float | None
    machine: str | None
    caveat: str | None
    notes: tuple[str, ...]
    candidates: tuple[CandidateReport, ...]


class LayerEvidence(_Data, frozen=True, kw_only=True):
    """A layer alone in int8: ``snr_db`` of the part's output, its share of all rounding noise."""

    name: str
    weights: int
    macs: int
    snr_db: float
    noise_share: float


class ActivationHistogram(_Data, frozen=True, kw_only=True):
    """What a layer puts out over some samples: counts between edges, and the range of int8."""

    layer: str
    range: tuple[float, float]
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class PartEvidence(_Data, frozen=True, kw_only=True):
    """A part's multiply-accumulates on one sample, and its layers in int8, the costliest first.

    ``snr_db`` is that of its output with all of them in int8.
    """

    name: str
    macs: int
    snr_db: float
    layers: tuple[LayerEvidence, ...]
    activations: tuple[ActivationHistogram, ...]


class ConversionReport(_Data, frozen=True, kw_only=True):
    """The result of :func:`edge_sdk.converters.convert` for one target.

    Attributes:
        name: the model.
        target: the target profile's name.
        editions: by engine in the target's order of preference, then by rung.
        fp32_size: bytes of the parts' fp32 ONNX graphs, as they would ship.
        warnings: sentences the user should read.
        search: what else was tried. A bundle's ``report.json`` has it only where the bundle was
            asked to carry a report: times differ from run to run, a bundle's bytes do not.
        evidence: of each part, where a report was asked for.
        output: where the bundle was written (not in ``report.json``).
    """

    name: str
    target: str
    editions: tuple[EditionReport, ...]
    fp32_size: int
    warnings: tuple[str, ...]
    search: SearchReport | None = None
    evidence: tuple[PartEvidence, ...] = ()
    output: str | None = None

    def lasting(self) -> ConversionReport:
        """The part of it that the same inputs always give: without the search and its times."""
        editions = []
        for edition in self.editions:
            parts = tuple(
                msgspec.structs.replace(
                    part,
                    attempts=tuple(
                        msgspec.structs.replace(attempt, milliseconds=None)
                        for attempt in part.attempts
                    ),
                )
                for part in edition.parts
            )
            editions.append(msgspec.structs.replace(edition, parts=parts))
        return msgspec.structs.replace(
            self, editions=tuple(editions), search=None, evidence=(), output=None
        )

    @property
    def preferred(self) -> EditionReport:
        """The edition for the engine that the target prefers."""
        return self.editions[0]

    @property
    def parts(self) -> tuple[PartReport, ...]:
        """The parts of the preferred edition."""
        return self.preferred.parts

    @property
    def quality(self) -> Quality:
        """What the preferred edition lost."""
        return self.preferred.quality

    @property
    def size(self) -> int:
        """Bytes of the preferred edition's graphs."""
        return self.preferred.size
