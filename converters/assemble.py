"""The manifest and the report of a conversion, from what its stages found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import onnx

from edge_sdk.bundle import manifest as form
from edge_sdk.bundle.manifest import (
    Manifest,
    Part,
    Provenance,
    Quality,
    Streaming,
    TensorSpec,
    Variant,
)
from edge_sdk.frontends import frontends_hash
from edge_sdk.targets import TargetProfile

from .backends import Artefact
from .data import Split
from .edition import Edition
from .gate import Gate, worst_head
from .golden import GoldenInput
from .quantisation.share import parameter_count
from .report import Attempt, ConversionReport, EditionReport, PartReport
from .source import HEAD, Source
from .works import tools

_DTYPES = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.INT64: "int64",
    onnx.TensorProto.INT32: "int32",
    onnx.TensorProto.BOOL: "bool",
}


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """What the stages of one target's conversion found."""

    source: Source
    profile: TargetProfile
    graphs: Mapping[str, onnx.ModelProto]
    editions: Sequence[Edition]
    gates: Mapping[str, Gate]
    golden: Sequence[GoldenInput]
    split: Split
    limit: float
    tolerances: form.Tolerances

    def quality(self, edition: Edition) -> Quality:
        """What an edition lost."""
        return Quality(
            source=self.split.source,
            samples=edition.samples,
            max_drop=self.limit,
            heads=edition.quality,
        )


def make_report(found: Conversion, warnings: Sequence[str]) -> ConversionReport:
    """What was tried and shipped for each part on each engine."""
    return ConversionReport(
        name=found.source.name,
        target=found.profile.name,
        editions=tuple(_edition_report(found, edition) for edition in found.editions),
        fp32_size=sum(graph.ByteSize() for graph in found.graphs.values()),
        warnings=(*warnings, *_unsettled(found)),
    )


def make_manifest(found: Conversion) -> Manifest:
    """The manifest, its file table still empty."""
    source, split = found.source, found.split
    return Manifest(
        schema=form.SCHEMA,
        name=source.name,
        target=found.profile,
        frontends=source.frontends,
        frontends_hash=frontends_hash(source.frontends),
        parts=tuple(_part(found, name) for name in found.graphs),
        heads=source.heads,
        editions={
            edition.engine: form.Edition(
                parts={name: file_of(name, a) for name, a in edition.artefacts.items()},
                quality=found.quality(edition),
                fallbacks=edition.candidates.fallbacks,
                engine=edition.engine,
            )
            for edition in found.editions
        },
        tolerances=found.tolerances,
        golden=tuple(g.entry([e.engine for e in found.editions]) for g in found.golden),
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


def file_of(name: str, artefact: Artefact) -> str:
    """The file name of a part's graph in the bundle."""
    kind = "" if artefact.engine in ("onnxruntime", "litert") else f"{artefact.engine}."
    return f"parts/{name}.{kind}{artefact.precision}.{artefact.suffix}"


def streaming_files(name: str, artefact: Artefact) -> dict[str, bytes]:
    """The graph of a step, where it is a file of its own."""
    form = artefact.streaming
    if isinstance(form, str) or not form.content:
        return {}
    return {_streaming_file(name, artefact): form.content}


def _streaming(name: str, artefact: Artefact) -> Streaming | None:
    form = artefact.streaming
    if isinstance(form, str):
        return None
    return Streaming(
        file=_streaming_file(name, artefact) if form.content else file_of(name, artefact),
        frames=form.frames,
        multiples=form.multiples,
        states=form.states,
    )


def _streaming_sentence(found: Conversion, name: str, artefact: Artefact) -> str:
    form, audio = artefact.streaming, found.source.frontends.audio
    if isinstance(form, str):
        return f"Streaming: {name} does not stream. {form}" if form else ""
    milliseconds = form.frames * (audio.hop_ms if audio else 0)
    size = f", a graph of {len(form.content) / 1e3:.1f} kB more" if form.content else ""
    return f"Streaming: {name} in steps of {milliseconds:g} ms{size}."


def _streaming_file(name: str, artefact: Artefact) -> str:
    stem, _, suffix = file_of(name, artefact).rpartition(".")
    return f"{stem}.step.{suffix}"


def _edition_report(found: Conversion, edition: Edition) -> EditionReport:
    gate = found.gates[edition.engine]
    parts = tuple(_part_report(found, edition, name, gate) for name in found.graphs)
    return EditionReport(
        engine=edition.engine,
        parts=parts,
        quality=found.quality(edition),
        size=edition.size,
    )


def _unsettled(found: Conversion) -> Iterator[str]:
    """Warnings of parts whose calibration has not settled; one a part."""
    warned: set[str] = set()
    for edition in found.editions:
        for name, artefact in edition.artefacts.items():
            sentence = artefact.coverage.warning(name) if artefact.coverage else None
            if sentence and name not in warned:
                warned.add(name)
                yield sentence


def _part_report(found: Conversion, edition: Edition, name: str, gate: Gate) -> PartReport:
    made = edition.candidates.artefacts[name]
    attempts = tuple(
        Attempt(
            precision=precision,
            size=artefact.size,
            drops=gate.drops({name: precision}),
            stayed_float=artefact.stayed_float,
            kernels=artefact.kernels,
            kept=artefact.kept,
            coverage=artefact.coverage,
        )
        for precision, artefact in made.items()
    )
    chosen = edition.chosen[name]
    rejected = [
        f"{attempt.precision} rejected for part {name}: {worst_head(attempt.drops)} "
        f"(alone; budget {found.limit:g} for the whole)"
        for attempt in attempts[: list(made).index(chosen)]
    ]
    if name in edition.candidates.fallbacks:
        why = edition.candidates.fallbacks[name]
        rejected.append(f"{name} falls back to {made[chosen].engine}: {why}")
    return PartReport(
        name=name,
        engine=made[chosen].engine,
        precision=chosen,
        size=made[chosen].size,
        fp32_size=found.graphs[name].ByteSize(),
        parameters=parameter_count(found.graphs[name]),
        attempts=attempts,
        rejected=tuple(rejected),
        streaming=_streaming_sentence(found, name, made[chosen]),
    )


def _part(found: Conversion, name: str) -> Part:
    graph = found.graphs[name]
    variants: dict[str, Variant] = {}
    for edition in found.editions:
        artefact = edition.artefacts[name]
        file = file_of(name, artefact)
        variants[file] = Variant(
            engine=artefact.engine,
            precision=artefact.precision,
            file=file,
            stayed_float=artefact.stayed_float,
            shapes=artefact.shapes,
            streaming=_streaming(name, artefact),
        )
    return Part(
        name=name,
        role="head" if name == HEAD else "encoder",
        parameters=parameter_count(graph),
        inputs=_specs(graph.graph.input),
        outputs=_specs(graph.graph.output),
        variants=tuple(variants.values()),
        shortest={n: low for n, (low, _) in _spans(found.source, name).items() if low > 1},
    )


def _spans(source: Source, name: str) -> Mapping[str, tuple[int, int]]:
    return next(spec.spans for spec in source.parts if spec.name == name)


def _specs(values: Sequence[onnx.ValueInfoProto]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            name=value.name,
            dtype=_DTYPES[value.type.tensor_type.elem_type],
            shape=tuple(d.dim_param or int(d.dim_value) for d in value.type.tensor_type.shape.dim),
        )
        for value in values
    )
