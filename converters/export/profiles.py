"""Shape profiles of a graph, from what its axes may measure."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
import onnx

from edge_sdk.bundle.manifest import ShapeRange
from edge_sdk.bundle.shapes import problem
from edge_sdk.errors import ExportError
from edge_sdk.frontends.config import FrontendsConfig

from ..calibration.ranges import Calibration


class AxisRange(msgspec.Struct, frozen=True, kw_only=True):
    """How long an axis may be, and how long it mostly is (None: as calibration saw it)."""

    min: int = 1
    max: int
    opt: int | None = None


def axis_ranges(frontends: FrontendsConfig) -> dict[str, AxisRange]:
    """What the front-ends can give, by the axis names of the reference parts' graphs."""
    ranges = {}
    if frontends.audio is not None:
        frames = math.ceil(frontends.audio.max_seconds * 1000 / frontends.audio.hop_ms)
        ranges["frames"] = AxisRange(max=frames)
    if frontends.text is not None:
        ranges["tokens"] = AxisRange(max=frontends.text.max_tokens)
    return ranges


def shape_profiles(
    graph: onnx.ModelProto, ranges: Mapping[str, AxisRange], calibration: Calibration, part: str
) -> tuple[ShapeRange, ...]:
    """One profile for each input of ``graph`` that has an axis of any length.

    Raises:
        ExportError: an axis has no range, or one that makes no sense.
    """
    profiles = []
    for value in graph.graph.input:
        dims = value.type.tensor_type.shape.dim
        if all(dim.HasField("dim_value") for dim in dims):
            continue
        seen = calibration.shapes.get(value.name, ())
        sizes = [
            _sizes(dim, ranges, seen[axis] if axis < len(seen) else None, value.name, part)
            for axis, dim in enumerate(dims)
        ]
        low, best, high = (tuple(shape) for shape in zip(*sizes, strict=True))
        profile = ShapeRange(input=value.name, smallest=low, usual=best, largest=high)
        wrong = problem(profile)
        if wrong:
            raise ExportError(f"The part {part} cannot have a TensorRT engine: {wrong}.")
        profiles.append(profile)
    return tuple(profiles)


def _sizes(
    dim: onnx.TensorShapeProto.Dimension,
    ranges: Mapping[str, AxisRange],
    seen: int | None,
    name: str,
    part: str,
) -> tuple[int, int, int]:
    if dim.HasField("dim_value"):
        return dim.dim_value, dim.dim_value, dim.dim_value
    limits = ranges.get(dim.dim_param)
    if limits is None:
        raise ExportError(
            f"The input {name} of the part {part} has the axis {dim.dim_param or 'without a name'} "
            "of any length; TensorRT needs to know how short and how long it may be."
        )
    best = limits.opt or seen or limits.max
    return limits.min, min(max(best, limits.min), limits.max), limits.max
