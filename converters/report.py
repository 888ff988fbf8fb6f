"""What a conversion says about itself; the bundle carries it as ``report.json``."""

from __future__ import annotations

import msgspec

from edge_sdk.bundle.manifest import FloatShare, Quality
from edge_sdk.targets import Precision


class _Data(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Attempt(_Data, frozen=True, kw_only=True):
    """One precision tried for a part, the rest of the model in fp32.

    ``drops`` are points lost by head (macro-F1 against fp32; share of other labels where the
    data has none). A negative drop is a gain.
    """

    precision: Precision
    size: int
    drops: dict[str, float]
    stayed_float: FloatShare | None = None


class PartReport(_Data, frozen=True, kw_only=True):
    """What was shipped for a part, what was tried, and why anything was rejected."""

    name: str
    precision: Precision
    size: int
    parameters: int
    attempts: tuple[Attempt, ...]
    rejected: tuple[str, ...] = ()


class ConversionReport(_Data, frozen=True, kw_only=True):
    """The result of :func:`edge_sdk.converters.convert`.

    Attributes:
        name: the model.
        target: the target profile's name.
        parts: in the order of the manifest.
        quality: fp32 against shipped, by head.
        size: bytes of the shipped graphs.
        fp32_size: bytes of the same graphs in fp32.
        warnings: sentences the user should read.
        output: where the bundle was written (not in ``report.json``).
    """

    name: str
    target: str
    parts: tuple[PartReport, ...]
    quality: Quality
    size: int
    fp32_size: int
    warnings: tuple[str, ...]
    output: str | None = None
