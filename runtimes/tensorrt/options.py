"""What the TensorRT engines need to know beyond what every engine is told."""

from __future__ import annotations

import msgspec

from ..engines.protocol import EngineOptions
from .build import BuildFlags


class TensorRtOptions(EngineOptions, frozen=True, kw_only=True):
    """Options of a graph out of a bundle's kit, and how its engine is built.

    ``shapes`` has one entry for each input with an axis of any length.
    """

    flags: BuildFlags = BuildFlags()


def tensorrt_options(options: EngineOptions) -> TensorRtOptions:
    """``options`` if they are TensorRT's already, else the same with the defaults."""
    if isinstance(options, TensorRtOptions):
        return options
    return TensorRtOptions(**msgspec.structs.asdict(options))
