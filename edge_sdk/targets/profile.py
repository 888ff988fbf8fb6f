"""What the SDK knows about a kind of device: plain data, one TOML file a board."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ..units import parse_bytes, parse_milliseconds

#: ``int8`` computes with ranges from calibration ("fixed"), ``int8-dynamic`` with those of each
#: input as it comes ("adaptive"); in ``int8-mixed`` the layers that cost most stay float.
Precision = Literal["int8", "int8-mixed", "int8-dynamic", "fp16", "fp32"]


class _Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Int8Scheme(_Data, frozen=True, kw_only=True):
    """How int8 is laid out so that the target's instructions compute it exactly.

    ``reduce_range`` keeps weights to 7 bits: x86 without VNNI adds pairs of products in 16 bits
    and saturates on full-range values.
    """

    activation: Literal["uint8", "int8"] = "uint8"
    per_channel: bool = True
    reduce_range: bool = False
    symmetric_activation: bool = False


class Budgets(_Data, frozen=True, kw_only=True):
    """Limits a bundle for this target must keep.

    Attributes:
        max_drop: points of macro-F1 that a head may lose against fp32.
        max_size: of the graphs of an edition, with its unit: ``2MB``.
        max_latency: of one answer, encoders and head together, with its unit: ``25ms``.
    """

    max_drop: Annotated[float, Meta(ge=0)] = 1.0
    max_size: str | None = None
    max_latency: str | None = None

    def __post_init__(self) -> None:
        for name, parse in (("max_size", parse_bytes), ("max_latency", parse_milliseconds)):
            value = getattr(self, name)
            if value is not None:
                try:
                    parse(value)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from error

    @property
    def max_bytes(self) -> int | None:
        """``max_size`` in bytes."""
        return None if self.max_size is None else parse_bytes(self.max_size)

    @property
    def max_milliseconds(self) -> float | None:
        """``max_latency`` in milliseconds."""
        return None if self.max_latency is None else parse_milliseconds(self.max_latency)


class TargetProfile(_Data, frozen=True, kw_only=True):
    """One kind of device.

    ``engines`` and ``precisions`` are orders of preference; ``threads`` is the number of
    threads an engine may use. ``longest_seconds`` is the longest recording that engines whose
    graphs have a fixed length are to take; a shorter one costs them as much.
    """

    name: str
    description: str
    arch: Literal["x86_64", "aarch64"]
    cpu: str
    features: tuple[str, ...] = ()
    cores: Annotated[int, Meta(ge=1)]
    memory_mb: Annotated[int, Meta(ge=1)]
    engines: Annotated[tuple[str, ...], Meta(min_length=1)] = ("onnxruntime",)
    precisions: Annotated[tuple[Precision, ...], Meta(min_length=1)] = ("int8", "fp32")
    threads: Annotated[int, Meta(ge=1)] = 1
    longest_seconds: Annotated[float, Meta(gt=0)] = 4.5
    int8: Int8Scheme = Int8Scheme()
    budgets: Budgets = Budgets()
