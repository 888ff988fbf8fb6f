"""What a conversion says about itself; the bundle carries it as ``report.json``."""

from __future__ import annotations

import msgspec

from edge_sdk.bundle.manifest import FloatShare, Quality
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
    have settled.
    """

    precision: Precision
    size: int
    drops: dict[str, float]
    stayed_float: FloatShare | None = None
    kernels: str = ""
    kept: dict[str, str] = {}
    coverage: Coverage | None = None


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


class EditionReport(_Data, frozen=True, kw_only=True):
    """The model for one engine: its parts, what it lost, bytes of its graphs."""

    engine: str
    parts: tuple[PartReport, ...]
    quality: Quality
    size: int


class ConversionReport(_Data, frozen=True, kw_only=True):
    """The result of :func:`edge_sdk.converters.convert` for one target.

    Attributes:
        name: the model.
        target: the target profile's name.
        editions: one an engine, in the target's order of preference.
        fp32_size: bytes of the parts' fp32 ONNX graphs.
        warnings: sentences the user should read.
        output: where the bundle was written (not in ``report.json``).
    """

    name: str
    target: str
    editions: tuple[EditionReport, ...]
    fp32_size: int
    warnings: tuple[str, ...]
    output: str | None = None

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
