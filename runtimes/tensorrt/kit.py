"""The TensorRT kit of a bundle: the graphs to compile on the device, with their shapes."""

from __future__ import annotations

import msgspec

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import ShapeRange
from edge_sdk.errors import BundleError

ENGINE = "tensorrt"


class KitGraph(msgspec.Struct, frozen=True, kw_only=True):
    """One graph of a kit: ONNX bytes, and the profiles of its axes of any length."""

    part: str
    precision: str
    graph: bytes
    profiles: tuple[ShapeRange, ...] = ()


def kit_of(bundle: Bundle) -> tuple[KitGraph, ...]:
    """The kit that ``bundle`` carries, every graph checked against its SHA-256.

    Raises:
        BundleError: it carries none, or a graph is damaged.
    """
    graphs = tuple(
        KitGraph(
            part=part.name,
            precision=variant.precision,
            graph=bundle.read(variant.file),
            profiles=variant.shapes,
        )
        for part in bundle.manifest.parts
        for variant in part.variants
        if variant.engine == ENGINE
    )
    if not graphs:
        raise BundleError(
            f"{bundle.path} carries no TensorRT kit: it was converted for "
            f"{bundle.manifest.target.name}. Convert the checkpoint for a Jetson target."
        )
    return graphs
