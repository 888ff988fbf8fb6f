"""What the TensorRT engines need to know beyond what every engine is told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..engines.protocol import EngineOptions
from .build import BuildFlags


class TensorRtOptions(EngineOptions, frozen=True, kw_only=True):
    """Options of a graph out of a bundle's kit.

    ``precision`` is the variant's; ``cache`` is where compiled engines lie, None the user's
    cache folder. ``shapes`` has one entry for each input with an axis of any length.
    """

    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    cache: Path | None = None
    flags: BuildFlags = BuildFlags()


def tensorrt_options(options: EngineOptions) -> TensorRtOptions:
    """``options`` if they are TensorRT's already, else the same with the defaults."""
    if isinstance(options, TensorRtOptions):
        return options
    return TensorRtOptions(
        threads=options.threads, optimise=options.optimise, shapes=options.shapes
    )
