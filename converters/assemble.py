"""The manifest and the report of a conversion, from what its stages found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx

from edge_sdk.bundle.manifest import (
    SCHEMA,
    Manifest,
    Part,
    Provenance,
    Quality,
    TensorSpec,
    Tolerances,
    Variant,
)
from edge_sdk.frontends import frontends_hash
from edge_sdk.targets import Precision, TargetProfile

from .data import Split
from .gate import Gate, worst_head
from .golden import Golden
from .graphs import PartGraphs, tools
from .report import Attempt, ConversionReport, PartReport
from .source import HEAD, Source

_DTYPES = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.INT64: "int64",
    onnx.TensorProto.INT32: "int32",
    onnx.TensorProto.BOOL: "bool",
}


def make_report(
    source: Source,
    profile: TargetProfile,
    parts: Mapping[str, PartGraphs],
    gate: Gate,
    chosen: Mapping[str, Precision],
    quality: Quality,
    warnings: Sequence[str],
) -> ConversionReport:
    """What was tried and shipped for each part."""
    made = tuple(
        _part_report(name, part, gate, chosen, quality.max_drop) for name, part in parts.items()
    )
    return ConversionReport(
        name=source.name,
        target=profile.name,
        parts=made,
        quality=quality,
        size=sum(part.size for part in made),
        fp32_size=sum(part.graphs["fp32"].ByteSize() for part in parts.values()),
        warnings=tuple(warnings),
    )


def make_manifest(
    source: Source,
    profile: TargetProfile,
    parts: Mapping[str, PartGraphs],
    chosen: Mapping[str, Precision],
    quality: Quality,
    tolerances: Tolerances,
    golden: Golden,
    split: Split,
) -> Manifest:
    """The manifest, its file table still empty."""
    return Manifest(
        schema=SCHEMA,
        name=source.name,
        target=profile,
        frontends=source.frontends,
        frontends_hash=frontends_hash(source.frontends),
        parts=tuple(_part(name, part, chosen[name]) for name, part in parts.items()),
        heads=source.heads,
        quality=quality,
        tolerances=tolerances,
        golden=golden.samples,
        provenance=Provenance(
            checkpoint=source.digest,
            calibration=split.calibration.digest(),
            calibration_samples=len(split.calibration),
            evaluation=split.evaluation.digest(),
            evaluation_samples=len(split.evaluation),
            tools=tools(),
        ),
        files={},
    )


def artefact(name: str, precision: Precision) -> str:
    """The file name of a part's graph in the bundle."""
    return f"parts/{name}.{precision}.onnx"


def _part_report(
    name: str,
    part: PartGraphs,
    gate: Gate,
    chosen: Mapping[str, Precision],
    limit: float,
) -> PartReport:
    base: dict[str, Precision] = dict.fromkeys(chosen, "fp32")
    attempts = tuple(
        Attempt(
            precision=precision,
            size=graph.ByteSize(),
            drops=gate.drops({**base, name: precision}),
            stayed_float=part.stayed_float if precision == "int8" else None,
        )
        for precision, graph in part.graphs.items()
    )
    rejected = tuple(
        f"{attempt.precision} rejected for part {name}: {worst_head(attempt.drops)} "
        f"(alone; budget {limit:g} for the whole)"
        for attempt in attempts
        if attempt.precision != "fp32" and chosen[name] == "fp32"
    )
    return PartReport(
        name=name,
        precision=chosen[name],
        size=part.graphs[chosen[name]].ByteSize(),
        parameters=part.parameters,
        attempts=attempts,
        rejected=rejected,
    )


def _part(name: str, part: PartGraphs, precision: Precision) -> Part:
    graph = part.graphs["fp32"].graph
    return Part(
        name=name,
        role="head" if name == HEAD else "encoder",
        inputs=_specs(graph.input),
        outputs=_specs(graph.output),
        variants=(
            Variant(
                engine="onnxruntime",
                precision=precision,
                file=artefact(name, precision),
                parameters=part.parameters,
                stayed_float=part.stayed_float if precision == "int8" else None,
            ),
        ),
    )


def _specs(values: Sequence[onnx.ValueInfoProto]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            name=value.name,
            dtype=_DTYPES[value.type.tensor_type.elem_type],
            shape=tuple(d.dim_param or int(d.dim_value) for d in value.type.tensor_type.shape.dim),
        )
        for value in values
    )
