"""The manifest of a conversion, from what its stages found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import onnx

from edge_sdk.bundle import manifest as form
from edge_sdk.bundle.manifest import (
    FULL,
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
from .golden import GoldenInput
from .quantisation.share import parameter_count
from .recipe import Recipe
from .search import Limits, Trial
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
    files: Mapping[str, Mapping[str, str]]
    golden: Sequence[GoldenInput]
    split: Split
    limits: Limits
    ladder: tuple[str, ...]
    tolerances: form.Tolerances
    trials: Sequence[Trial]
    machine: str | None
    caveat: str | None
    recipe: Recipe
    warnings: list[str]
    notes: list[str]

    def quality(self, edition: Edition) -> Quality:
        """What an edition lost."""
        return Quality(
            source=self.split.source,
            samples=edition.samples,
            max_drop=edition.limit,
            heads=edition.quality,
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
            edition.name: form.Edition(
                parts=dict(found.files[edition.name]),
                quality=found.quality(edition),
                fallbacks={
                    name: why
                    for name, why in edition.candidates.fallbacks.items()
                    if name in edition.chosen
                },
                rung=edition.rung,
                engine=edition.engine,
                modalities=edition.modalities,
            )
            for edition in found.editions
        },
        tolerances=found.tolerances,
        golden=tuple(g.entry({e.name: e.modalities for e in found.editions}) for g in found.golden),
        provenance=Provenance(
            checkpoint=source.digest,
            calibration=split.calibration.digest(),
            calibration_samples=len(split.calibration),
            evaluation=split.evaluation.digest(),
            evaluation_samples=len(split.evaluation),
            tools=tools(),
            **_recovery(found),
        ),
        files={},
        ladder=found.ladder,
    )


def _recovery(found: Conversion) -> dict[str, Any]:
    """What weights were trained on, where an edition has other weights than the checkpoint."""
    if not any(edition.candidates.form.trained for edition in found.editions):
        return {}
    training = found.split.training
    return {"recovery": training.digest(), "recovery_samples": len(training)}


def file_names(editions: Sequence[Edition]) -> dict[str, dict[str, str]]:
    """The file of each part's graph, by edition: ``parts/image.int8.onnx``.

    A graph that several editions share is one file; a rung's own says so in its name.
    """
    taken: dict[str, bytes] = {}
    names: dict[str, dict[str, str]] = {}
    for edition in editions:
        mine = names[edition.name] = {}
        for part, artefact in edition.artefacts.items():
            kind = "" if artefact.engine in ("onnxruntime", "litert") else f"{artefact.engine}."
            end = f"{artefact.precision}.{artefact.suffix}"
            plain = f"parts/{part}.{kind}{end}"
            tries = [plain, f"parts/{part}.{edition.engine}.{end}"]
            if edition.rung != FULL:
                own = [f"parts/{part}.{edition.rung}.{kind}{end}",
                       f"parts/{part}.{edition.rung}.{edition.engine}.{end}"]  # fmt: skip
                tries = [plain, *own] if taken.get(plain) == artefact.content else own
            for name in tries:
                if taken.setdefault(name, artefact.content) == artefact.content:
                    mine[part] = name
                    break
    return names


def streaming_files(artefact: Artefact, file: str) -> dict[str, bytes]:
    """The graph of a step beside the part's ``file``, where it is a file of its own."""
    form = artefact.streaming
    if isinstance(form, str) or not form.content:
        return {}
    return {_streaming_file(file): form.content}


def _streaming(artefact: Artefact, file: str) -> Streaming | None:
    form = artefact.streaming
    if isinstance(form, str):
        return None
    return Streaming(
        file=_streaming_file(file) if form.content else file,
        frames=form.frames,
        multiples=form.multiples,
        states=form.states,
    )


def _streaming_file(file: str) -> str:
    stem, _, suffix = file.rpartition(".")
    return f"{stem}.step.{suffix}"


def _part(found: Conversion, name: str) -> Part:
    graph = found.graphs[name]
    parameters = parameter_count(graph)
    variants: dict[str, Variant] = {}
    for edition in found.editions:
        if name not in edition.chosen:
            continue
        artefact, file = edition.artefacts[name], found.files[edition.name][name]
        own = parameter_count(edition.candidates.form.graphs[name])
        variants[file] = Variant(
            engine=artefact.engine,
            precision=artefact.precision,
            file=file,
            stayed_float=artefact.stayed_float,
            shapes=artefact.shapes,
            streaming=_streaming(artefact, file),
            parameters=own if own != parameters else None,
        )
    return Part(
        name=name,
        role="head" if name == HEAD else "encoder",
        parameters=parameters,
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
